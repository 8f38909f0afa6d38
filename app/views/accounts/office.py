"""The accounts of everybody who signs in, as agents see them: closed, opened again, freed of a lost second factor."""

from __future__ import annotations

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import expose
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response

from app.models import Person, SecondFactor
from app.models.person import is_enabled
from app.services.accounts import closing as account_closing
from app.services.accounts import second_factor
from app.services.core import narrowing
from app.views.crud.base import METHODS, READ_ONLY, BackOfficeView
from app.views.crud.rows import Rows, asking, yes_no

ID = "<int:row_id>"
LABELS = {
    "last_name": "Nom",
    "first_name": "Prénom",
    "email": "Adresse électronique",
    "role": "Rôle",
    "active": "Compte ouvert",
    "factor": "Double authentification",
    "last_login": "Dernière connexion",
}


class AccountsView(BackOfficeView):
    """`/comptes/`"""

    route_base = "/comptes"
    class_permission_name = "Accounts"
    include_route_methods = READ_ONLY | {"close", "reopen", "reset_factor"}
    method_permission_name = {**METHODS, "close": "write", "reopen": "write", "reset_factor": "write"}
    datamodel = Rows(
        Person,
        eager=(selectinload(Person.roles), joinedload(Person.second_factor)),
        computed={
            "role": lambda row: ", ".join(role.name for role in row.roles),
            "factor": lambda row: "Activée" if is_enabled(row.second_factor) else "Désactivée",
        },
        questions={
            "words": asking("Début du nom, du prénom ou de l’adresse", narrowing.accounts, ways=narrowing.account_ways),
            "factor": yes_no("Double authentification", Person.second_factor.has(SecondFactor.enabled_at.is_not(None))),
            "open": yes_no("Compte ouvert", Person.active.is_(True)),
        },
        sorts={
            "last_name": (Person.search_last, Person.search_first),
            "first_name": (Person.search_first,),
            "email": (Person.search_email,),
        },
    )
    list_title, show_title = "Comptes", "Compte"
    list_columns = ["last_name", "first_name", "email", "role", "active", "factor"]
    order_columns = ["last_name", "first_name", "email"]
    base_order = ("last_name", "asc")
    show_columns = add_columns = edit_columns = ["last_name", "first_name", "email", "role", "active", "factor"]
    label_columns = LABELS
    show_template = "accounts/office.html"

    def name_of(self, item: Person) -> str:
        """Return the person's name."""
        return item.full_name

    @expose(f"/{ID}/fermer", methods=["POST"])
    def close(self, row_id: int) -> Response:
        """Close the account, for the reason given."""
        account_closing.close(row_id, g.user.id, request.form.get("reason", ""))
        return self._done(row_id, "Le compte est fermé ; ses sessions ont pris fin.")

    @expose(f"/{ID}/rouvrir", methods=["POST"])
    def reopen(self, row_id: int) -> Response:
        """Open the account again, for the reason given."""
        account_closing.reopen(row_id, g.user.id, request.form.get("reason", ""))
        return self._done(row_id, "Le compte est de nouveau ouvert.")

    @expose(f"/{ID}/double-authentification", methods=["POST"])
    def reset_factor(self, row_id: int) -> Response:
        """Take a lost second factor away, for the reason given."""
        second_factor.reset(row_id, g.user.id, request.form.get("reason", ""))
        return self._done(
            row_id, "La double authentification est réinitialisée ; la personne en est avertie par courriel."
        )

    def _done(self, row_id: int, message: str) -> Response:
        flash(message, "success")
        return redirect(url_for("AccountsView.show", pk=row_id))

    def _show(self, pk: str) -> dict[str, object]:
        """Return the card, and the person it is about."""
        widgets: dict[str, object] = super()._show(pk)
        g.shown_account = self._item_or_404(pk)
        return widgets
