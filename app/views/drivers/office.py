"""Drivers, as agents see them."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from sqlalchemy.orm import Query, joinedload
from werkzeug.wrappers import Response

from app.models import Driver
from app.models.identity import PROOFS
from app.services.drivers import search as driver_search
from app.services.identities import history
from app.services.reporting import exports
from app.views.crud.base import BackOfficeView
from app.views.crud.rows import Rows, asking, yes_no
from app.views.crud.scope import own_rows
from app.views.registration.lists import RegistrationsView

from .forms import DriverForm


def _standing(query: Query[Any]) -> Query[Any]:
    return query.filter(Driver.same_as_id.is_(None))


class DriversView(BackOfficeView):
    """`/conducteurs/`: a driver's identity changes by a correction with its reason (`views.identities`), never by a form."""

    route_base = "/conducteurs"
    class_permission_name = "Drivers"
    sheet = exports.DRIVERS
    datamodel = Rows(
        Driver,
        eager=(joinedload(Driver.person),),
        computed={
            "account": lambda row: row.person_id is not None,
            "account_email": lambda row: row.person.email if row.person else None,
            "proof_words": lambda row: PROOFS.get(row.proof) if row.person else None,
        },
        questions={
            "words": asking("Nom, prénom, naissance ou N° de permis", driver_search.by_words, ways=driver_search.ways),
            "account": yes_no("Possède un compte", Driver.person_id.is_not(None)),
        },
        sorts={"last_name": (Driver.search_last, Driver.search_first), "first_name": (Driver.search_first,)},
    )
    base_filters = [["same_as_id", own_rows(_standing), None]]
    exclude_route_methods = BackOfficeView.exclude_route_methods | {"edit"}
    list_title, show_title = "Conducteurs", "Conducteur"
    add_title = "Ajouter un conducteur"
    list_columns = ["last_name", "first_name", "birth_date", "permit_number", "account", "account_email"]
    order_columns = ["last_name", "first_name", "permit_number"]
    base_order = ("last_name", "asc")
    show_columns = ["last_name", "first_name", "birth_date", "permit_number", "account", "account_email", "proof_words"]
    show_template = "drivers/office.html"
    add_columns = edit_columns = ["last_name", "first_name", "birth_date", "permit_number"]
    label_columns = {
        "last_name": "Nom",
        "first_name": "Prénom",
        "birth_date": "Date de naissance",
        "permit_number": "N° de permis",
        "account": "Possède un compte",
        "account_email": "Adresse du compte",
        "proof_words": "Identité prouvée par",
    }
    add_form = DriverForm
    related_views = [RegistrationsView]

    @expose("/show/<pk>", methods=["GET"])
    @has_access
    def show(self, pk: str) -> Response | str:
        """Show a driver; an identity that is another driver's leads to that one's card."""
        standing = history.standing_id(int(pk))
        if standing is not None:
            flash("Cette fiche mène à celle-ci : c’est la même personne.", "info")
            return redirect(url_for("DriversView.show", pk=standing))
        page: Response | str = super().show(pk)
        return page

    def render_template(self, template: str, **values: Any) -> str:
        """Draw a page; a driver's card tells what agents did to the identity."""
        if template == self.show_template:
            values["history"] = history.of(int(values["pk"]))
        return str(super().render_template(template, **values))
