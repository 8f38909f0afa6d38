"""Trainers and instructors registered: everything for agents, a centre's own for its people. They are read, never written."""

from __future__ import annotations

from typing import Any

from flask import url_for
from markupsafe import Markup
from sqlalchemy.orm import Query, joinedload

from app.models import Trainer
from app.models.centre import TRAINERS
from app.models.trainer import PROFILES, REGISTERED
from app.views.crud import choices, widgets
from app.views.crud.base import READ_ONLY, BackOfficeView
from app.views.crud.rows import Rows, on_day, one_of, words, yes_no
from app.views.crud.scope import own_rows
from app.views.shell.base import current_centre_id

T = Trainer


def _state(row: Trainer) -> tuple[str, str]:
    """Return kind of tag and words of where a right stands."""
    if row.cancelled_on is not None:
        return "error", f"Annulé le {row.cancelled_on:%d/%m/%Y}"
    return ("gold", "Contrôle du nom") if row.withheld else ("ok", "Ouvert")


EAGER = tuple(joinedload(link) for link in (T.centre, T.registered_by))
COMPUTED = {
    "last_name": lambda row: (
        row.full_name if row.cancelled_on is None else Markup("<del>{}</del>").format(row.full_name)
    ),
    "profile": lambda row: row.profile_name,
    "sectors": lambda row: ", ".join(row.sectors),
    "fee": lambda row: "Payée par la personne" if row.fee is None else widgets.amount(row.fee),
    "registered_by": lambda row: row.registered_by.full_name,
    "withheld": lambda row: widgets.tag(_state(row)),
}
QUESTIONS = {
    "words": words(
        "Nom, N° de permis, adresse, commande ou reçu",
        T.last_name,
        T.first_name,
        T.permit_number,
        T.email,
        T.order_number,
        T.reference,
        T.receipt_number,
    ),
    "profile": one_of("Profil", T.profile, lambda: list(PROFILES.items())),
    "borne": yes_no("Redevance prise en charge", T.fee_borne.is_(True)),
    "cancelled": yes_no("Annulé", T.cancelled_on.is_not(None)),
    "since": on_day("Enregistré depuis le (JJ/MM/AAAA)", lambda day: T.registered_on >= day),
}
LABELS = {
    "last_name": "Nom", "profile": "Profil", "birth_date": "Date de naissance", "permit_number": "N° de permis",
    "email": "Adresse électronique", "sectors": "Secteurs", "fee": "Redevance HT", "order_number": "N° de commande",
    "reference": "Référence", "registered_on": "Enregistré le", "registered_by": "Enregistré par",
    "receipt_number": "Reçu", "withheld": "Droit à une CQC", "centre.name": "Centre",
}  # fmt: skip


def _registered(query: Query[Any]) -> Query[Any]:
    return query.filter(T.state == REGISTERED)


def _own(query: Query[Any]) -> Query[Any]:
    return query.filter(T.state == REGISTERED, T.centre_id == current_centre_id())


def _receipt(row: Trainer) -> Markup:
    address = url_for("TrainersView.receipt", key=row.key)
    return Markup('<a class="nowrap" href="{}">{}</a>').format(address, row.receipt_number)


class TrainerRows(BackOfficeView):
    """What both lists of trainers share."""

    include_route_methods = READ_ONLY
    list_title, show_title = "Formateurs et moniteurs", "Formateur ou moniteur"
    base_order = ("registered_on", "desc")
    label_columns = LABELS
    order_columns = ["last_name", "profile", "permit_number", "order_number", "registered_on"]

    def name_of(self, item: Trainer) -> str:
        """Return the name registered."""
        return item.full_name


class AgentTrainersView(TrainerRows):
    """`/formateurs-et-moniteurs/`"""

    route_base = "/formateurs-et-moniteurs"
    show_template = "trainers/office.html"
    class_permission_name = "Trainers"
    base_filters = [["state", own_rows(_registered), None]]
    datamodel = Rows(
        T,
        eager=EAGER,
        computed={**COMPUTED, "centre.name": lambda row: widgets.centre(row.centre)},
        questions={
            **QUESTIONS,
            "centre": one_of("Centre", T.centre_id, choices.centre_names),
            "waiting": yes_no("Droit en attente", T.withheld.is_(True)),
        },
    )
    list_columns = [
        "last_name",
        "profile",
        "permit_number",
        "sectors",
        "fee",
        "centre.name",
        "registered_on",
        "withheld",
    ]
    show_columns = add_columns = edit_columns = [
        "last_name",
        "profile",
        "birth_date",
        "permit_number",
        "email",
        "sectors",
        "fee",
        "order_number",
        "reference",
        "centre.name",
        "registered_on",
        "registered_by",
        "receipt_number",
        "withheld",
    ]


class CentreTrainersView(TrainerRows):
    """`/mes-formateurs/`: those of the centre the person acts for; without the right there, what is missing."""

    route_base = "/mes-formateurs"
    class_permission_name = "CentreTrainers"
    right, heading = TRAINERS, TrainerRows.list_title
    base_filters = [["state", own_rows(_own), None]]
    datamodel = Rows(T, eager=EAGER, computed={**COMPUTED, "receipt_number": _receipt}, questions=QUESTIONS)
    list_columns = [
        "last_name",
        "profile",
        "permit_number",
        "sectors",
        "fee",
        "order_number",
        "registered_on",
        "withheld",
        "receipt_number",
    ]
    show_columns = add_columns = edit_columns = [
        "last_name",
        "profile",
        "birth_date",
        "permit_number",
        "email",
        "sectors",
        "fee",
        "order_number",
        "reference",
        "registered_on",
        "registered_by",
        "receipt_number",
        "withheld",
    ]
