"""The headers of drafts, and the order in which whoever changes drafts takes its locks; the caller is the program.

First `alone`, for who makes or re-groups drafts; then rows that are billed, in the order of their ids; then drafts, by `hold`,
in the order of theirs. A cancellation takes a row, then its draft.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from sqlalchemy import ColumnElement, exists, select, text

from app.extensions import db
from app.models import Invoice, InvoiceItem
from app.models.billing.invoices import DRAFT, INVOICE
from app.services.core import clock
from app.services.core.dialect import be_the_writer, insert_new, on_postgresql

from . import lines, months

#: Names the lock of the drafts among the base's advisory locks.
_LOCK = 7_203
#: The drafts that bill; a credit note is drafted by its own room.
BILLS = (Invoice.state == DRAFT, Invoice.kind == INVOICE)


def alone() -> None:
    """Let one at a time make drafts, or re-group them. On SQLite whoever writes is alone."""
    be_the_writer(Invoice)
    if on_postgresql():
        db.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def hold(*conditions: ColumnElement[bool]) -> list[int]:
    """Lock the drafts that answer conditions about `Invoice`, in the order of their ids, and return those."""
    query = select(Invoice.id).where(*BILLS, *conditions).order_by(Invoice.id)
    return list(db.session.execute(query.with_for_update()).scalars())


def charging(item: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return, as SQL about `Invoice`, whether it holds a charge of which ``item`` is true."""
    return exists().where(InvoiceItem.invoice_id == Invoice.id, ~InvoiceItem.credit, item).correlate(Invoice)


def make(last: date, wanted: Iterable[tuple[int, str]]) -> None:
    """Make the drafts of centres and order numbers, for the month that ends on a day, that are not there yet: empty ones."""
    now = clock.now()
    insert_new(
        Invoice,
        [
            {
                "key": lines.new_key(),
                "centre_id": centre_id,
                "state": DRAFT,
                "period_start": months.first_of(last),
                "period_end": last,
                "order_number": order_number,
                "net": Decimal("0.00"),
                "vat": Decimal("0.00"),
                "total": Decimal("0.00"),
                "held_reason": "",
                "built_at": now,
            }
            for centre_id, order_number in sorted(wanted)
        ],
    )
