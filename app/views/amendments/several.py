"""« Annuler plusieurs lignes » of a receipt, or « tout cet envoi »: the lines and the reason, the effects, the confirmation."""

from __future__ import annotations

from flask import flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import Batch
from app.models.amendment import REASONS
from app.models.centre import REGISTER
from app.services.amendments import acts, several
from app.services.amendments.acts import Who
from app.services.amendments.several import Several
from app.services.core.refusal import Refusal
from app.views.shell.base import Screen, batch_or_404, require_right


class SeveralView(Screen):
    """`/corrections/envois/<key>/`"""

    route_base = "/corrections/envois"
    default_view = "lines"
    class_permission_name = "Corrections"

    @expose("/<key>/")
    def lines(self, key: str) -> str:
        """Show the lines that count still, each to be chosen."""
        return self._lines(_batch(key), [], "", "")

    @expose("/<key>/effets", methods=["POST"])
    def effects(self, key: str) -> str | Response:
        """Tell what cancelling the chosen lines would bring about; nothing is done yet."""
        batch, (ids, code, reason) = _batch(key), _asked()
        try:
            return self._effects(batch, several.look(batch, ids, code, reason, Who(g.user.id)), code, reason)
        except Refusal as refusal:
            of_lines = isinstance(refusal, several.NoneChosen | several.TooMany)
            return make_response(self._lines(batch, ids, code, reason, refusal.message, of_lines=of_lines), 422)

    @expose("/<key>/confirmer", methods=["POST"])
    def confirm(self, key: str) -> str | Response:
        """Cancel them, all or none."""
        batch, (ids, code, reason) = _batch(key), _asked()
        try:
            count = several.cancel(batch, ids, code, reason, Who(g.user.id), shown=request.form.get("version", ""))
        except acts.Changed as refusal:
            flash(refusal.message, "warning")
            found = several.look(batch, ids, code, reason, Who(g.user.id))
            return make_response(self._effects(batch, found, code, reason), 409)
        except (several.NoneChosen, acts.AlreadyCancelled) as refusal:
            flash(refusal.message, "warning")
            return redirect(url_for("SeveralView.lines", key=key))
        flash("La ligne est annulée." if count == 1 else f"Les {count} lignes sont annulées.", "success")
        return redirect(url_for("ReceiptView.show", key=key))

    def _lines(
        self, batch: Batch, ids: list[int], code: str, reason: str, error: str = "", *, of_lines: bool = False
    ) -> str:
        page: str = self.render_template(
            "amendments/several.html",
            batch=batch,
            rows=several.live_lines(batch),
            chosen=ids,
            code=code,
            reason=reason,
            reasons=REASONS,
            most=several.MOST,
            error=error,
            of_lines=of_lines,
        )
        return page

    def _effects(self, batch: Batch, found: Several, code: str, reason: str) -> str:
        page: str = self.render_template(
            "amendments/several_effects.html",
            batch=batch,
            found=found,
            code=code,
            reason=reason,
            reason_words=REASONS[code],
        )
        return page


def _batch(key: str) -> Batch:
    require_right(REGISTER)
    return batch_or_404(key)


def _asked() -> tuple[list[int], str, str]:
    """Return the lines chosen, the reason's code and its text, as the form sends them; what is no id names no line."""
    texts = request.form.getlist("line")
    ids = [int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0 for text in texts]
    return ids, request.form.get("reason_code", ""), request.form.get("reason", "")
