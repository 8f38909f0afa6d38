"""Registrations: everything for agents, a centre's own for its people. They are read, never written."""

from __future__ import annotations

from sqlalchemy.orm import joinedload, selectinload

from app.models import Batch, Driver, Registration
from app.models.batch import MODES

from . import choices, widgets
from .base import READ_ONLY, BackOfficeView
from .rows import Rows, on_day, one_of, within, words, yes_no

R = Registration
EAGER = (
    *(joinedload(link) for link in (R.driver, R.training, R.centre, R.accreditation, R.batch)),
    selectinload(R.documents),
)
COMPUTED = {
    "last_name": lambda row: f"{row.last_name} {row.first_name}",
    "training": lambda row: row.training.full_label,
    "mode": lambda row: MODES[row.batch.mode].capitalize(),
    "withheld": lambda row: widgets.tag(("gold", "Retenus")) if row.withheld else "Non",
}
ASKED = words(
    "Nom, N° de permis, commande ou reçu", R.last_name, R.first_name, R.order_number, R.reference,
    within(R.driver_id, Driver, Driver.permit_number), within(R.batch_id, Batch, Batch.receipt_number),
)  # fmt: skip
QUESTIONS = {
    "words": ASKED,
    "training": one_of("Formation", R.training_id, choices.trainings),
    "since": on_day("Enregistré depuis le (JJ/MM/AAAA)", lambda day: R.registered_on >= day),
}
LABELS = {
    "last_name": "Conducteur", "driver.birth_date": "Date de naissance", "driver.permit_number": "N° de permis",
    "training": "Formation", "end_date": "Fin de formation", "registered_on": "Enregistré le", "centre.name": "Centre",
    "order_number": "N° de commande", "reference": "Référence", "price": "Prix HT", "batch.receipt_number": "Reçu",
    "accreditation.number": "N° d’agrément", "mode": "Mode", "documents": "Documents", "withheld": "Documents retenus",
}  # fmt: skip
CARD = [
    "last_name", "driver.birth_date", "driver.permit_number", "training", "end_date", "centre.name",
    "accreditation.number", "order_number", "reference", "price", "registered_on", "batch.receipt_number", "mode",
    "documents", "withheld",
]  # fmt: skip


class RegistrationRows(BackOfficeView):
    """What both lists of registrations share."""

    include_route_methods = READ_ONLY
    list_title, show_title = "Enregistrements", "Enregistrement"
    base_order = ("registered_on", "desc")
    show_columns = add_columns = edit_columns = CARD
    label_columns = LABELS
    formatters_columns = {"price": widgets.amount, "documents": widgets.documents}


class RegistrationsView(RegistrationRows):
    """`/enregistrements/`"""

    route_base = "/enregistrements"
    class_permission_name = "Registrations"
    datamodel = Rows(
        R, eager=EAGER, computed={**COMPUTED, "centre.name": lambda row: widgets.centre(row.centre)},
        questions={
            **QUESTIONS, "centre": one_of("Centre", R.centre_id, choices.centre_names),
            "withheld": yes_no("Documents retenus", R.withheld.is_(True)),
        },
    )  # fmt: skip
    list_columns = [
        "last_name", "driver.permit_number", "training", "end_date", "centre.name", "order_number", "registered_on",
        "withheld",
    ]  # fmt: skip
    order_columns = ["last_name", "driver.permit_number", "end_date", "centre.name", "order_number", "registered_on"]
