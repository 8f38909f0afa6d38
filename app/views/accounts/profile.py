"""« Mon profil »: who is signed in, and the change of the password."""

from __future__ import annotations

from flask import flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.services.accounts import password_change, second_factor, sign_in
from app.services.accounts.passwords import WeakPassword
from app.services.core.throttle import TooOften
from app.services.drivers import space as driver_space
from app.views.shell import sign_ins
from app.views.shell.base import Screen
from app.views.shell.public import too_often

from .forms import ChangePasswordForm


class ProfileView(Screen):
    """`/mon-profil/`, one's own only."""

    route_base = "/mon-profil"
    default_view = "index"
    class_permission_name = "Profile"

    @expose("/", methods=["GET", "POST"])
    def index(self) -> Response:
        """Show who is signed in; change the password of who knows the current one."""
        form = ChangePasswordForm(request.form)
        if request.method == "POST" and form.validate() and _changed(form):
            flash("Votre mot de passe est changé. Vos autres connexions sont fermées.", "success")
            return redirect(url_for("ProfileView.index"))
        page = self.render_template(
            "accounts/profile.html",
            title="Mon profil",
            form=form,
            driver=driver_space.driver_of(g.user.id),
            offers_factor=second_factor.is_privileged(g.user),
            has_factor=second_factor.is_on(g.user.id),
        )
        return make_response(page, 422 if form.errors else 200)

    @expose("/presence")
    def stay(self) -> Response:
        """Answer that the sign-in goes on: any request of a page keeps it open (static/js/idle.js)."""
        return make_response("", 204)

    @expose("/autres-sessions", methods=["POST"])
    def end_others(self) -> Response:
        """End every other sign-in of this person; this browser stays signed in."""
        sign_ins.renew(sign_in.end_all(g.user.id, "sign_in.others_ended"))
        flash("Vos autres sessions sont fermées. Vous restez connecté ici.", "success")
        return redirect(url_for("ProfileView.index"))


def _changed(form: ChangePasswordForm) -> bool:
    """Change the password and renew this browser's cookie; a refusal is put on its field."""
    try:
        person = password_change.change(g.user.id, form.current.data, form.password.data)
    except TooOften as refusal:
        raise too_often(refusal) from None
    except password_change.WrongPassword as refusal:
        form.current.errors = [refusal.message]
        return False
    except WeakPassword as refusal:
        form.password.errors = [refusal.message]
        return False
    sign_ins.renew(person)
    return True
