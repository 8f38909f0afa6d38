"""`/mon-espace/identite/`: an account proves whose it is, by a code or an identity document, or corrects what it claims."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response
from wtforms import FileField, Form

from app.models.identity import WAITING
from app.services.accounts import identity
from app.services.core.refusal import Refusal
from app.services.core.throttle import TooOften
from app.services.decisions import identity_checks
from app.services.drivers import space as driver_space
from app.views.shell.base import Screen
from app.views.shell.files import identity_picture
from app.views.shell.forms import CodeForm, IdentityForm
from app.views.shell.public import network, too_often

SPACE = "/mon-espace/"


class DocumentForm(Form):  # type: ignore[misc]
    """The picture of an identity document."""

    document = FileField("Photo de la pièce d’identité")


class OwnIdentityView(Screen):
    """One's own identity, nobody else's; it says nothing of what the register knows."""

    route_base = "/mon-espace/identite"
    default_view = "index"
    class_permission_name = "OwnIdentity"

    @expose("/", methods=["GET", "POST"])
    def index(self) -> Response:
        """Ask for a proof, and take what was sent: a code, or a picture."""
        if driver_space.driver_of(g.user.id) is not None:
            return redirect(SPACE)
        code = CodeForm(request.form, invitation=request.args.get("invitation", ""))
        document = DocumentForm()
        if request.method != "POST":
            return self._page(code, document)
        sent = request.files.get("document")
        if sent is not None or request.form.get("proof") == "document":
            done, words = (
                _took(sent, document),
                "Votre pièce d’identité est envoyée : un agent vous répondra par courriel.",
            )
        else:
            done, words = _proved(code), "Votre identité est vérifiée."
        if not done:
            return self._page(code, document)
        flash(words, "success")
        return redirect(SPACE)

    @expose("/corriger", methods=["GET", "POST"])
    def correct(self) -> Response:
        """Correct the identity that the account claims."""
        if driver_space.driver_of(g.user.id) is not None:
            return redirect(SPACE)
        form = IdentityForm(request.form, **_claimed(g.user.id))
        if request.method == "POST" and form.validate():
            try:
                identity.declare(g.user.id, form.identity)
            except Refusal as refusal:
                flash(refusal.message, "danger")
                return redirect(url_for("OwnIdentityView.index"))
            flash("Votre identité est corrigée.", "success")
            return redirect(url_for("OwnIdentityView.index"))
        page = self.render_template("drivers/identity_correct.html", title="Corriger mon identité", form=form)
        return make_response(page, 422 if form.errors else 200)

    @expose("/piece")
    def picture(self) -> Response:
        """Send the picture that waits, to who sent it."""
        told = told_of_identity(g.user.id)
        if told["check"] is None:
            abort(404, "Aucune pièce d’identité n’est conservée.")
        return identity_picture(told["check"])

    def _page(self, code: CodeForm, document: DocumentForm) -> Response:
        page = self.render_template(
            "drivers/identity.html",
            title="Prouver mon identité",
            code=code,
            document=document,
            **told_of_identity(g.user.id),
        )
        return make_response(page, 422 if code.errors or document.errors else 200)


def told_of_identity(person_id: int) -> dict[str, Any]:
    """Return what a person without proof is shown: what the account claims, and the last document sent."""
    claim = identity.claim_of(person_id)
    check = identity_checks.last(claim.id) if claim else None
    return {"claim": claim, "check": check, "waits": check is not None and check.state == WAITING}


def _claimed(person_id: int) -> dict[str, str]:
    claim = identity.claim_of(person_id)
    if claim is None:
        return {}
    return {
        "last_name": claim.last_name,
        "first_name": claim.first_name,
        "birth_date": f"{claim.birth_date:%d/%m/%Y}",
        "permit_number": claim.permit_number,
    }


def _took(sent: Any, form: DocumentForm) -> bool:
    """Keep the picture that was sent; what is refused, or missing, is said on its field."""
    if sent is None or not sent.filename:
        form.document.errors = ["Choisissez la photo de votre pièce d’identité."]
        return False
    try:
        identity_checks.send(g.user.id, sent.stream)
    except TooOften as refusal:
        raise too_often(refusal) from None
    except Refusal as refusal:
        form.document.errors = [refusal.message]
    return not form.document.errors


def _proved(form: CodeForm) -> bool:
    """Try the code that was typed; what is wrong with it is said on its field."""
    if not form.validate() or form.code.errors:
        return False
    try:
        identity.prove(g.user.id, form.proof, network())
    except TooOften as refusal:
        raise too_often(refusal) from None
    except Refusal as refusal:
        form.code.errors = [refusal.message]
    return not form.code.errors
