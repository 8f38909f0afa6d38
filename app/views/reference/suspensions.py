"""Suspensions of accreditations: reached from the accreditation's card."""

from __future__ import annotations

from sqlalchemy.orm import joinedload

from app.models import Accreditation, Suspension
from app.views.crud.base import BackOfficeView
from app.views.crud.rows import Rows, within, words
from app.views.shell import filters

from .forms import SuspensionForm

S = Suspension


class SuspensionsView(BackOfficeView):
    """`/suspensions/`"""

    route_base = "/suspensions"
    class_permission_name = "Suspensions"
    datamodel = Rows(
        S,
        eager=(joinedload(S.accreditation).joinedload(Accreditation.centre),),
        computed={"centre": lambda row: row.accreditation.centre.name},
        questions={
            "words": words(
                "N° d’agrément ou motif", S.reason, within(S.accreditation_id, Accreditation, Accreditation.number)
            )
        },
    )
    list_title, show_title = "Suspensions", "Suspension"
    add_title, edit_title = "Ajouter une suspension", "Modifier une suspension"
    list_columns = ["accreditation.number", "centre", "starts_on", "ends_on", "reason"]
    order_columns = ["accreditation.number", "starts_on", "ends_on"]
    base_order = ("starts_on", "desc")
    show_columns = ["accreditation.number", "centre", "starts_on", "ends_on", "reason"]
    add_columns = edit_columns = ["accreditation_id", "starts_on", "ends_on", "reason"]
    label_columns = {
        "accreditation.number": "N° d’agrément",
        "centre": "Centre",
        "starts_on": "Du",
        "ends_on": "Au",
        "reason": "Motif",
    }
    add_form = edit_form = SuspensionForm
    prefilled = {"accreditation": "accreditation_id"}

    def name_of(self, item: Suspension) -> str:
        """Return accreditation and first day."""
        return f"{item.accreditation.number} du {filters.day(item.starts_on)}"
