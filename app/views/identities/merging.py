"""« Réunir avec un autre conducteur », side by side with all that hangs on each; and « Défaire la réunion »."""

from __future__ import annotations

from flask import abort, flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import Driver, DriverMerge
from app.models.card import CARD_STATES
from app.models.identity import PROOFS
from app.models.registration import DOCUMENT_KINDS, DOCUMENT_STATES
from app.services.core.reason import REASON_MAX, ReasonNeeded
from app.services.core.refusal import Refusal
from app.services.identities import candidates, effects, merging, parting, words
from app.views.shell.base import Screen

from .correcting import driver_or_404

PAIR = "<int:row_id>/reunir/<int:other_id>"
SHOWN = {
    "card_states": CARD_STATES,
    "proofs": PROOFS,
    "document_kinds": DOCUMENT_KINDS,
    "document_states": DOCUMENT_STATES,
    "reason_max": REASON_MAX,
}


class MergeView(Screen):
    """`/conducteurs/<id>/reunir`"""

    route_base = "/conducteurs"
    default_view = "find"
    class_permission_name = "Identities"

    @expose("/<int:row_id>/reunir")
    def find(self, row_id: int) -> str | Response:
        """Ask which other driver is the same person, and show those who may be."""
        driver = driver_or_404(row_id)
        if driver.same_as_id is not None:
            return redirect(url_for("MergeView.find", row_id=driver.same_as_id))
        asked = request.args.get("recherche", "").strip()
        found = candidates.asked(driver, asked) if asked else candidates.alike(driver)
        page: str = self.render_template(
            "identities/find.html", driver=driver, asked=asked, found=found, limit=candidates.LIMIT
        )
        return page

    @expose(f"/{PAIR}")
    def look(self, row_id: int, other_id: int) -> str | Response:
        """Show the two side by side, and every effect of keeping the first; nothing is done yet."""
        kept, joined = driver_or_404(row_id), driver_or_404(other_id)
        if joined.same_as_id == kept.id:
            flash(merging.AlreadyJoined.message, "warning")
            return redirect(_card(kept.id))
        return self._page(kept, joined)

    @expose(f"/{PAIR}", methods=["POST"])
    def join(self, row_id: int, other_id: int) -> str | Response:
        """Join them, if the effects are still those that were shown; else show them again."""
        kept, joined = driver_or_404(row_id), driver_or_404(other_id)
        reason, shown = request.form.get("reason", ""), request.form.get("version", "")
        try:
            merging.join(row_id, other_id, g.user.id, reason, shown=shown)
        except ReasonNeeded as refusal:
            return self._page(kept, joined, reason, refusal.message, 422)
        except merging.Changed as refusal:
            flash(refusal.message, "warning")
            return self._page(driver_or_404(row_id), driver_or_404(other_id), reason, code=409)
        except merging.AlreadyJoined as refusal:
            flash(refusal.message, "warning")
            return redirect(_card(row_id))
        flash(
            "Les deux fiches sont réunies. La réunion peut être défaite tant que rien de nouveau ne s’y rattache.",
            "success",
        )
        return redirect(_card(row_id))

    def _page(self, kept: Driver, joined: Driver, reason: str = "", error: str = "", code: int = 200) -> Response:
        found, obstacle = None, ""
        try:
            found = merging.look(kept.id, joined.id)
        except Refusal as refusal:
            obstacle = refusal.message
        page = self.render_template(
            "identities/merge.html",
            kept=kept,
            joined=joined,
            found=found,
            obstacle=obstacle,
            sides=[found.kept, found.joined] if found else candidates.sides(kept, joined),
            sentences=words.of_merge(found) if found else [],
            reason=reason,
            error=error,
            **SHOWN,
        )
        return make_response(page, code)


class PartView(Screen):
    """`/conducteurs/reunions/<id>`"""

    route_base = "/conducteurs/reunions"
    default_view = "look"
    class_permission_name = "Identities"

    @expose("/<int:row_id>/defaire")
    def look(self, row_id: int) -> Response:
        """Show what undoing the merger would bring about, or why it cannot be undone."""
        merge = _merge(row_id)
        if merge.undone_at is not None:
            flash(parting.AlreadyParted.message, "warning")
            return redirect(_card(merge.kept_id))
        return self._page(merge)

    @expose("/<int:row_id>/defaire", methods=["POST"])
    def part(self, row_id: int) -> Response:
        """Undo it, if the effects are still those that were shown; else show them again."""
        merge, reason = _merge(row_id), request.form.get("reason", "")
        kept_id = merge.kept_id
        try:
            parting.part(row_id, g.user.id, reason, shown=request.form.get("version", ""))
        except ReasonNeeded as refusal:
            return self._page(merge, reason, refusal.message, 422)
        except (merging.Changed, parting.CannotPart) as refusal:
            flash(refusal.message, "warning")
            return self._page(_merge(row_id), reason, code=409)
        except parting.AlreadyParted as refusal:
            flash(refusal.message, "warning")
            return redirect(_card(kept_id))
        flash("La réunion est défaite : chacun des deux conducteurs a de nouveau ce qui était à lui.", "success")
        return redirect(_card(kept_id))

    def _page(self, merge: DriverMerge, reason: str = "", error: str = "", code: int = 200) -> Response:
        found: effects.Parting = parting.look(merge)
        page = self.render_template(
            "identities/part.html",
            merge=merge,
            found=found,
            sentences=[] if found.obstacles else words.of_parting(found),
            reason=reason,
            error=error,
            reason_max=REASON_MAX,
        )
        return make_response(page, code)


def _merge(row_id: int) -> DriverMerge:
    return parting.find(row_id) or abort(404, "Cette réunion n’existe pas.")


def _card(driver_id: int) -> str:
    return url_for("DriversView.show", pk=driver_id)
