"""Signing in and out. Flask-AppBuilder's own user screens are not exposed: people are managed by services of ours."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.views import AuthDBView
from flask_appbuilder.utils.base import get_safe_redirect
from flask_login import login_user, logout_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.extensions import db
from app.models import Person
from app.models.person import new_token
from app.services.transaction import transaction


def _wanted() -> str:
    """Return the page the person asked for before signing in, when it is one of ours; else the first page."""
    wanted = request.args.get("next", "")
    return str(get_safe_redirect(wanted)) if wanted else "/"


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
        [InputRequired("Saisissez votre mot de passe."), Length(max=256, message="Ce mot de passe est trop long.")],
    )


class LoginView(AuthDBView):
    """`/login/` and `/logout/`."""

    login_template = "security/login.html"

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> Response | str | tuple[str, int]:
        """Show the sign-in form; take the person where they wanted to go."""
        if g.user is not None and g.user.is_authenticated:
            return redirect(_wanted())
        form = LoginForm()
        refused = False
        if form.validate_on_submit():
            person = self.appbuilder.sm.auth_user_db(form.username.data.strip(), form.password.data)
            if person:
                login_user(person, remember=False)
                return redirect(_wanted())
            refused = True
        page = self.render_template(self.login_template, title="Connexion", form=form, refused=refused)
        return (page, 422) if refused or form.errors else page

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Response:
        """End this person's sign-ins everywhere: the cookie's token is renewed."""
        if g.user.is_authenticated:
            with transaction():
                db.session.get_one(Person, g.user.id).auth_token = new_token()
        logout_user()
        flash("Vous êtes déconnecté.", "success")
        return redirect(self.appbuilder.get_url_for_login)


class RegistreSecurityManager(SecurityManager):  # type: ignore[misc]
    """Accounts by mail address; the sign-in cookie carries a token that can be renewed."""

    user_model = Person
    authdbview = LoginView

    def register_views(self) -> None:
        """Expose signing in and out, nothing else of Flask-AppBuilder's security screens and APIs."""
        self.auth_view = self.authdbview()
        self.appbuilder.add_view_no_menu(self.auth_view)

    def load_user(self, token: str) -> Any | None:
        """Return the active person whose cookie this is, or None."""
        return db.session.query(Person).filter_by(auth_token=token, active=True).one_or_none()
