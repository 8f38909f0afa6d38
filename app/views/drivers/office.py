"""Drivers, as agents see them."""

from __future__ import annotations

from sqlalchemy.orm import joinedload

from app.models import Driver
from app.models.identity import PROOFS
from app.services.drivers import search as driver_search
from app.services.reporting import exports
from app.views.crud.base import BackOfficeView
from app.views.crud.rows import Rows, asking, yes_no
from app.views.registration.lists import RegistrationsView

from .forms import DriverForm, DriverNamesForm


class DriversView(BackOfficeView):
    """`/conducteurs/`"""

    route_base = "/conducteurs"
    class_permission_name = "Drivers"
    sheet = exports.DRIVERS
    datamodel = Rows(
        Driver,
        eager=(joinedload(Driver.person),),
        computed={
            "account": lambda row: row.person.email if row.person else None,
            "proof_words": lambda row: PROOFS.get(row.proof) if row.person else None,
        },
        questions={
            "words": asking("Nom, prénom ou N° de permis", driver_search.by_words),
            "account": yes_no("Possède un compte", Driver.person_id.is_not(None)),
        },
        sorts={"last_name": (Driver.search_last, Driver.search_first), "first_name": (Driver.search_first,)},
    )
    list_title, show_title = "Conducteurs", "Conducteur"
    add_title, edit_title = "Ajouter un conducteur", "Modifier un conducteur"
    list_columns = ["last_name", "first_name", "birth_date", "permit_number", "account"]
    order_columns = ["last_name", "first_name", "permit_number"]
    base_order = ("last_name", "asc")
    show_columns = ["last_name", "first_name", "birth_date", "permit_number", "account", "proof_words"]
    show_template = "drivers/office.html"
    add_columns, edit_columns = ["last_name", "first_name", "birth_date", "permit_number"], ["last_name", "first_name"]
    label_columns = {
        "last_name": "Nom",
        "first_name": "Prénom",
        "birth_date": "Date de naissance",
        "permit_number": "N° de permis",
        "account": "Compte",
        "proof_words": "Identité prouvée par",
    }
    add_form, edit_form = DriverForm, DriverNamesForm
    related_views = [RegistrationsView]
