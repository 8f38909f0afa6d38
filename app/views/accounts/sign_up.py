"""`/inscription/`: a driver asks for an account, then confirms the mail address. The answer on screen is always the same."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app import roles
from app.models.sign_up import CONFIRM
from app.services.accounts import opening as account_opening
from app.services.core import links
from app.services.core.throttle import TooOften
from app.views.shell import sign_ins
from app.views.shell.public import network, page, spent, too_often

from .forms import ConfirmForm, SignUpForm

blueprint = Blueprint("account", __name__, url_prefix="/inscription")


@blueprint.route("/", methods=["GET", "POST"])
def sign_up() -> Response:
    """Ask who the person is; lead to one and the same page whatever the register knows."""
    invitation = request.args.get("invitation", "")
    if g.user.is_authenticated:
        return redirect(url_for("OwnIdentityView.index", invitation=invitation) if invitation and _is_driver() else "/")
    form = SignUpForm(request.form, invitation=invitation)
    if request.method != "POST" or not form.validate():
        return page("accounts/sign_up.html", form)
    try:
        account_opening.sign_up(form.applicant, form.password.data, network(), form.proof)
    except TooOften as refusal:
        raise too_often(refusal) from None
    return redirect(url_for("account.sent"))


@blueprint.get("/message")
def sent() -> str:
    """Tell to look into the mail box."""
    return render_template("accounts/sent.html", title="Consultez votre messagerie")


@blueprint.route("/<token>", methods=["GET", "POST"])
def confirm(token: str) -> Response:
    """Confirm the address; only the button does, as mail boxes open links by themselves."""
    form = ConfirmForm(request.form)
    try:
        if request.method != "POST" or not form.validate():
            links.find(CONFIRM, token)
            return page("accounts/confirm.html", form)
        opened = account_opening.confirm(token, form.password.data)
    except links.LinkSpent:
        return spent(url_for("account.sign_up"), "Recommencer l’inscription")
    except account_opening.WrongPassword as refusal:
        form.password.errors = [refusal.message]
        return page("accounts/confirm.html", form)
    except TooOften as refusal:
        raise too_often(refusal) from None
    sign_ins.begin(opened.person, "sign_up")
    flash("Votre compte est ouvert.", "success")
    if opened.refusal:
        flash(opened.refusal, "warning")
    return redirect("/mon-espace/")


def _is_driver() -> bool:
    return roles.DRIVER in {role.name for role in g.user.roles}
