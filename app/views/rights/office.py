"""Legal representatives and managers of all centres: invited, changed and removed by agents through the services."""

from __future__ import annotations

from typing import Any

from flask import flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security.decorators import has_access
from markupsafe import Markup, escape
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Query, joinedload
from werkzeug.wrappers import Response

from app.models import Centre, Membership, Person
from app.models.centre import LEGAL_REPRESENTATIVE, MANAGER, MEMBER_ROLES, RIGHTS
from app.models.types import holds_on
from app.services.core import clock
from app.services.core.reason import reason
from app.services.core.refusal import Refusal
from app.services.rights import editing, invitations, members
from app.views.crud import widgets
from app.views.crud.base import READ_ONLY, BackOfficeView
from app.views.crud.rows import Rows, siret, within, words, yes_no
from app.views.crud.scope import own_rows
from app.views.shell import filters

from . import grants
from .forms import InvitationForm, PersonForm

M = Membership
WHY = "Saisissez le motif : il est conservé au journal."


def _centre(row: Membership) -> Markup:
    """Return the centre by name and SIRET, as a link to its page."""
    link = Markup('<a href="{}">{}</a>').format(url_for("CentresView.show", pk=row.centre_id), row.centre.name)
    return widgets.two_lines(link, filters.siret(row.centre.siret))


def _rights(row: Membership) -> Markup:
    """Return what the person may do at the centre, one right under the other."""
    if row.role == LEGAL_REPRESENTATIVE:
        return escape("Tous")
    return widgets.bullets(
        RIGHTS[right]
        + ("" if grant.all_accreditations else f" : {', '.join(one.number for one in grant.accreditations)}")
        + (f", jusqu’au {filters.day(grant.ends_on)}" if grant.ends_on else "")
        for right, grant in members.grants(row).items()
    )


def _rows() -> Rows:
    return Rows(
        M,
        eager=(joinedload(M.person), joinedload(M.centre)),
        computed={
            "person.last_name": lambda row: row.person.last_name,
            "person.first_name": lambda row: row.person.first_name,
            "person.email": lambda row: row.person.email,
            "centre.name": _centre,
            "rights": _rights,
            "account": lambda row: widgets.tag(("ok", "Ouvert") if row.person.active else ("error", "Fermé")),
        },
        questions={
            "words": words(
                "Nom, adresse électronique, centre, SIRET",
                members.is_called,
                members.is_reached_at,
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
    include_route_methods = READ_ONLY | {"add", "edit", "delete"}
    #: Whom the list shows, and « Ajouter » invites.
    role = MANAGER
    removal = "Retirer"
    list_template, edit_template = "rights/office.html", "rights/edit.html"
    list_columns = ["person.last_name", "person.first_name", "person.email", "centre.name", "account", "valid_to"]
    order_columns = ["person.last_name", "person.first_name", "person.email", "centre.name", "valid_to"]
    base_order = ("person.last_name", "asc")
    show_columns = [*list_columns[:4], "rights", *list_columns[4:]]
    add_columns = ["centre_id", "email"]
    edit_columns = ["last_name", "first_name", "email", "valid_to"]
    add_form, edit_form = InvitationForm, PersonForm
    prefilled = {"centre": "centre_id"}
    label_columns = {
        "person.last_name": "Nom",
        "person.first_name": "Prénom",
        "person.email": "Adresse électronique",
        "centre.name": "Centre",
        "account": "Compte",
        "rights": "Droits",
        "valid_to": "Jusqu’au",
    }

    def name_of(self, item: Membership) -> str:
        """Return person and centre."""
        return f"{item.person.full_name} – {item.centre.name}"

    def said_after_add(self, form: DynamicForm, item: Any) -> str:
        """Return what was done: an invitation, and no place yet."""
        return f"Une invitation est envoyée à l’adresse {form.sent_to}. Elle est valable 7 jours."

    def led_after_add(self, form: DynamicForm, item: Any) -> str:
        """Lead to the centre's page, where invitations wait."""
        return url_for("CentresView.show", pk=form.centre_id.data)

    def said_after_edit(self, form: PersonForm, item: Membership) -> str:
        """Return what changed, and what waits for the person."""
        if not form.waits:
            return str(self.edit_row_message)
        return (
            f"{self.edit_row_message} L’adresse {form.address} vaudra une fois confirmée : un lien lui est envoyé, "
            "valable 24 heures."
        )

    def post_edit_redirect(self) -> Response:
        """Lead to the person's card."""
        return redirect(url_for(f"{self.endpoint}.show", **(request.view_args or {})))

    @expose("/delete/<pk>", methods=["GET", "POST"])
    @has_access
    def delete(self, pk: str) -> Response:
        """Ask why, or end the person's place at once."""
        place = self._item_or_404(pk)
        who, at, refused = place.person.full_name, place.centre.name, ""
        if request.method == "POST":
            try:
                members.end(place.centre_id, place.id, g.user.id, reason(request.form.get("reason", ""), WHY))
            except Refusal as refusal:
                refused = refusal.message
            else:
                flash(f"{who} n’intervient plus pour {at}.", "success")
                return redirect(url_for(f"{self.endpoint}.list"))
        page = self.render_template(
            "rights/remove.html",
            place=place,
            refused=refused,
            roles=MEMBER_ROLES,
            heading=self.list_title,
            list=url_for(f"{self.endpoint}.list"),
            card=url_for(f"{self.endpoint}.show", pk=pk),
        )
        return make_response(page, 422 if refused else 200)

    def render_template(self, template: str, **values: Any) -> str:
        """Draw a page; the form of a person holds their rights too."""
        if template == self.edit_template:
            place = self._item_or_404((request.view_args or {})["pk"])
            chosen = grants.typed() if request.method == "POST" else grants.held(place)
            values |= grants.known(place.centre_id, chosen)
            values |= {"place": place, "rights": RIGHTS, "is_representative": place.role == LEGAL_REPRESENTATIVE}
        return str(super().render_template(template, **values))

    def _save(self, form: DynamicForm, item: Membership, columns: list[str]) -> bool:
        """Invite, or change the person: what the services refuse is said at its field, or above the form."""
        try:
            if columns == self.add_columns:
                form.sent_to = invitations.invite(form.centre_id.data, form.email.data, self.role, g.user.id)
            else:
                form.waits = editing.edit(item.centre_id, item.id, form.edited(grants.wanted()), g.user.id)
        except (members.DayPassed, members.LastRepresentative) as refusal:
            form.valid_to.errors = [refusal.message]
        except Refusal as refusal:
            if columns == self.add_columns:
                form.email.errors = [refusal.message]
            else:
                form.form_errors = [refusal.message]
        else:
            return True
        return False


class RepresentativesView(_MembersView):
    """`/representants/`"""

    route_base = "/representants"
    class_permission_name = "Representatives"
    role = LEGAL_REPRESENTATIVE
    datamodel = _rows()
    base_filters = [["role", _in_place(LEGAL_REPRESENTATIVE), None]]
    list_title, show_title = "Représentants légaux", "Représentant légal"
    add_title, edit_title = "Inviter un représentant légal", "Modifier un représentant légal"


class ManagersView(_MembersView):
    """`/gestionnaires/`"""

    route_base = "/gestionnaires"
    class_permission_name = "Managers"
    datamodel = _rows()
    base_filters = [["role", _in_place(MANAGER), None]]
    list_title, show_title = "Gestionnaires", "Gestionnaire"
    add_title, edit_title = "Inviter un gestionnaire", "Modifier un gestionnaire"
