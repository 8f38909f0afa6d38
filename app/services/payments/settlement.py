"""Whether an invoice is paid: worked out from its credit notes and live allocations, never kept as a column.

What is left to pay = total − issued credit notes + what of these was given elsewhere − live allocations. Below zero the invoice
was paid before it was credited: a balance in the centre's favour, until an agent allocates it or notes a refund.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, select, type_coerce
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import Allocation, Invoice
from app.models.billing.invoices import INVOICE, ISSUED
from app.models.types import Labelled, Money
from app.services.core import clock

ZERO = Decimal("0.00")


class State(Labelled):
    """The settlement of an issued invoice, apart from its legal state and from where the platform has it."""

    OPEN = "open", "À régler"
    PARTLY_PAID = "partly_paid", "Réglée en partie"
    PAID = "paid", "Payée"
    OVERDUE = "overdue", "En retard"
    CREDITED = "credited", "Annulée par avoir"
    OVERPAID = "overpaid", "Trop-perçu"


_STATES = {one.value: one for one in State}


@dataclass(frozen=True, slots=True)
class Settlement:
    """How far an issued invoice is settled; amounts in euros, VAT included."""

    total: Decimal
    #: Given back by issued credit notes.
    credited: Decimal
    #: Of which allocated to another invoice, or refunded.
    moved: Decimal
    #: Live allocations, returned transfers taken off.
    paid: Decimal
    #: Left to pay; below zero a balance in the centre's favour.
    due: Decimal
    state: State


def credited(invoice: Any = Invoice) -> ColumnElement[Decimal]:
    """Return, as SQL on `Invoice` (or an alias of it), what its issued credit notes give back."""
    note = aliased(Invoice)
    return _sum_of(select(func.sum(note.total)).where(note.corrects_id == invoice.id, note.state == ISSUED), invoice)


def moved(invoice: Any = Invoice) -> ColumnElement[Decimal]:
    """Return, as SQL on `Invoice` (or an alias of it), what of its credit notes is allocated to other invoices or refunded."""
    note = aliased(Invoice)
    return _sum_of(
        select(func.sum(Allocation.amount))
        .join(note, note.id == Allocation.credit_note_id)
        .where(note.corrects_id == invoice.id, Allocation.undone_at.is_(None)),
        invoice,
    )


def paid(invoice: Any = Invoice) -> ColumnElement[Decimal]:
    """Return, as SQL on `Invoice` (or an alias of it), what live allocations pay of it."""
    return _sum_of(
        select(func.sum(Allocation.amount)).where(Allocation.invoice_id == invoice.id, Allocation.undone_at.is_(None)),
        invoice,
    )


def due(invoice: Any = Invoice) -> ColumnElement[Decimal]:
    """Return, as SQL on `Invoice` (or an alias of it), what is left to pay of an issued invoice."""
    return type_coerce(invoice.total - credited(invoice) + moved(invoice) - paid(invoice), Money)


def state_of(today: date, left: ColumnElement[Decimal], received: ColumnElement[Decimal]) -> ColumnElement[str]:
    """Return, as SQL on `Invoice`, the state of an issued invoice from what is left and what was paid."""
    nothing = literal(Decimal("0.00"), Money)
    return case(
        (left < nothing, State.OVERPAID.value),
        (and_(left == nothing, received == nothing, Invoice.total > nothing), State.CREDITED.value),
        (left == nothing, State.PAID.value),
        (Invoice.due_on < today, State.OVERDUE.value),
        (received > nothing, State.PARTLY_PAID.value),
        else_=State.OPEN.value,
    )


def figures(today: date | None = None) -> Select[int, Decimal, Decimal, Decimal, Decimal, Decimal, str]:
    """Return the query of issued invoices with their figures: id, total, credited, moved, paid, due, state.

    The caller narrows it: an invoice, a page, a centre, a month, or all. Each figure is one look into an index.
    """
    given, away, received = credited(), moved(), paid()
    left: ColumnElement[Decimal] = type_coerce(Invoice.total - given + away - received, Money)
    columns = (given.label("credited"), away.label("moved"), received.label("paid"), left.label("due"))
    state = state_of(today or clock.today(), left, received).label("state")
    return select(Invoice.id, Invoice.total, *columns, state).where(Invoice.kind == INVOICE, Invoice.state == ISSUED)


def of(invoice_ids: Iterable[int], today: date | None = None) -> dict[int, Settlement]:
    """Return id → settlement of issued invoices, in one question; credit notes and drafts have none."""
    ids = list(invoice_ids)
    if not ids:
        return {}
    rows = db.session.execute(figures(today).where(Invoice.id.in_(ids)))
    return {
        id_: Settlement(total, given, away, received, left, _STATES[state])
        for id_, total, given, away, received, left, state in rows
    }


def one(invoice_id: int, today: date | None = None) -> Settlement:
    """Return the settlement of an issued invoice; raise ``KeyError`` for anything else."""
    return of([invoice_id], today)[invoice_id]


def is_in(state: State, today: date | None = None) -> ColumnElement[bool]:
    """Return, as SQL on `Invoice`, whether an issued invoice is in a state, to narrow a list."""
    return and_(Invoice.kind == INVOICE, state_of(today or clock.today(), due(), paid()) == state.value)


def _sum_of(query: Select[Decimal], invoice: Any) -> ColumnElement[Decimal]:
    none: ColumnElement[Decimal] = literal(Decimal("0.00"), Money)
    return type_coerce(func.coalesce(query.correlate(invoice).scalar_subquery(), none), Money)
