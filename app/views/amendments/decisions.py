"""« Corrections demandées », a part of « À traiter »: both lines side by side, the effects, and the agent's decision."""

from __future__ import annotations

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models.amendment import REASONS
from app.services.amendments import card_stops, money, reports, requests, trainer_rights, words
from app.views.shell.base import Screen

from .correction import ROWS, credit_chosen

ID = "<int:row_id>"


class CorrectionDecisionsView(Screen):
    """`/a-traiter/corrections/`"""

    route_base = "/a-traiter/corrections"
    default_view = "index"
    class_permission_name = "Decisions"

    @expose("/")
    def index(self) -> str:
        """Show the requests that wait, and the cards whose ground was cancelled."""
        waiting, count = requests.waiting()
        said, said_count = reports.unanswered()
        page: str = self.render_template(
            "amendments/decisions.html",
            waiting=waiting,
            count=count,
            reasons=REASONS,
            cards=card_stops.waiting(),
            said=said,
            said_count=said_count,
            patience=reports.PATIENCE.days,
            rights=trainer_rights.waiting(),
        )
        return page

    @expose(f"/{ID}")
    def show(self, row_id: int) -> str | Response:
        """Show one request: both lines side by side, the effects, the decision."""
        one = requests.find(row_id)
        if one is None:
            flash(requests.AlreadyDecided.message, "warning")
            return redirect(url_for("CorrectionDecisionsView.index"))
        page: str = self.render_template(
            "amendments/decision.html",
            one=one,
            row=one.request.registration,
            rows=ROWS,
            old=one.old.values(),
            new=one.new.values() if one.new else {},
            sentences=words.sentences(one.effects, agent=True) if one.effects else [],
            why=words.why_agent(one.effects) if one.effects else [],
            gives_back=money.gives_back(one.request.reason_code),
        )
        return page

    @expose(f"/{ID}/accepter", methods=["POST"])
    def accept(self, row_id: int) -> Response:
        """Do what was asked for, as shown."""
        shown = request.form.get("version", "")
        requests.accept(row_id, g.user.id, request.form.get("answer", ""), shown=shown, credit=credit_chosen())
        return _done("La correction est faite ; le centre en est averti par courriel.")

    @expose(f"/{ID}/refuser", methods=["POST"])
    def refuse(self, row_id: int) -> Response:
        """Refuse, for the reason given."""
        requests.refuse(row_id, g.user.id, request.form.get("answer", ""))
        return _done("La demande est refusée ; le motif est envoyé au centre.")

    @expose("/cartes/<int:row_id>/arreter", methods=["POST"])
    def stop(self, row_id: int) -> Response:
        """Note that a card was stopped in the making, or declared void."""
        card_stops.stopped(row_id, g.user.id)
        return _done("La carte est notée comme arrêtée ; son titulaire en est averti par courriel.")


def _done(message: str) -> Response:
    flash(message, "success")
    return redirect(url_for("CorrectionDecisionsView.index"))
