"""The receipt of a registered batch, whichever door it came through: screen, sheet to print, PDF, XLSX, slips, invitations."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, flash, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import Batch
from app.models.batch import FILE, MODES, REGISTERED
from app.models.centre import INVOICES, REGISTER
from app.services.core import clock
from app.services.registration import receipts, slips_pdf
from app.services.registration.receipt_fates import BY_CODE, WORDS, Fate
from app.services.registration.receipts import Receipt
from app.services.reporting import receipt_pdf, receipt_sheet, receipt_words
from app.views.crud.addresses import Addresses, taken
from app.views.shell.base import Screen, batch_or_404, may, require_right
from app.views.shell.files import pdf, workbook
from app.views.shell.reading import number_of, word_of


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
        return str(self.render_template("registration/receipt/page.html", **_told(batch)))

    @expose("/<key>/recu/imprimer")
    def printed(self, key: str) -> Response | str:
        """Show the whole receipt, made to be printed; very long ones come in several pages."""
        batch = _batch(key)
        if batch.state != REGISTERED:
            return _to_receipt(key)
        receipt = receipts.receipt(batch, number_of("page"), receipts.PRINTED, grouped=False)
        return str(self.render_template("registration/receipt/printed.html", **_words(receipt)))

    @expose("/<key>/recu/recu.pdf")
    def pdf(self, key: str) -> Response:
        """Send the receipt as PDF; of a very long one, one part."""
        batch = _batch(key)
        if batch.state != REGISTERED:
            return _to_receipt(key)
        receipt = receipts.receipt(batch, number_of("page"), receipts.PRINTED, grouped=False)
        part = f"-{receipt.page}" if receipt.page_count > 1 else ""
        return pdf(receipt_pdf.render(receipt, clock.now()), f"recu-{batch.receipt_number}{part}.pdf")

    @expose("/<key>/recu/recu.xlsx")
    def export(self, key: str) -> Response:
        """Send the lines of the receipt as a sheet; of a very long one, those of one part."""
        batch = _batch(key)
        if batch.state != REGISTERED:
            return _to_receipt(key)
        receipt = receipts.receipt(batch, number_of("page"), receipt_sheet.LINES, grouped=False)
        part = f"-{receipt.page}" if receipt.page_count > 1 else ""
        return workbook(receipt_sheet.render(receipt), f"recu-{batch.receipt_number}{part}.xlsx")

    @expose("/<key>/recu/fiches.pdf")
    def slips(self, key: str) -> Response:
        """Send the slips to hand to the trainees without proved account; of a very long batch, those of one part."""
        batch = _batch(key)
        if batch.state != REGISTERED:
            return _to_receipt(key)
        found = receipts.slips(batch, number_of("page"))
        if not found:
            abort(
                404,
                "Tous les stagiaires de ce reçu ont un compte dont l’identité est vérifiée : il n’y a pas de fiche.",
            )
        number = str(batch.receipt_number)
        return pdf(slips_pdf.render(found, batch.centre.name, number, clock.now()), f"fiches-{number}.pdf")

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

    @expose("/<key>/recu/inviter", methods=["POST"])
    def invite(self, key: str) -> Response:
        """Invite the drivers beside whom an address stands; what is refused stays in its field, with its reason."""
        batch = _batch(key)
        if batch.state != REGISTERED:
            return _to_receipt(key)
        told = _told(batch)
        addresses = taken(batch.centre_id, _to_invite(told["receipt"]))
        if addresses.sent and not addresses.is_refused:
            flash(f"{addresses.told}.", "success")
            return redirect(url_for("ReceiptView.show", key=key, **_asked(told["receipt"])))
        page = self.render_template("registration/receipt/page.html", **_told(batch, addresses))
        return make_response(page, 422 if addresses.is_refused else 200)


def _batch(key: str) -> Batch:
    require_right(REGISTER)
    return batch_or_404(key)


def _to_receipt(key: str) -> Response:
    return redirect(url_for("ReceiptView.show", key=key))


def _told(batch: Batch, addresses: Addresses | None = None) -> dict[str, Any]:
    """Return what the screen says of the page that the address asks for, with what stands in its fields."""
    wanted = word_of("etat", BY_CODE)
    receipt = receipts.receipt(batch, number_of("page"), wanted=BY_CODE.get(wanted))
    return {
        **_words(receipt),
        "may_bill": may(INVOICES),
        "seen": receipt.fingerprint,
        "addresses": addresses or Addresses(),
        "fresh": request.args.get("nouveau") == "1",
        "asked": _asked(receipt),
        "sheets": -(-receipt.standing.lines // receipt_sheet.LINES),
        "sheets_hold": receipt_sheet.LINES,
        "is_long": receipt.standing.lines > receipts.PRINTED,
    }


def _words(receipt: Receipt) -> dict[str, Any]:
    return {
        "batch": receipt.batch,
        "receipt": receipt,
        "modes": MODES,
        "fates": Fate,
        "fate_words": WORDS,
        "issuer": current_app.config["ISSUER"],
        "now": clock.now(),
        "facts": receipt_words,
        "may_bill": False,  # on screen only
    }


def _asked(receipt: Receipt) -> dict[str, Any]:
    """Return how the address names the page and the filter that are shown."""
    wanted = {"etat": receipt.wanted.value} if receipt.wanted else {}
    return {**wanted, **({"page": receipt.page} if receipt.page > 1 else {})}


def _to_invite(receipt: Receipt) -> dict[int, tuple[str, str]]:
    """Return who may be invited on this page, in its order: registration id → last and first name."""
    rows = (line.registration for line in receipt.lines if line.may_be_invited)
    return {row.id: (row.last_name, row.first_name) for row in rows}
