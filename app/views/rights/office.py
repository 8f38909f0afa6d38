"""Legal representatives and managers of all centres: found here, their rights and account are on their centre's screen."""

from __future__ import annotations

from typing import Any

from flask import redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Query, joinedload
from werkzeug.wrappers import Response

from app.models import Centre, Membership, Person
from app.models.centre import LEGAL_REPRESENTATIVE, MANAGER
from app.models.types import holds_on
from app.services.core import clock
from app.views.crud import widgets
from app.views.crud.base import READ_ONLY, BackOfficeView
from app.views.crud.rows import Rows, siret, within, words, yes_no
from app.views.crud.scope import own_rows

M = Membership


def _rows() -> Rows:
    return Rows(
        M,
        eager=(joinedload(M.person), joinedload(M.centre)),
        computed={
            "person.last_name": lambda row: row.person.last_name,
            "person.first_name": lambda row: row.person.first_name,
            "person.email": lambda row: row.person.email,
            "centre.name": lambda row: widgets.centre(row.centre),
            "account": lambda row: widgets.tag(("ok", "Ouvert") if row.person.active else ("error", "Fermé")),
        },
        questions={
            "words": words(
                "Nom, adresse électronique, centre, SIRET",
                within(M.person_id, Person, Person.last_name, Person.first_name, Person.email),
                within(M.centre_id, Centre, Centre.name, siret(Centre.siret)),
            ),
            "closed": yes_no("Compte fermé", M.person_id.in_(_closed())),
        },
    )


def _closed() -> Any:
    return Person.__table__.select().with_only_columns(Person.id).where(Person.active.is_(False))


def _in_place(role: str) -> Any:
    def narrow(query: Query[Any]) -> Query[Any]:
        holds: ColumnElement[bool] = holds_on(clock.today(), M.valid_to)
        return query.filter(M.role == role, holds)

    return own_rows(narrow)


class _MembersView(BackOfficeView):
    include_route_methods = READ_ONLY
    list_template = "rights/office.html"
    list_columns = ["person.last_name", "person.first_name", "person.email", "centre.name", "account", "valid_to"]
    order_columns = ["person.last_name", "person.first_name", "person.email", "centre.name", "valid_to"]
    base_order = ("person.last_name", "asc")
    show_columns = add_columns = edit_columns = list_columns
    label_columns = {
        "person.last_name": "Nom",
        "person.first_name": "Prénom",
        "person.email": "Adresse électronique",
        "centre.name": "Centre",
        "account": "Compte",
        "valid_to": "Jusqu’au",
    }

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Response:
        """Lead to the person's rights at that centre."""
        row = self._item_or_404(pk)
        return redirect(url_for("CentrePeopleView.member", centre_id=row.centre_id, place_id=row.id))


class RepresentativesView(_MembersView):
    """`/representants/`"""

    route_base = "/representants"
    class_permission_name = "Representatives"
    datamodel = _rows()
    base_filters = [["role", _in_place(LEGAL_REPRESENTATIVE), None]]
    list_title, show_title = "Représentants légaux", "Représentant légal"


class ManagersView(_MembersView):
    """`/gestionnaires/`"""

    route_base = "/gestionnaires"
    class_permission_name = "Managers"
    datamodel = _rows()
    base_filters = [["role", _in_place(MANAGER), None]]
    list_title, show_title = "Gestionnaires", "Gestionnaire"
