"""« À traiter » of a centre: what drivers report, registrations to check before the delay ends, requests and their answers."""

from __future__ import annotations

from flask import abort, flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import ErrorReport
from app.models.amendment import REASONS, REQUEST_STATES
from app.models.centre import REGISTER
from app.services.amendments import acts, look_alikes, orders, reports, requests, sayings
from app.services.amendments.acts import Who
from app.services.core.refusal import Refusal
from app.views.shell.base import Screen, current_centre_id, place_or_403, require_right

ID = "<int:row_id>"
NOT_FOUND = "Ce signalement n’existe pas, ou concerne un autre centre."


class CentreToHandleView(Screen):
    """`/centre/a-traiter/`, for who may register at the centre."""

    route_base = "/centre/a-traiter"
    default_view = "index"
    class_permission_name = "CentreToHandle"
    right, heading = REGISTER, "À traiter"

    @expose("/")
    def index(self) -> str:
        """Show what waits for the centre, and what it waits for itself."""
        centre_id = place_or_403().centre_id
        said, said_count = reports.of_centre(centre_id, g.user.id)
        alike, alike_count = look_alikes.of_centre(centre_id, g.user.id)
        page: str = self.render_template(
            "amendments/centre.html",
            title="À traiter",
            said=said,
            said_count=said_count,
            alike=alike,
            alike_count=alike_count,
            asked=requests.of_centre(centre_id),
            reasons=REASONS,
            states=REQUEST_STATES,
        )
        return page

    @expose(f"/verifications/{ID}/exacte", methods=["POST"])
    def check(self, row_id: int) -> Response:
        """« C’est exact »: put a registration to check aside."""
        require_right(REGISTER)
        look_alikes.check(row_id, Who(g.user.id))
        flash("L’enregistrement est gardé tel quel : il n’est plus à vérifier.", "success")
        return redirect(url_for("CentreToHandleView.index"))


class ReportsView(Screen):
    """`/corrections/signalements/<id>`: what a driver says, and the answer; for who may register there, and for agents."""

    route_base = "/corrections/signalements"
    default_view = "show"
    class_permission_name = "Corrections"

    @expose(f"/{ID}")
    def show(self, row_id: int) -> str | Response:
        """Show what the driver says beside what is registered."""
        one = _report(row_id)
        if one is None:
            flash(reports.AlreadyClosed.message, "warning")
            return redirect(_back())
        return self._show(one, "", "")

    @expose(f"/{ID}/exactes", methods=["POST"])
    def exact(self, row_id: int) -> Response:
        """Answer that the data are exact, for the reason given."""
        one, text = _report(row_id), request.form.get("answer", "")
        if one is None:
            raise reports.AlreadyClosed
        try:
            reports.answer(one.id, g.user.id, text)
        except reports.AlreadyClosed:
            raise
        except Refusal as refusal:
            return make_response(self._show(one, text, refusal.message), 422)
        flash("Votre réponse est envoyée au conducteur par courriel ; il la lit aussi dans son espace.", "success")
        return redirect(_back())

    def _show(self, one: ErrorReport, answer: str, error: str) -> str:
        old = orders.as_typed(one.registration).values()
        said = dict(one.said)
        if "training_label" in said:
            said["training"] = f"{said['training_label']} ({said['category']})"
        page: str = self.render_template(
            "amendments/report.html",
            one=one,
            row=one.registration,
            fields=sayings.FIELDS,
            old={**old, "training": one.registration.training.full_label},
            said=said,
            answer=answer,
            error=error,
            back=_back(),
        )
        return page


def _report(report_id: int) -> ErrorReport | None:
    """Return a report that waits, of the current centre, any for an agent; None for one that waits no more."""
    found = reports.find(report_id)
    if g.user.is_agent:
        return found
    require_right(REGISTER)
    if found is None:
        return None
    if found.registration.centre_id != current_centre_id():
        abort(404, NOT_FOUND)
    acts.require(found.registration, Who(g.user.id))
    return found


def _back() -> str:
    return url_for("CorrectionDecisionsView.index" if g.user.is_agent else "CentreToHandleView.index")
