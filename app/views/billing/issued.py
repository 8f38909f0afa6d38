"""« Facturation », for agents: one issued invoice, its credit notes, and what an agent may do about it."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import Invoice
from app.models.billing.invoices import INVOICE
from app.services.core import clock
from app.services.core.reason import REASON_MAX
from app.services.core.refusal import Refusal
from app.services.deposits import acts, platforms, statuses, watching
from app.services.invoicing import assembling, credit_notes, reading
from app.services.payments import dunning, dunning_mail, interest, settlement
from app.services.payments import reading as payments
from app.views.shell.base import Screen
from app.views.shell.reading import number_of

from . import files, platform

ASKED = "L’avoir est demandé : il est prouvé, puis numéroté, dans les instants qui viennent. Il paraît alors sur cette page."


class IssuedView(Screen):
    """`/facturation/factures/`"""

    route_base = "/facturation/factures"
    default_view = "show"
    class_permission_name = "Billing"

    @expose("/<key>")
    def show(self, key: str) -> str:
        """Show what an issued invoice says, its credit notes, and the charges that may be given back."""
        return self._page(_invoice(key))

    def _page(self, invoice: Invoice, error: str = "", field: str = "") -> str:
        """Return the page; after a refusal with what was typed, and the field that it concerns."""
        reached = dunning.of_invoice(invoice.id)
        page: str = self.render_template(
            "billing/issued_office.html",
            **told(invoice),
            charges=reading.charges(invoice, number_of("page")) if invoice.kind == INVOICE else None,
            undone=payments.payments_of(invoice, undone=True),
            dunnings=reached,
            fates=dunning_mail.fates(reached),
            pause=dunning.pause_of(invoice.id),
            run_up=interest.of(invoice, clock.today()),
            recovery=interest.RECOVERY,
            balance=payments.left_of_note(invoice.id) if invoice.kind != INVOICE else None,
            reason_max=REASON_MAX,
            seen=platform.history(invoice),
            error=error,
            wrong=field,
            refused=bool(error),
            typed=request.form.get("reason", ""),
            ticked=_ticked(),
        )
        return page

    @expose("/<key>/pdf")
    def pdf(self, key: str) -> Response:
        """Send the PDF."""
        return files.pdf(_invoice(key))

    @expose("/<key>/xml")
    def xml(self, key: str) -> Response:
        """Send the XML."""
        return files.xml(_invoice(key))

    @expose("/<key>/avoir", methods=["POST"])
    def give_back(self, key: str) -> Response:
        """Give back the charges chosen, for a reason."""
        invoice, reason = _invoice(key), request.form.get("reason", "")
        try:
            credit_notes.give_back(invoice.id, _ticked(), reason, g.user.id)
        except Refusal as refusal:
            field = "reason" if _is_no_reason(reason) else "avoir"
            return make_response(self._page(invoice, refusal.message, field), 422)
        return _led(key, ASKED)

    @expose("/<key>/refacturer", methods=["POST"])
    def bill_again(self, key: str) -> Response:
        """Undo the whole invoice and have it billed anew."""
        invoice, reason = _invoice(key), request.form.get("reason", "")
        try:
            is_internal = acts.bill_again(invoice.id, reason, g.user.id)
        except Refusal as refusal:
            field = "why" if _is_no_reason(reason) else "t-refaire"
            return make_response(self._page(invoice, refusal.message, field), 422)
        sent = "" if is_internal else " Il est déposé à son tour : l’acheteur a la facture."
        return _led(key, f"{ASKED}{sent} Une nouvelle facture est alors mise en brouillon, à jour de ce qui a changé.")


def told(invoice: Invoice) -> dict[str, Any]:
    """Return what the page of an issued invoice shows, to agents and to its centre: content, credit notes, rows."""
    notes = reading.credits_of(invoice)
    is_invoice = invoice.kind == INVOICE
    return {
        "settled": settlement.one(invoice.id) if is_invoice else None,
        "payments": payments.payments_of(invoice),
        "invoice": invoice,
        "content": assembling.of_issued(invoice),
        "notes": notes,
        "left": reading.left_of(invoice, notes),
        "annex": reading.annex(invoice, number_of("annexe")),
        "way": watching.transports([invoice])[invoice.id],
        "answers": statuses.answers(invoice.id),
        "platform_notice": platforms.notice(),
    }


def _ticked() -> list[int]:
    """Return the charges chosen; what is no id names none."""
    texts = request.form.getlist("ligne")
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 10]


def _is_no_reason(text: str) -> bool:
    return not 0 < len(" ".join(text.split())) <= REASON_MAX


def _led(key: str, said: str) -> Response:
    flash(said, "success")
    return redirect(url_for("IssuedView.show", key=key))


def _invoice(key: str) -> Invoice:
    return reading.find(key) or abort(404, "Cette facture n’existe pas, ou n’est pas émise.")
