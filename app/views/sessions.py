"""« Mes sessions »: whom to register and how, drafts to take up again, last registrations; or what is still missing."""

from __future__ import annotations

from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models.centre import REGISTER
from app.services import access, desk, drafts, import_desk

from .base import Screen, current_centre_id, current_place, require_right
from .forms import BY_HAND, DRIVER, ChoiceForm


class SessionsView(Screen):
    """`/sessions/` and the start of a registration by hand."""

    route_base = "/sessions"
    class_permission_name = "Sessions"

    @expose("/")
    def index(self) -> str:
        """Show the choice of profile and mode, or the list of what is missing and who can mend it."""
        place = current_place()
        if place is None:
            abort(403, "Vous n’intervenez pour aucun centre de formation.")
        tasks = access.tasks(place, REGISTER)
        if not all(task.done for task in tasks):
            return str(self.render_template("sessions/missing.html", tasks=tasks, centre=place.centre))
        return str(
            self.render_template(
                "sessions/index.html",
                choice=ChoiceForm(request.args),
                prices=desk.prices(),
                resumable=desk.resumable(place.centre_id),
                unfinished=import_desk.unfinished(place.centre_id),
                registered=desk.last_registered(place.centre_id),
            )
        )

    @expose("/nouveau", methods=["POST"])
    def start(self) -> Response:
        """Start a draft by hand; a profile or a mode that is not open yet leads back to its announcement."""
        require_right(REGISTER)
        form = ChoiceForm(request.form)
        if not form.validate():
            flash("Choisissez un profil et un mode d’enregistrement de la liste.", "danger")
            return redirect(url_for("SessionsView.index"))
        if (form.profil.data, form.mode.data) != (DRIVER, BY_HAND):
            return redirect(url_for("SessionsView.index", profil=form.profil.data, mode=form.mode.data))
        batch = drafts.start(current_centre_id(), g.user.id)
        return redirect(url_for("WizardView.training", key=batch.key))
