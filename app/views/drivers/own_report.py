"""« Signaler une erreur »: what a driver says is not exact in one of the own registrations."""

from __future__ import annotations

from flask import abort, flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.french.words import to
from app.models import Registration
from app.services.amendments import orders, reports, sayings
from app.services.core.throttle import TooOften
from app.views.shell.base import Screen
from app.views.shell.public import too_often

ID = "<int:row_id>"
NOT_FOUND = "Cet enregistrement n’existe pas, ou ne figure pas dans votre espace."


class OwnReportView(Screen):
    """`/mon-espace/erreurs/<id>`, on an own registration only."""

    route_base = "/mon-espace/erreurs"
    default_view = "form"
    class_permission_name = "OwnReports"

    @expose(f"/{ID}")
    def form(self, row_id: int) -> str | Response:
        """Show what is registered, each value beside a field for what is right; where a report waits, lead to the space."""
        row = _own(row_id)
        if reports.open_of(row.id):
            flash(reports.AlreadySaid.message, "warning")
            return redirect(url_for("DriverSpaceView.index"))
        return self._form(row, {}, {})

    @expose(f"/{ID}/envoyer", methods=["POST"])
    def send(self, row_id: int) -> Response:
        """Send it to the centre, once."""
        row = _own(row_id)
        typed = {name: request.form.get(name, "").strip() for name in (*sayings.FIELDS, "not_attended", "text")}
        try:
            reports.say(g.user.id, row.id, sayings.read(row, typed))
        except sayings.NotUnderstood as refused:
            return make_response(self._form(row, typed, refused.remarks), 422)
        except TooOften as refusal:
            raise too_often(refusal) from None
        except reports.AlreadySaid as refusal:
            flash(refusal.message, "warning")
        else:
            flash(
                f"Votre signalement est envoyé {to(row.centre.name, is_place=True)}, qui doit vous répondre.", "success"
            )
        return redirect(url_for("DriverSpaceView.index"))

    @expose(f"/{ID}/retirer", methods=["POST"])
    def withdraw(self, row_id: int) -> Response:
        """Take it back."""
        waiting = reports.open_of(_own(row_id).id)
        if waiting is None:
            raise reports.AlreadyClosed
        reports.withdraw(g.user.id, waiting.id)
        flash("Votre signalement est retiré : le centre ne le voit plus.", "success")
        return redirect(url_for("DriverSpaceView.index"))

    def _form(self, row: Registration, typed: dict[str, str], remarks: dict[str, str]) -> str:
        old = {**orders.as_typed(row).values(), "training": row.training.full_label}
        page: str = self.render_template(
            "drivers/report.html",
            row=row,
            fields=sayings.FIELDS,
            old=old,
            typed=typed,
            remarks=remarks,
            trainings=sayings.trainings(),
            text_max=sayings.TEXT_MAX,
        )
        return page


def _own(row_id: int) -> Registration:
    try:
        return reports.own(g.user.id, row_id)
    except reports.NotThere:
        abort(404, NOT_FOUND)
