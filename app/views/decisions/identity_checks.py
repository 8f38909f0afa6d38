"""An identity document as an agent sees it, beside what was declared and what the register knows; accepted, or refused."""

from __future__ import annotations

from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models.identity import WAITING
from app.services.accounts import link as account_link
from app.services.core.reason import REASON_MAX
from app.services.core.refusal import Refusal
from app.services.decisions import identity_checks
from app.services.decisions.identity_checks import Case
from app.views.shell.base import Screen
from app.views.shell.files import identity_picture

ID = "/<int:row_id>"


class IdentityChecksView(Screen):
    """`/a-traiter/identites/<id>`"""

    route_base = "/a-traiter/identites"
    class_permission_name = "Decisions"

    @expose(ID)
    def show(self, row_id: int) -> Response | str:
        """Show a document that waits; one that was decided leads back to the list."""
        case = _case(row_id)
        if case.check.state != WAITING:
            flash(identity_checks.AlreadyDecided.message, "info")
            return _back()
        return str(
            self.render_template(
                "decisions/identity_check.html",
                title="Pièce d’identité",
                case=case,
                reason_max=REASON_MAX,
            )
        )

    @expose(f"{ID}/piece")
    def picture(self, row_id: int) -> Response:
        """Send the picture while it waits."""
        return identity_picture(_case(row_id).check)

    @expose(f"{ID}/accepter", methods=["POST"])
    def accept(self, row_id: int) -> Response:
        """Link the account to the driver's record."""
        identity_checks.accept(row_id, g.user.id)
        flash("L’identité est vérifiée ; la personne en est avertie par courriel, l’image est supprimée.", "success")
        return _back()

    @expose(f"{ID}/refuser", methods=["POST"])
    def refuse(self, row_id: int) -> Response:
        """Refuse the document, for the reason given; back to its page without one."""
        try:
            identity_checks.refuse(row_id, g.user.id, request.form.get("reason", ""))
        except identity_checks.AlreadyDecided as refusal:
            flash(refusal.message, "danger")
        except Refusal as refusal:
            flash(refusal.message, "danger")
            return redirect(url_for("IdentityChecksView.show", row_id=row_id))
        else:
            flash(
                "La pièce est refusée ; le motif est au journal et envoyé à la personne, l’image est supprimée.",
                "success",
            )
        return _back()

    @expose("/conducteurs/<int:row_id>/codes", methods=["POST"])
    def replace_codes(self, row_id: int) -> Response:
        """Make the activation codes of a driver worthless."""
        account_link.replace_codes(row_id, g.user.id)
        flash("Les codes d’activation de ce conducteur sont remplacés : les reçus en montrent de nouveaux.", "success")
        return redirect(url_for("DriversView.show", pk=row_id))


def _case(row_id: int) -> Case:
    return identity_checks.case(row_id) or abort(404, "Cette pièce d’identité n’existe pas.")


def _back() -> Response:
    return redirect(url_for("ToHandleView.index"))
