"""« Double authentification »: set up with a telephone, recovery codes, turned off; one's own only."""

from __future__ import annotations

from collections.abc import Callable

import segno
from flask import flash, g, make_response, redirect, session, url_for
from flask_appbuilder import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.models import Person
from app.services.accounts import second_factor
from app.services.accounts.password_change import WrongPassword
from app.services.core.throttle import TooOften
from app.views.shell.base import Screen
from app.views.shell.public import too_often
from app.views.shell.sign_ins import MUST_ENROL


class ProofForm(FlaskForm):  # type: ignore[misc]
    """The password and a code: what turning the second factor on and off asks for."""

    password = PasswordField("Mot de passe", [InputRequired("Saisissez votre mot de passe.")])
    code = StringField("Code", [InputRequired("Saisissez le code."), Length(max=40, message="Ce code est trop long.")])


class SecondFactorView(Screen):
    """`/mon-profil/double-authentification/`"""

    route_base = "/mon-profil/double-authentification"
    default_view = "index"
    class_permission_name = "Profile"

    @expose("/", methods=["GET", "POST"])
    def index(self) -> Response:
        """Show where the second factor stands; turn it on."""
        person = _person()
        if second_factor.is_on(person.id):
            return self._page("on", ProofForm(formdata=None))
        form = ProofForm()
        if form.validate_on_submit() and (codes := self._codes(form, second_factor.confirm)):
            session.pop(MUST_ENROL, None)
            return self._shown(codes, "La double authentification est activée.")
        setup = second_factor.start(person)
        picture = segno.make(setup.address, error="m").svg_data_uri(scale=5, border=3, light="#fff", dark="#000")
        return self._page("setup", form, setup=setup, picture=picture, required=session.get(MUST_ENROL, False))

    @expose("/codes", methods=["POST"])
    def codes(self) -> Response:
        """Replace the recovery codes."""
        form = ProofForm()
        if form.validate_on_submit() and (codes := self._codes(form, second_factor.renew_codes)):
            return self._shown(codes, "Vos anciens codes de secours ne sont plus valables.")
        return self._page("on", form)

    @expose("/desactiver", methods=["POST"])
    def turn_off(self) -> Response:
        """Turn the second factor off."""
        form = ProofForm()
        if form.validate_on_submit() and self._codes(form, second_factor.turn_off) is not None:
            flash("La double authentification est désactivée.", "success")
            return redirect(url_for("ProfileView.index"))
        return self._page("on", form)

    def _codes(self, form: ProofForm, act: Callable[[Person, str, str], list[str] | None]) -> list[str] | None:
        """Do what both password and code prove; a refusal is put on its field and answered by None."""
        try:
            return act(_person(), form.password.data, form.code.data) or []
        except TooOften as refusal:
            raise too_often(refusal) from None
        except WrongPassword as refusal:
            form.password.errors = [refusal.message]
        except second_factor.WrongCode as refusal:
            form.code.errors = [refusal.message]
        return None

    def _shown(self, codes: list[str], message: str) -> Response:
        page = self.render_template(
            "accounts/recovery_codes.html", title="Codes de secours", codes=codes, message=message
        )
        return make_response(page)

    def _page(self, state: str, form: ProofForm, **values: object) -> Response:
        page = self.render_template(
            f"accounts/second_factor_{state}.html",
            title="Double authentification",
            form=form,
            codes_left=second_factor.codes_left(g.user.id),
            **values,
        )
        return make_response(page, 422 if form.errors else 200)


def _person() -> Person:
    person: Person = g.user._get_current_object()
    return person
