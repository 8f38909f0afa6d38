"""`/mot-de-passe/`: a link for who forgot the password; the answer does not tell whether an account exists."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.services.accounts import password_change
from app.services.accounts.passwords import WeakPassword
from app.services.core import links
from app.services.core.throttle import TooOften
from app.views.shell import sign_ins
from app.views.shell.public import network, page, spent, too_often

from .forms import AddressForm, NewPasswordForm

blueprint = Blueprint("password", __name__, url_prefix="/mot-de-passe")


@blueprint.route("/", methods=["GET", "POST"])
def ask() -> Response:
    """Ask for the address; lead to one and the same page."""
    form = AddressForm(request.form)
    if request.method != "POST" or not form.validate():
        return page("accounts/forgotten.html", form)
    try:
        password_change.ask(form.address, network(), sign_ins.browser())
    except TooOften as refusal:
        raise too_often(refusal) from None
    return redirect(url_for("password.sent"))


@blueprint.get("/message")
def sent() -> str:
    """Tell to look into the mail box."""
    return render_template("accounts/reset_sent.html", title="Consultez votre messagerie")


@blueprint.route("/<token>", methods=["GET", "POST"])
def choose(token: str) -> Response:
    """Take the new password, once."""
    form = NewPasswordForm(request.form)
    try:
        if request.method != "POST" or not form.validate():
            password_change.check_link(token)
            return page("accounts/new_password.html", form)
        password_change.reset(token, form.password.data)
    except links.LinkSpent:
        return spent(url_for("password.ask"), "Demander un nouveau lien")
    except WeakPassword as refusal:
        form.password.errors = [refusal.message]
        return page("accounts/new_password.html", form)
    flash("Votre mot de passe est changé. Connectez-vous avec le nouveau.", "success")
    return redirect(url_for("LoginView.login"))
