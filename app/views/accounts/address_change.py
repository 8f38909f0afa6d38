"""A new mail address: asked for from « Mon profil », confirmed by the link that was mailed to it."""

from __future__ import annotations

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response
from wtforms import PasswordField
from wtforms.validators import InputRequired

from app.services.accounts import address_change
from app.services.accounts.password_change import WrongPassword
from app.services.core import links
from app.services.core.throttle import TooOften
from app.views.shell.base import Screen
from app.views.shell.public import spent, too_often

from .forms import AddressForm

blueprint = Blueprint("address", __name__, url_prefix="/adresse")


class ChangeAddressForm(AddressForm):
    """The new address, with the password."""

    password = PasswordField("Mot de passe actuel", [InputRequired("Saisissez votre mot de passe actuel.")])


class AddressView(Screen):
    """`/mon-profil/adresse`, one's own only."""

    route_base = "/mon-profil/adresse"
    default_view = "ask"
    class_permission_name = "Profile"

    @expose("/", methods=["GET", "POST"])
    def ask(self) -> Response:
        """Ask for the new address and the password; mail the link."""
        form = ChangeAddressForm(request.form)
        if request.method == "POST" and form.validate() and _asked(form):
            flash(
                f"Un lien part à l’adresse {form.address}. Ouvrez-le pour la confirmer, dans les 24 heures.",
                "success",
            )
            return redirect(url_for("ProfileView.index"))
        page = self.render_template("accounts/address.html", title="Changer d’adresse électronique", form=form)
        return make_response(page, 422 if form.errors else 200)


@blueprint.route("/<token>", methods=["GET", "POST"])
def confirm(token: str) -> Response:
    """Confirm the new address; only the button does, as mail boxes open links by themselves."""
    try:
        if request.method != "POST":
            page = render_template("accounts/address_confirm.html", email=address_change.find(token).email)
            return make_response(page, 200, {"X-Robots-Tag": "noindex"})
        person = address_change.confirm(token)
    except links.LinkSpent:
        return spent(url_for("AddressView.ask"), "Demander un nouveau lien")
    flash(f"Votre adresse électronique est maintenant {person.email}. Utilisez-la pour vous connecter.", "success")
    return redirect("/mon-profil/" if g.user.is_authenticated else url_for("LoginView.login"))


def _asked(form: ChangeAddressForm) -> bool:
    """Mail the link; a refusal is put on its field."""
    try:
        address_change.ask(g.user.id, form.password.data, form.address)
    except TooOften as refusal:
        raise too_often(refusal) from None
    except WrongPassword as refusal:
        form.password.errors = [refusal.message]
        return False
    except address_change.SameAddress as refusal:
        form.email.errors = [refusal.message]
        return False
    return True
