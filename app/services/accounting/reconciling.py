"""What a month registered, invoiced and was paid, centre by centre, each difference explained to the line.

Both ends of each step are summed from rows of their own; what their difference is explained by, from others. What is left
over is not explained, and shown in red: nothing hides in a rounding, since nothing is rounded here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, case, func, select, type_coerce, union_all

from app.extensions import db
from app.models import Centre, Invoice, InvoiceItem, Registration, Trainer
from app.models.billing.invoices import CREDIT_NOTE, INVOICE, ISSUED
from app.models.types import Money
from app.services.billing import months
from app.services.core import clock
from app.services.core.narrowing import page_at
from app.services.payments import settlement
from app.services.reference.amounts import ZERO

from . import buckets
from .buckets import KINDS, REASONS, Bucket

PAGE = 50


@dataclass
class Bridge:
    """From what was registered in a month to what is left to pay; amounts in euros, excluding VAT up to ``net``.

    ``charged``: on issued invoices, credit notes taken off, of what the month registered, whichever month they bill;
    ``elsewhere``: of it, on invoices of other months; ``late``: what other months registered on this month's invoices.
    """

    centre_id: int = 0
    name: str = ""
    lines: int = 0
    registered: Decimal = ZERO
    reasons: defaultdict[Bucket, list[Decimal]] = field(default_factory=lambda: defaultdict(lambda: [ZERO, ZERO]))
    charged: Decimal = ZERO
    elsewhere: Decimal = ZERO
    late: Decimal = ZERO
    net: Decimal = ZERO
    vat: Decimal = ZERO
    #: Including VAT: of the month's invoices less their credit notes.
    total: Decimal = ZERO
    paid: Decimal = ZERO
    #: Of credit notes, given to other invoices or refunded.
    moved: Decimal = ZERO
    left: Decimal = ZERO
    #: Of ``left``, past its day.
    overdue: Decimal = ZERO
    #: In the centre's favour, below zero.
    balance: Decimal = ZERO

    @property
    def explained(self) -> Decimal:
        """Return the difference between registered and charged that is explained."""
        return sum((amount for _, amount in self.reasons.values()), ZERO)

    @property
    def gaps(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Return what is not explained of each step: to what is charged, to the invoices, to their totals, to what is left."""
        return (
            self.registered - self.explained - self.charged,
            self.charged - self.elsewhere + self.late - self.net,
            self.net + self.vat - self.total,
            self.total - self.paid + self.moved - self.left - self.balance,
        )

    @property
    def gap(self) -> Decimal:
        """Return the sum of what is not explained, whatever its sense."""
        return sum((abs(one) for one in self.gaps), ZERO)

    @property
    def is_red(self) -> bool:
        """Tell whether something is not explained."""
        return any(self.gaps)

    def told(self) -> list[tuple[Bucket, int, Decimal]]:
        """Return why things are not charged: reason, how many, their amount."""
        return [(one, int(self.reasons[one][0]), self.reasons[one][1]) for one in REASONS if one in self.reasons]

    def add(self, other: Bridge) -> None:
        """Add another centre's figures."""
        for name in _SUMMED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for reason, (count, amount) in other.reasons.items():
            self.reasons[reason][0] += count
            self.reasons[reason][1] += amount


_SUMMED = (
    "lines",
    "registered",
    "charged",
    "elsewhere",
    "late",
    "net",
    "vat",
    "total",
    "paid",
    "moved",
    "left",
    "overdue",
    "balance",
)


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of centres, what all of them add up to, and how many are not explained."""

    total: Bridge
    rows: list[Bridge]
    red: int
    count: int
    page: int
    page_count: int


def listing(month: date, page: int) -> Listing:
    """Return a page of the centres that registered, or were billed for, a month: those not explained first, then by name."""
    found, whole = list(of_month(month).values()), Bridge()
    for one in found:
        whole.add(one)
    found.sort(key=lambda one: (not one.is_red, one.name, one.centre_id))
    page, page_count = page_at(page, len(found), PAGE)
    red = sum(1 for one in found if one.is_red)
    return Listing(whole, found[(page - 1) * PAGE : page * PAGE], red, len(found), page, page_count)


def of_centre(month: date, centre_id: int) -> Bridge:
    """Return the figures of one centre; zeros where it did nothing."""
    return of_month(month, centre_id).get(centre_id) or Bridge(centre_id, _names([centre_id]).get(centre_id, ""))


def of_month(month: date, centre_id: int | None = None) -> dict[int, Bridge]:
    """Return centre → its figures of a month, of one or of all; six questions, however many lines there are."""
    found: defaultdict[int, Bridge] = defaultdict(Bridge)
    for centre, bucket, count, amount in _registered(month, centre_id):
        bridge = found[centre]
        bridge.lines += count
        bridge.registered += amount
        if bucket != Bucket.INVOICED:
            kept = bridge.reasons[_BUCKETS[bucket]]
            kept[0] += count
            kept[1] += amount
    for name, rows in (("charged", _charged(month, centre_id)), ("late", _late(month, centre_id))):
        for centre, amount, apart in rows:
            setattr(found[centre], name, getattr(found[centre], name) + amount)
            found[centre].elsewhere += apart
    for centre, net, vat, total in _invoiced(month, centre_id):
        found[centre].net, found[centre].vat, found[centre].total = net, vat, total
    for centre, *figures in _settled(month, centre_id):
        one = found[centre]
        one.paid, one.moved, one.left, one.overdue, one.balance = (figure or ZERO for figure in figures)
    names = _names(found)
    for centre, bridge in found.items():
        bridge.centre_id, bridge.name = centre, names.get(centre, "")
    return dict(found)


_BUCKETS = {one.value: one for one in Bucket}


def _registered(month: date, centre_id: int | None) -> Iterable[Any]:
    """Yield centre, where lines stand, how many, their amount."""
    c = buckets.all_rows(month, centre_id).c
    amount = type_coerce(func.sum(c.amount), Money)
    query = select(c.centre_id, c.bucket, func.count(), amount).group_by(c.centre_id, c.bucket)
    return db.session.execute(query).tuples().all()


def _signed(column: Any, is_back: Any) -> ColumnElement[Decimal]:
    return type_coerce(func.sum(case((is_back, -column), else_=column)), Money)


def _charged(month: date, centre_id: int | None) -> Iterable[Any]:
    """Yield centre, what is charged of what a month registered, and what of it on other months' invoices."""
    parts = []
    for kind in KINDS:
        m, elsewhere = kind.model, Invoice.period_end != months.last_of(month)
        query: Any = (
            select(
                m.centre_id,
                _signed(InvoiceItem.amount, InvoiceItem.credit).label("amount"),
                _signed(case((elsewhere, InvoiceItem.amount), else_=0), InvoiceItem.credit).label("apart"),
            )
            .join(InvoiceItem, kind.own(InvoiceItem))
            .join(Invoice, Invoice.id == InvoiceItem.invoice_id)
            .where(m.registered_on >= month, m.registered_on <= months.last_of(month), Invoice.state == ISSUED)
            .group_by(m.centre_id)
        )
        parts.append(query if centre_id is None else query.where(m.centre_id == centre_id))
    return db.session.execute(union_all(*parts)).tuples().all()


def _late(month: date, centre_id: int | None) -> Iterable[Any]:
    """Yield centre, what a month's invoices charge of other months, and nothing.

    A charge keeps the day of the line that it was made for; the line that stands in for it on a draft has a day of its own.
    """
    amount = _signed(InvoiceItem.amount, InvoiceItem.credit)
    own_day = func.coalesce(Registration.registered_on, Trainer.registered_on)
    query = (
        _of_period(select(Invoice.centre_id, amount), month, centre_id)
        .join(InvoiceItem, InvoiceItem.invoice_id == Invoice.id)
        .outerjoin(Registration, Registration.id == InvoiceItem.registration_id)
        .outerjoin(Trainer, Trainer.id == InvoiceItem.trainer_id)
        .where(~own_day.between(month, months.last_of(month)))
        .group_by(Invoice.centre_id)
    )
    return [(centre, late, ZERO) for centre, late in db.session.execute(query).tuples()]


def _invoiced(month: date, centre_id: int | None) -> Iterable[Any]:
    """Yield centre, net, VAT and total of a month's invoices, credit notes taken off."""
    is_back = Invoice.kind == CREDIT_NOTE
    sums = [_signed(column, is_back) for column in (Invoice.net, Invoice.vat, Invoice.total)]
    query = _of_period(select(Invoice.centre_id, *sums), month, centre_id).group_by(Invoice.centre_id)
    return db.session.execute(query).tuples().all()


def _settled(month: date, centre_id: int | None) -> Iterable[Any]:
    """Yield centre, what is paid of a month's invoices, moved of their credit notes, left, overdue, and in its favour.

    Added up here: a statement that names a figure twice has the base work it out twice, invoice by invoice.
    """
    figures = (settlement.credited(), settlement.moved(), settlement.paid())
    query = _of_period(select(Invoice.centre_id, Invoice.due_on, Invoice.total, *figures), month, centre_id)
    sums: defaultdict[int, list[Decimal]] = defaultdict(lambda: [ZERO] * 5)
    today = clock.today()
    for centre, due_on, total, credited, moved, paid in db.session.execute(query.where(Invoice.kind == INVOICE)):
        due = total - credited + moved - paid
        late = due if due > 0 and due_on is not None and due_on < today else ZERO
        one = (paid, moved, max(due, ZERO), late, min(due, ZERO))
        sums[centre] = [so_far + more for so_far, more in zip(sums[centre], one, strict=True)]
    return [(centre, *found) for centre, found in sums.items()]


def _of_period(query: Any, month: date, centre_id: int | None) -> Any:
    query = query.where(Invoice.period_end == months.last_of(month), Invoice.state == ISSUED)
    return query if centre_id is None else query.where(Invoice.centre_id == centre_id)


def _names(ids: Iterable[int]) -> dict[int, str]:
    query = select(Centre.id, Centre.name).where(Centre.id.in_(list(ids)))
    return dict(db.session.execute(query).tuples().all())
