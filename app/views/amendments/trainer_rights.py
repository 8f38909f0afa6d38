"""« Annuler ce droit » of a trainer or an instructor: the reason, then every effect, then the confirmation."""

from __future__ import annotations

from flask import abort, flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.extensions import db
from app.models import Trainer
from app.models.amendment import REQUEST_STATES, TRAINER_REASONS
from app.models.centre import TRAINERS
from app.models.trainer import REGISTERED
from app.services.amendments import acts, money, trainer_rights
from app.services.core.refusal import Refusal
from app.views.shell.base import Screen, current_centre_id, require_right

ID = "<int:row_id>"
NOT_FOUND = "Ce formateur n’existe pas, ou concerne un autre centre."


class TrainerRightView(Screen):
    """`/corrections/formateurs/<id>/`, for who may register trainers at the centre, and for agents."""

    route_base = "/corrections/formateurs"
    default_view = "form"
    class_permission_name = "Corrections"

    @expose(f"/{ID}/")
    def form(self, row_id: int) -> str | Response:
        """Ask for the reason."""
        row = _trainer(row_id)
        if row.cancelled_on is not None:
            flash(acts.AlreadyCancelled.message, "warning")
            return redirect(_back(row))
        return self._form(row, "", "", "")

    @expose(f"/{ID}/effets", methods=["POST"])
    def effects(self, row_id: int) -> Response:
        """List every effect; nothing is done yet."""
        row, (code, text) = _trainer(row_id), _asked()
        try:
            code, text = trainer_rights.why(code, text)
            return make_response(self._effects(row, code, text))
        except Refusal as refusal:
            return make_response(self._form(row, code, text, refusal.message), 422)

    @expose(f"/{ID}/confirmer", methods=["POST"])
    def confirm(self, row_id: int) -> Response:
        """Do it, if the effects are still those that were shown; else show them again."""
        row, (code, text) = _trainer(row_id), _asked()
        shown = request.form.get("version", "")
        try:
            trainer_rights.cancel(row.id, code, text, g.user.id, shown=shown, agent=g.user.is_agent)
        except (acts.Changed, acts.NeedsAgent) as refusal:
            flash(refusal.message, "warning")
            return make_response(self._effects(row, code, text), 409)
        except acts.AlreadyCancelled as refusal:
            flash(refusal.message, "warning")
            return redirect(_back(row))
        flash("Le droit est annulé ; la personne en est avertie par courriel.", "success")
        return redirect(_back(row))

    @expose(f"/{ID}/demander", methods=["POST"])
    def ask(self, row_id: int) -> Response:
        """Hand it to an agent."""
        row = _trainer(row_id)
        trainer_rights.ask(row.id, *_asked(), g.user.id)
        flash("Votre demande est envoyée : un agent la décide et vous répond par courriel.", "success")
        return redirect(url_for("TrainerRightView.form", row_id=row.id))

    @expose(f"/{ID}/refuser", methods=["POST"])
    def refuse(self, row_id: int) -> Response:
        """Refuse the request that waits: an agent's decision, for the reason given."""
        row = _trainer(row_id)
        waiting = trainer_rights.open_of(row.id)
        if not g.user.is_agent:
            abort(403)
        if waiting is None:
            raise trainer_rights.AlreadyDecided
        trainer_rights.refuse(waiting.id, g.user.id, request.form.get("answer", ""))
        flash("La demande est refusée ; le motif est envoyé au centre.", "success")
        return redirect(url_for("CorrectionDecisionsView.index"))

    def _form(self, row: Trainer, code: str, text: str, error: str) -> str:
        last = trainer_rights.last_of(row.id)
        if last is not None and last.state == "open" and not code:
            code, text = last.reason_code, last.reason
        page: str = self.render_template(
            "amendments/trainer_form.html",
            row=row,
            found=trainer_rights.look(row),
            gives_back=money.gives_back(code),
            code=code,
            reason=text,
            error=error,
            reasons=TRAINER_REASONS,
            last=last,
            states=REQUEST_STATES,
            back=_back(row),
        )
        return page

    def _effects(self, row: Trainer, code: str, text: str) -> str:
        page: str = self.render_template(
            "amendments/trainer_effects.html",
            row=row,
            found=trainer_rights.look(row),
            code=code,
            reason=text,
            reason_words=TRAINER_REASONS[code],
            waiting=trainer_rights.open_of(row.id),
            agent=g.user.is_agent,
        )
        return page


def _trainer(row_id: int) -> Trainer:
    """Return a trainer registered by the current centre, any for an agent; another centre's is not found."""
    query = select(Trainer).where(Trainer.id == row_id, Trainer.state == REGISTERED)
    if not g.user.is_agent:
        require_right(TRAINERS)
        query = query.where(Trainer.centre_id == current_centre_id())
    return db.session.execute(query).scalar_one_or_none() or abort(404, NOT_FOUND)


def _asked() -> tuple[str, str]:
    return request.form.get("reason_code", ""), request.form.get("reason", "")


def _back(row: Trainer) -> str:
    if g.user.is_agent:
        return url_for("AgentTrainersView.show", pk=row.id)
    return url_for("TrainersView.receipt", key=row.key)
