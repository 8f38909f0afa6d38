"""The receipt of a registered batch: who, when, how many, how much, and what became of each document."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import Batch
from app.models.batch import FILE, MODES, REGISTERED
from app.models.centre import REGISTER
from app.services.drivers import account_invitations
from app.services.registration import receipts, slips_pdf
from app.views.shell.base import Screen, batch_or_404, require_right
from app.views.shell.files import pdf
from app.views.shell.reading import number_of


class ReceiptView(Screen):
    """`/sessions/<key>/recu`, for the three doors."""

    route_base = "/sessions"
    class_permission_name = "Sessions"

    @expose("/<key>/recu")
    def show(self, key: str) -> Response | str:
        """Show the receipt; a batch not registered yet leads to its steps."""
        batch = _batch(key)
        if batch.state != REGISTERED:
            steps = "ImportsView.show" if batch.mode == FILE else "WizardView.checks"
            return redirect(url_for(steps, key=key))
        fresh = request.args.get("nouveau") == "1"
        return str(self.render_template("registration/receipt/page.html", fresh=fresh, **_told(batch)))

    @expose("/<key>/recu/imprimer")
    def printed(self, key: str) -> Response | str:
        """Show the whole receipt, made to be printed; very long ones come in several pages."""
        batch = _batch(key)
        if batch.state != REGISTERED:
            return redirect(url_for("ReceiptView.show", key=key))
        receipt = receipts.receipt(batch, number_of("page"), receipts.PRINTED)
        return str(self.render_template("registration/receipt/printed.html", batch=batch, receipt=receipt, modes=MODES))

    @expose("/<key>/recu/fiches.pdf")
    def slips(self, key: str) -> Response:
        """Send the slips to hand to the trainees without proved account; of a very long batch, those of one part."""
        batch = _batch(key)
        if batch.state != REGISTERED:
            return redirect(url_for("ReceiptView.show", key=key))
        page = number_of("page")
        found = receipts.slips(batch.id, page)
        if not found:
            abort(
                404,
                "Tous les stagiaires de ce reçu ont un compte dont l’identité est vérifiée : il n’y a pas de fiche.",
            )
        return pdf(
            slips_pdf.render(found, batch.centre.name, str(batch.receipt_number)), f"fiches-{batch.receipt_number}.pdf"
        )

    @expose("/<key>/recu/etat")
    def state(self, key: str) -> Response | str | tuple[str, int]:
        """Return the documents' states where they changed since the ones shown, else nothing (204)."""
        batch = _batch(key)
        if batch.state != REGISTERED:
            abort(404)
        told = _told(batch)
        if told["seen"] == request.args.get("vu"):
            return "", 204
        return str(self.render_template("registration/receipt/documents.html", **told))

    @expose("/<key>/recu/<int:line>/inviter", methods=["POST"])
    def invite(self, key: str, line: int) -> Response:
        """Invite the driver of a line, who has no account, to open one."""
        address = account_invitations.invite(_batch(key).id, line, request.form.get("email", ""), g.user.id)
        flash(f"Une invitation est envoyée à l’adresse {address}.", "success")
        return redirect(url_for("ReceiptView.show", key=key, page=number_of("page")))


def _batch(key: str) -> Batch:
    require_right(REGISTER)
    return batch_or_404(key)


def _told(batch: Batch) -> dict[str, Any]:
    receipt = receipts.receipt(batch, number_of("page"))
    return {"batch": batch, "receipt": receipt, "seen": receipt.fingerprint, "modes": MODES}
