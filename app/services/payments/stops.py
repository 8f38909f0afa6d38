"""Which invoices are to be paid, and of which nobody is to be reminded."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ColumnElement, exists, literal, or_, select
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import CorrectionRequest, DunningPause, Invoice, InvoiceItem, Registration, TrainerCancellation
from app.models.amendment import OPEN
from app.models.billing.invoices import CREDIT_NOTE, DRAFT, INVOICE, ISSUED
from app.models.types import Money
from app.services.deposits import statuses

from . import settlement
from .settlement import ZERO


def open_() -> tuple[ColumnElement[bool], ...]:
    """Return, as SQL on `Invoice`, that it is issued and something is left to pay."""
    return (Invoice.kind == INVOICE, Invoice.state == ISSUED, settlement.due() > literal(ZERO, Money))


def stopped(today: date) -> ColumnElement[bool]:
    """Return, as SQL on `Invoice`, whether nobody is to be reminded of it: the buyer's word, a correction asked for, a credit
    note about to be issued, or an agent's pause.
    """
    i, r, note = InvoiceItem, Registration, aliased(Invoice)
    of_invoice = (i.invoice_id == Invoice.id, ~i.credit)
    asked = exists().where(
        *of_invoice, i.root_id == r.root_id, CorrectionRequest.registration_id == r.id, CorrectionRequest.state == OPEN
    )
    of_right = exists().where(
        *of_invoice, TrainerCancellation.trainer_id == i.trainer_id, TrainerCancellation.state == OPEN
    )
    credit = exists().where(note.corrects_id == Invoice.id, note.kind == CREDIT_NOTE, note.state == DRAFT)
    paused = exists().where(DunningPause.invoice_id == Invoice.id, DunningPause.until >= today)
    each = (asked.correlate(Invoice), of_right.correlate(Invoice), credit.correlate(Invoice), paused.correlate(Invoice))
    return or_(statuses.stops_dunning(Invoice.id), *each)


def is_stopped(invoice_id: int, today: date) -> bool:
    """Tell whether nobody is to be reminded of an invoice."""
    return bool(db.session.scalar(select(Invoice.id).where(Invoice.id == invoice_id, stopped(today))))
