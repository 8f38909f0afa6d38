"""Accreditations, with the trainings they cover and their suspensions."""

from __future__ import annotations

from datetime import date

from flask import url_for
from flask_appbuilder.forms import DynamicForm
from sqlalchemy import ColumnElement
from sqlalchemy.orm import joinedload, selectinload

from app.models import Accreditation, Centre, Training
from app.models.types import holds_on
from app.services.reference import accreditations
from app.views.crud import choices, widgets
from app.views.crud.base import BackOfficeView
from app.views.crud.rows import Rows, on_day, one_of, siret, within, words

from .forms import AccreditationForm
from .suspensions import SuspensionsView

A = Accreditation


def _valid_on(day: date) -> ColumnElement[bool]:
    return holds_on(day, A.valid_to, A.valid_from)


class AccreditationsView(BackOfficeView):
    """`/agrements/`"""

    route_base = "/agrements"
    class_permission_name = "Accreditations"
    datamodel = Rows(
        A,
        eager=(joinedload(A.centre), selectinload(A.trainings), selectinload(A.suspensions)),
        computed={
            "centre.name": lambda row: widgets.centre(row.centre),
            "state": lambda row: widgets.tag(accreditations.state(row)),
        },
        questions={
            "words": words(
                "N° d’agrément, autorité, centre, SIRET",
                A.number,
                A.authority,
                within(A.centre_id, Centre, Centre.name, siret(Centre.siret)),
            ),
            "training": one_of("Formation", Training.id, choices.trainings).reached(A.trainings),
            "on": on_day("Valable le (JJ/MM/AAAA)", _valid_on),
        },
    )
    list_title, show_title = "Agréments", "Agrément"
    add_title, edit_title = "Ajouter un agrément", "Modifier un agrément"
    list_columns = ["number", "centre.name", "trainings", "authority", "valid_from", "valid_to", "state"]
    order_columns = ["number", "centre.name", "authority", "valid_from", "valid_to"]
    base_order = ("number", "asc")
    show_columns = [
        "number", "authority", "centre.name", "trainings", "valid_from", "valid_to", "withdrawn_on", "state",
    ]  # fmt: skip
    add_columns = edit_columns = [
        "centre_id", "authority", "number", "trainings", "valid_from", "valid_to", "withdrawn_on",
    ]  # fmt: skip
    label_columns = {
        "number": "N° d’agrément", "centre.name": "Centre", "trainings": "Formations", "authority": "Autorité",
        "valid_from": "Du", "valid_to": "Au", "withdrawn_on": "Retiré le", "state": "État",
    }  # fmt: skip
    formatters_columns = {"trainings": widgets.trainings}
    add_form = edit_form = AccreditationForm
    prefilled = {"centre": "centre_id"}
    related_views = [SuspensionsView]

    def name_of(self, item: Accreditation) -> str:
        """Return number and centre."""
        return f"{item.number} – {item.centre.name}"

    def led_after_add(self, form: DynamicForm, item: Accreditation) -> str:
        """Lead to the centre's page, where the next step stands."""
        return url_for("CentresView.show", pk=item.centre_id)
