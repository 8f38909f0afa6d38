"""What of a payment falls to each VAT rate of its invoice: parts of one that is paid in full add up to its VAT, to the cent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import func, insert, select

from app.extensions import db
from app.models import Allocation, AllocationVat, Invoice, InvoiceVat
from app.models.billing.invoices import ISSUED
from app.models.types import CENT
from app.services.deposits import payments_told

ZERO = Decimal("0.00")
#: Rate in per cent → amount VAT included, and the VAT in it, in euros.
Shares = dict[Decimal, tuple[Decimal, Decimal]]


def split(left: Mapping[Decimal, tuple[Decimal, Decimal]], amount: Decimal) -> Shares:
    """Return what of an amount falls to each rate, in proportion to what is left at each; the whole takes exactly that."""
    if amount == sum((gross for gross, _ in left.values()), ZERO):
        return {rate: one for rate, one in left.items() if one[0] or one[1]}
    open_ = {rate: one for rate, one in left.items() if one[0] > 0}
    whole, found, given, before = sum((gross for gross, _ in open_.values()), ZERO), {}, ZERO, ZERO
    for rate in sorted(open_, reverse=True):
        gross, vat = open_[rate]
        before += gross
        part = _half_up(amount * before / whole) - given
        given += part
        if part:
            found[rate] = (part, _half_up(part * vat / gross))
    return found


def left_of(invoice_id: int) -> Shares:
    """Return what is left to receive at each rate of an issued invoice: billed − credited − received."""
    left: defaultdict[Decimal, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    billed = (
        select(Invoice.id, InvoiceVat.rate, func.sum(InvoiceVat.base), func.sum(InvoiceVat.vat))
        .join(Invoice, Invoice.id == InvoiceVat.invoice_id)
        .where((Invoice.id == invoice_id) | (Invoice.corrects_id == invoice_id), Invoice.state == ISSUED)
        .group_by(Invoice.id, InvoiceVat.rate)
    )
    for id_, rate, base, vat in db.session.execute(billed):
        sign = 1 if id_ == invoice_id else -1
        left[rate][0] += sign * (base + vat)
        left[rate][1] += sign * vat
    received = (
        select(AllocationVat.rate, func.sum(AllocationVat.amount), func.sum(AllocationVat.vat))
        .join(Allocation, Allocation.id == AllocationVat.allocation_id)
        .where(AllocationVat.invoice_id == invoice_id, Allocation.undone_at.is_(None))
        .group_by(AllocationVat.rate)
    )
    for rate, gross, vat in db.session.execute(received):
        left[rate][0] -= gross
        left[rate][1] -= vat
    return {rate: (gross, vat) for rate, (gross, vat) in left.items()}


def of_note(note_id: int) -> Shares:
    """Return what a credit note gives back at each rate."""
    query = select(InvoiceVat.rate, func.sum(InvoiceVat.base), func.sum(InvoiceVat.vat)).where(
        InvoiceVat.invoice_id == note_id
    )
    return {rate: (base + vat, vat) for rate, base, vat in db.session.execute(query.group_by(InvoiceVat.rate))}


def left_of_allocation(allocation_id: int, invoice_id: int) -> Shares:
    """Return what an allocation gave its invoice at each rate and no returned transfer has taken back."""
    own = (Allocation.id == allocation_id) | (Allocation.returns_id == allocation_id)
    query = (
        select(AllocationVat.rate, func.sum(AllocationVat.amount), func.sum(AllocationVat.vat))
        .join(Allocation, Allocation.id == AllocationVat.allocation_id)
        .where(own, AllocationVat.invoice_id == invoice_id, Allocation.undone_at.is_(None))
        .group_by(AllocationVat.rate)
    )
    return {rate: (gross, vat) for rate, gross, vat in db.session.execute(query)}


def of_allocation(allocation_id: int) -> dict[int, Shares]:
    """Return invoice id → what an allocation changes of it at each rate."""
    found: defaultdict[int, Shares] = defaultdict(dict)
    query = select(AllocationVat).where(AllocationVat.allocation_id == allocation_id)
    for one in db.session.execute(query).scalars():
        found[one.invoice_id][one.rate] = (one.amount, one.vat)
    return dict(found)


def minus(shares: Shares) -> Shares:
    """Return the same, below zero."""
    return {rate: (-gross, -vat) for rate, (gross, vat) in shares.items()}


def write(allocation: Allocation, by_invoice: Mapping[int, Shares]) -> None:
    """Keep what an allocation changes of each invoice, and make due that the platform is told; in the caller's transaction."""
    rows = [
        {"allocation_id": allocation.id, "invoice_id": invoice_id, "rate": rate, "amount": gross, "vat": vat}
        for invoice_id, shares in by_invoice.items()
        for rate, (gross, vat) in shares.items()
    ]
    if rows:
        db.session.execute(insert(AllocationVat), rows)
    tell(allocation, by_invoice)


def tell(allocation: Allocation, by_invoice: Mapping[int, Shares]) -> None:
    """Make due that the platform is told (status 212) what was received of each invoice, or below zero what is no more."""
    for invoice_id, shares in by_invoice.items():
        told = [(int(rate * 100), int(gross * 100)) for rate, (gross, _) in sorted(shares.items()) if gross]
        if told:
            payments_told.tell(invoice_id, allocation.paid_on, told)


def _half_up(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
