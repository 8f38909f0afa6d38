"""Signing in and out. Flask-AppBuilder's own user screens are not exposed: people are managed by services of ours."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask import flash, g, make_response, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.views import AuthDBView
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.extensions import db
from app.models import Person
from app.services.accounts import password_change, passwords, second_factor, sign_in
from app.services.core import actor
from app.services.core.throttle import TooOften
from app.views.shell import sign_ins
from app.views.shell.public import network, too_often

#: The cookie's word between the two steps of a sign-in: who showed the password, when (seconds since 1970).
PENDING = "pending"
#: Seconds to find one's telephone.
PATIENCE = 300
#: A keyboard may write one letter of a password as several signs.
TYPED_MAX = 4 * passwords.LONGEST


class LoginForm(FlaskForm):  # type: ignore[misc]
    """Mail address and password."""

    username = StringField(
        "Adresse électronique",
        [
            InputRequired("Saisissez votre adresse électronique."),
            Length(max=254, message="Cette adresse est trop longue."),
        ],
    )
    password = PasswordField(
        "Mot de passe",
        [
            InputRequired("Saisissez votre mot de passe."),
            Length(max=TYPED_MAX, message="Ce mot de passe est trop long."),
        ],
    )


class CodeForm(FlaskForm):  # type: ignore[misc]
    """The telephone's code, or a recovery code."""

    code = StringField(
        "Code à 6 chiffres ou code de secours",
        [InputRequired("Saisissez le code."), Length(max=40, message="Ce code est trop long.")],
    )


class LoginView(AuthDBView):
    """`/login/`, `/login/code` and `/logout/`."""

    login_template = "accounts/login.html"

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> Response:
        """Show the sign-in form; take the person where they wanted to go, or to the second step."""
        if g.user is not None and g.user.is_authenticated:
            return redirect(sign_ins.wanted())
        actor.be(actor.PROGRAM)  # any account may turn out to be theirs
        form = LoginForm()
        refused = False
        if form.validate_on_submit():
            try:
                return self._enter(sign_in.check(form.username.data, form.password.data, network(), sign_ins.browser()))
            except TooOften as refusal:
                raise too_often(refusal) from None
            except sign_in.WrongCredentials:
                refused = True
        page = self.render_template(
            self.login_template, title="Connexion", form=form, refused=refused, ended=sign_ins.why_ended()
        )
        return make_response(page, 422 if refused or form.errors else 200)

    @expose("/login/code", methods=["GET", "POST"])
    def code(self) -> Response:
        """Ask who showed the password for the second factor."""
        if not g.user.is_authenticated:
            actor.be(actor.PROGRAM)
        person = _pending()
        if person is None:
            session.pop(PENDING, None)
            return redirect(url_for("LoginView.login", next=request.args.get("next")))
        form = CodeForm()
        if form.validate_on_submit():
            try:
                used = second_factor.check(person.id, form.code.data, sign_ins.browser())
            except TooOften as refusal:
                raise too_often(refusal) from None
            except second_factor.WrongCode as refusal:
                form.code.errors = [refusal.message]
            else:
                sign_ins.begin(person, used)
                if used == second_factor.RECOVERY:
                    left = second_factor.codes_left(person.id)
                    flash(f"Vous avez utilisé un code de secours. Il vous en reste {left}.", "warning")
                return redirect(sign_ins.wanted())
        page = self.render_template("accounts/code.html", title="Connexion", form=form)
        return make_response(page, 422 if form.errors else 200)

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Response:
        """End this person's sign-ins everywhere: the cookie's token is renewed."""
        if g.user.is_authenticated:
            sign_in.end_all(g.user.id, "sign_in.ended")
        sign_ins.end()
        flash("Vous êtes déconnecté.", "success")
        return redirect(self.appbuilder.get_url_for_login)

    def _enter(self, person: Person) -> Response:
        """Sign in who showed the password, or ask for the second factor."""
        if not second_factor.is_on(person.id):
            sign_ins.begin(person, "password")
            return redirect(sign_ins.wanted())
        session[PENDING] = {"id": person.id, "mark": _mark(person), "at": int(time.time())}
        return redirect(url_for("LoginView.code", next=request.args.get("next")))


class RegistreSecurityManager(SecurityManager):  # type: ignore[misc]
    """Accounts by mail address; the sign-in cookie carries a token that can be renewed."""

    user_model = Person
    authdbview = LoginView

    def register_views(self) -> None:
        """Expose signing in and out, nothing else of Flask-AppBuilder's security screens and APIs."""
        self.auth_view = self.authdbview()
        self.appbuilder.add_view_no_menu(self.auth_view)

    def load_user(self, token: str) -> Any | None:
        """Return the active person whose cookie this is, with the roles that every screen asks for, or None."""
        return sign_in.holder(token)

    @actor.acting(actor.PROGRAM)
    def find_user(self, *names: Any, **named: Any) -> Any:
        """Return an account, for the command line."""
        return super().find_user(*names, **named)

    @actor.acting(actor.PROGRAM)
    def add_user(
        self,
        username: str,
        first_name: str,
        last_name: str,
        email: str,
        role: Any = None,
        password: str = "",
        *rest: Any,
        **named: Any,
    ) -> Any:
        """Add an account (`flask fab create-admin`), by the password's rule and in the one form of every other door."""
        if password:
            with _told():
                passwords.check(password, (first_name, last_name, email, username))
        kept = passwords.normal(password)
        return super().add_user(username, first_name, last_name, email, role, kept, *rest, **named)

    @actor.acting(actor.PROGRAM)
    def reset_password(self, userid: int, password: str) -> None:
        """Set a password (`flask fab reset-password`) by the same rule; every sign-in of the person ends."""
        with _told():
            password_change.impose(userid, password)


@contextmanager
def _told() -> Iterator[None]:
    """Tell the command line why a password is not taken."""
    try:
        yield
    except passwords.WeakPassword as refusal:
        raise click.ClickException(refusal.message) from None


def _pending() -> Person | None:
    """Return who showed the password a moment ago; nobody once the account was closed or its password changed."""
    kept = session.get(PENDING)
    if not kept or time.time() - kept["at"] > PATIENCE:
        return None
    person = db.session.execute(select(Person).where(Person.id == kept["id"], Person.active)).scalar_one_or_none()
    return person if person is not None and _mark(person) == kept["mark"] else None


def _mark(person: Person) -> str:
    """Return what changes with the person's token and does not give it away: cookies can be read."""
    return hashlib.sha256(f"pending {person.auth_token}".encode()).hexdigest()[:32]
