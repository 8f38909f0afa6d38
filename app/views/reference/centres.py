"""Centres, with their accreditations and contracts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask import g, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security.decorators import has_access
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.models import Centre
from app.services.rights import checklist
from app.views.crud import widgets
from app.views.crud.base import BackOfficeView
from app.views.crud.rows import Question, Rows, siret, words, yes_no
from app.views.shell import filters

from . import centre_page
from .forms import CentreForm


class CentreRows(Rows):
    """Centres with their state of « mise en service », read in one go for the rows at hand."""

    def get_values(self, rows: Sequence[Centre], columns: list[str]) -> Iterator[dict[str, Any]]:
        """Yield the values of each row."""
        g.centre_states = checklist.states([row.id for row in rows])
        return super().get_values(rows, columns)  # type: ignore[no-any-return]


def _states() -> list[tuple[str, str]]:
    return list(checklist.STATES.items())


class CentresView(BackOfficeView):
    """`/centres/`"""

    route_base = "/centres"
    class_permission_name = "Centres"
    datamodel = CentreRows(
        Centre,
        computed={"opening": lambda row: _opening(g.centre_states[row.id])},
        questions={
            "words": words("Nom, SIRET ou adresse", Centre.name, siret(Centre.siret), Centre.address),
            "opening": Question("Mise en service", lambda state: checklist.state_clauses()[state], _states),
            "public": yes_no("Organisme public", Centre.is_public.is_(True)),
        },
    )
    list_title, show_title, add_title, edit_title = "Centres", "Centre", "Ajouter un centre", "Modifier un centre"
    list_columns = ["name", "siret", "address", "email", "is_public", "opening"]
    order_columns = ["name", "siret", "is_public"]
    base_order = ("name", "asc")
    show_columns = ["name", "siret", "address", "email", "is_public", "chorus_service"]
    add_columns = edit_columns = ["name", "siret", "address", "email", "is_public", "chorus_service"]
    label_columns = {
        "name": "Nom",
        "siret": "SIRET",
        "address": "Adresse",
        "email": "Adresse électronique",
        "is_public": "Organisme public",
        "chorus_service": "Code service Chorus",
        "opening": "Mise en service",
    }
    formatters_columns = {"siret": filters.siret}
    add_form = edit_form = CentreForm
    show_template = "reference/centre.html"
    add_row_message = "Le centre est créé. Il pourra enregistrer quand les étapes ci-dessous seront faites."

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> str:
        """Show the centre: what to do next, then its parts."""
        return str(self.render_template(self.show_template, **centre_page.parts(self._item_or_404(pk))))

    def led_after_add(self, form: DynamicForm, item: Any) -> str:
        """Lead to the new centre's page."""
        return url_for("CentresView.show", pk=item.id)

    def post_edit_redirect(self) -> Response:
        """Lead to the centre's page."""
        return redirect(url_for("CentresView.show", **(request.view_args or {})))


def _opening(state: str) -> Markup:
    return widgets.tag(("ok" if state == "open" else "gold", checklist.STATES[state]))
