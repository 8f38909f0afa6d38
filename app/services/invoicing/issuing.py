"""Issuing: number, freeze, chain, and all that follows made due, in one short transaction an invoice.

What is issued is what was proved, byte for byte of its content: it is worked out again under the draft's lock.
"""

from __future__ import annotations

from sqlalchemy import select, update

from app.extensions import db
from app.models import Invoice, InvoiceVat
from app.models.billing.invoices import CREDIT_NOTE, DRAFT, INVOICE, ISSUED
from app.models.outbox import INVOICE_FILE
from app.services.billing import drafts
from app.services.core import actor, clock, outbox
from app.services.core.refusal import Refusal
from app.services.core.taking import changed, taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import webhook_events

from . import assembling, invoice_mail, numbering, proving
from .content import Content


class Held(Refusal):
    """The draft is held, has changed, was issued before, or is gone."""

    message = "Cette facture est retenue, a changé ou est déjà émise : rien n’a été fait."


def issue(invoice_id: int, by: proving.Judge | None, agent_id: int | None = None) -> str:
    """Prove a draft and issue it; return its number.

    Raises :class:`Held`, `proving.NotProved`, `assembling.Incomplete`, `numbering.Backwards`; then nothing is issued and no
    number is taken.
    """
    with actor.acting(actor.PROGRAM):
        proving.prove(invoice_id, by)
        with transaction(durable=True):
            number = _issue(invoice_id, agent_id)
    outbox.ring()
    return number


def _issue(invoice_id: int, agent_id: int | None) -> str:
    own = (Invoice.id == invoice_id, Invoice.state == DRAFT, Invoice.held_reason == "", Invoice.proved_hash != "")
    if not taken(update(Invoice).where(*own).values(findings="")):
        raise Held
    draft, day = db.session.get_one(Invoice, invoice_id, populate_existing=True), clock.today()
    if draft.corrects_id is not None:  # what is left to pay of it changes: who allocates a payment to it waits
        db.session.execute(select(Invoice.id).where(Invoice.id == draft.corrects_id).with_for_update())
    source = assembling.of_draft(draft, day)
    if numbering.hash_of(source.content) != draft.proved_hash:
        raise Held
    number = numbering.take(source.content.seller.siren, draft.kind, day)
    public = numbering.public(draft.kind, day.year, number)
    content = assembling.numbered(source.content, public)
    _freeze(draft, source, content, number, agent_id)
    _follow(invoice_id, content, agent_id)
    return public


def _freeze(draft: Invoice, source: assembling.Source, content: Content, number: int, agent_id: int | None) -> None:
    """Write all that the issued invoice holds; from here on the base keeps it."""
    for one in content.vats:
        own = (InvoiceVat.invoice_id == draft.id, InvoiceVat.category == one.category, InvoiceVat.rate == one.rate)
        changed(update(InvoiceVat).where(*own).values(mention=one.mention))
    seller, buyer = assembling.copies(content)
    year, hashed = content.issued_on.year, numbering.hash_of(content)
    before = numbering.hash_before(draft.kind, year, number)
    values = {
        "state": ISSUED,
        "series_year": year,
        "number": number,
        "public_number": content.number,
        "issued_on": content.issued_on,
        "due_on": content.due_on,
        "seller_id": source.seller_id,
        "contract_id": source.contract_id,
        "service_code": content.service_code,
        "seller_json": seller,
        "buyer_json": buyer,
        "content_hash": hashed,
        "chain_hash": numbering.chained(before, content.number, content.issued_on, content.due_on, hashed),
        "issued_by_id": agent_id,
        "issued_at": clock.now(),
    }
    if not taken(update(Invoice).where(Invoice.id == draft.id, Invoice.state == DRAFT).values(values)):
        raise Held


def _follow(invoice_id: int, content: Content, agent_id: int | None) -> None:
    """Make due what an issued invoice brings about; what a credit note gives back to be billed anew is drafted at once."""
    row = db.session.get_one(Invoice, invoice_id)
    about = {"number": content.number, "total": str(content.total), "issued_on": content.issued_on.isoformat()}
    act = "credit_note.issued" if row.kind == CREDIT_NOTE else "invoice.issued"
    journal.record(act, "invoice", row.id, actor_id=agent_id, centre_id=row.centre_id, after=about, reason=row.reason)
    outbox.add(INVOICE_FILE, [{"invoice": row.id}])
    webhook_events.issued(
        row.centre_id, content.number, row.kind, content.corrects.number if content.corrects else None
    )
    if row.kind == INVOICE or not row.internal:
        invoice_mail.make_due(row)
    if row.rebills:
        drafts.charge_again(row.centre_id, row.period_end)
