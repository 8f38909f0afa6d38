"""« Mes rappels »: which mails a driver wants; and the link of such a mail by which one says no, without a sign-in."""

from __future__ import annotations

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response
from wtforms import Form, SelectMultipleField, widgets

from app.extensions import csrf
from app.services.reminders import choices
from app.views.shell.base import Screen

blueprint = Blueprint("reminders", __name__, url_prefix="/rappels")


class RemindersForm(Form):  # type: ignore[misc]
    """The kinds that are wanted."""

    kinds = SelectMultipleField(
        "Rappels par courriel",
        choices=list(choices.CHOSEN.items()),
        option_widget=widgets.CheckboxInput(),
    )


class RemindersView(Screen):
    """`/mon-espace/rappels/`, one's own only."""

    route_base = "/mon-espace/rappels"
    default_view = "index"
    class_permission_name = "Reminders"

    @expose("/", methods=["GET", "POST"])
    def index(self) -> Response:
        """Show what is wanted; keep another choice."""
        form = RemindersForm(
            request.form if request.method == "POST" else None, kinds=sorted(choices.wanted(g.user.id))
        )
        if request.method == "POST" and form.validate():
            choices.choose(g.user.id, form.kinds.data)
            flash("Vos rappels sont enregistrés.", "success")
            return redirect(url_for("RemindersView.index"))
        page = self.render_template("reminders/own.html", title="Mes rappels", form=form)
        return make_response(page, 422 if form.errors else 200)


@blueprint.route("/<token>", methods=["GET", "POST"])
@csrf.exempt  # a mail program sends it (List-Unsubscribe); the signed link is what it may be sent by
def stop(token: str) -> Response:
    """Ask once more, as mail scanners follow links; then keep that this mail is not wanted."""
    asked = choices.named(token)
    done = asked is not None and request.method == "POST"
    if asked and done:
        choices.refuse(*asked)
    words = choices.CHOSEN[asked[1]] if asked else ""
    page = render_template("reminders/stop.html", token=token, words=words, done=done)
    response = make_response(page, 200 if asked else 404)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
