"""`/invitation/<token>`: an invitation to act for a centre, accepted with an account of that address, old or new."""

from __future__ import annotations

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import Form, StringField
from wtforms.validators import EqualTo, InputRequired

from app.models import MemberInvitation
from app.models.centre import MEMBER_ROLES
from app.services.accounts.passwords import WeakPassword
from app.services.core import links
from app.services.core.refusal import Refusal
from app.services.core.throttle import TooOften
from app.services.rights import invitations as member_invitations
from app.services.rights import mail as member_mail
from app.services.rights.invitations import Newcomer
from app.validators.fields import clean, parse_name
from app.views.shell import sign_ins
from app.views.shell.base import work_for
from app.views.shell.forms import formed, needed, new_password
from app.views.shell.public import page, too_often

blueprint = Blueprint("member_invitation", __name__, url_prefix="/invitation")


class NewcomerForm(Form):  # type: ignore[misc]
    """Who opens an account to accept; the address is the invitation's."""

    last_name = StringField("Nom", [needed("last_name"), formed(parse_name, "last_name")])
    first_name = StringField("Prénom", [needed("first_name"), formed(parse_name, "first_name")])
    password = new_password("Mot de passe", [InputRequired("Choisissez un mot de passe.")])
    again = new_password(
        "Mot de passe, une seconde fois", [EqualTo("password", "Les deux saisies ne sont pas identiques.")]
    )

    @property
    def newcomer(self) -> Newcomer:
        """Return who accepts; the form must be valid."""
        first, last = (parse_name(clean(name.data)) or "" for name in (self.first_name, self.last_name))
        return Newcomer(first, last, self.password.data)


@blueprint.route("/<token>", methods=["GET", "POST"])
def accept(token: str) -> Response:
    """Show the invitation; accept it, only by the button, as mail boxes open links by themselves."""
    try:
        row = member_invitations.find(token)
        return _signed_in(token, row) if g.user.is_authenticated else _newcomer(token, row)
    except links.LinkSpent:
        return make_response(render_template("rights/spent.html", title="Lien expiré"), 404)
    except TooOften as refusal:
        raise too_often(refusal) from None


def _signed_in(token: str, row: MemberInvitation) -> Response:
    is_theirs = g.user.email.lower() == row.email
    if request.method != "POST":
        return make_response(_shown(row, None, token, is_theirs))
    centre_id, name = row.centre_id, row.centre.name
    try:
        member_invitations.accept(token, g.user.id)
    except links.LinkSpent:
        raise
    except Refusal as refusal:
        flash(refusal.message, "danger")
        return redirect(url_for("member_invitation.accept", token=token))
    return _welcome(centre_id, name)


def _newcomer(token: str, row: MemberInvitation) -> Response:
    form = NewcomerForm(request.form)
    centre_id, name = row.centre_id, row.centre.name
    if request.method != "POST" or not form.validate():
        return page("rights/accept.html", form, **_values(row, token))
    try:
        person = member_invitations.accept_new(token, form.newcomer)
    except (links.LinkSpent, TooOften):
        raise
    except WeakPassword as refusal:
        form.password.errors = [refusal.message]
        return page("rights/accept.html", form, **_values(row, token))
    except Refusal as refusal:
        form.form_errors = [refusal.message]
        return page("rights/accept.html", form, **_values(row, token))
    sign_ins.begin(person, "invitation")
    return _welcome(centre_id, name)


def _shown(row: MemberInvitation, form: Form | None, token: str, is_theirs: bool) -> str:
    return render_template("rights/accept.html", form=form, is_theirs=is_theirs, **_values(row, token))


def _values(row: MemberInvitation, token: str) -> dict[str, object]:
    here = url_for("member_invitation.accept", token=token)
    return {
        "centre": row.centre,
        "role": MEMBER_ROLES[row.role].lower(),
        "promised": member_mail.promised(row),
        "here": here,
        "sign_in": url_for("LoginView.login", next=here),
    }


def _welcome(centre_id: int, name: str) -> Response:
    work_for(centre_id)
    flash(f"Vous intervenez désormais pour {name}.", "success")
    return redirect("/mon-centre/")
