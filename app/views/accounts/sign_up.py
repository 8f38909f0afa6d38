"""`/inscription/`: a driver asks for an account, then confirms the mail address. The answer on screen is always the same."""

from __future__ import annotations

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response
from wtforms import Form

from app import roles
from app.models.sign_up import CONFIRM
from app.services.accounts import opening as account_opening
from app.services.core import links
from app.services.core.throttle import TooOften
from app.views.shell import sign_ins

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


def network() -> str:
    """Return the network address the request comes from."""
    return request.remote_addr or ""


def page(template: str, form: Form, **values: object) -> Response:
    """Return a form as a page that no search engine keeps: 422 when it has errors."""
    response = make_response(render_template(template, form=form, **values), 422 if form.errors else 200)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def spent(again: str, words: str) -> Response:
    """Tell that a link is not good any more, and where to ask for another."""
    return make_response(render_template("accounts/spent.html", title="Lien expiré", again=again, words=words), 404)


def too_often(refusal: TooOften) -> TooManyRequests:
    """Return the 429 of a refusal, with the time to wait."""
    return TooManyRequests(refusal.message, retry_after=refusal.seconds)
