"""What a month of the journal that is open writes: invoices and credit notes issued, money allocated, allocations undone.

What was closed is known by the last numbers of its series, and by its lines: what comes later, on whatever day, is written to
the first month that is open. A month is read by its own days, never the whole of the tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import AccountingLine, AccountingPeriod, Allocation, AllocationVat, Invoice, InvoiceVat
from app.models.billing.accounting import Act
from app.models.billing.invoices import CREDIT_NOTE, INVOICE, ISSUED
from app.services.billing import months
from app.services.core.clock import PARIS

from .entries import Receipt, Sale, Standing, Vat

#: Invoices looked up at once.
STEP = 500


@dataclass(frozen=True, slots=True)
class Happened:
    """An act of a month: what it is about, when it was done, and the day on which it is written."""

    act: Act
    about: Sale | Receipt
    at: datetime
    #: That of the act itself.
    own_day: date
    #: That on which it is written: within its month.
    day: date

    @property
    def order(self) -> tuple[Any, ...]:
        """Return what acts are written in the order of."""
        return (self.day, self.at, self.act, self.about.id)


def last_closed() -> AccountingPeriod | None:
    """Return the last month that is closed; None while none is."""
    return db.session.scalars(select(AccountingPeriod).order_by(AccountingPeriod.month.desc()).limit(1)).first()


def first_issued() -> date | None:
    """Return the day of the very first invoice issued, None while there is none."""
    firsts = select(func.min(Invoice.issued_on)).where(Invoice.number == 1, Invoice.kind == INVOICE)
    return db.session.scalar(firsts)


def of_month(month: date, last: AccountingPeriod | None) -> list[Happened]:
    """Return what a month that is open writes, in its order; ``last``: the last month that is closed."""
    takes_late = last is not None and month == months.after(last.month)
    before = last if takes_late else None
    sales = [Happened(Act.ISSUED, sale, at, day, max(day, month)) for sale, at, day in _issued(month, before)]
    return sorted([*sales, *_moved(month, before)], key=lambda one: one.order)


def series_of(found: Iterable[Happened], last: AccountingPeriod | None) -> dict[str, int]:
    """Return series → the last number that is written once these acts are, too."""
    known = dict(last.series) if last is not None else {}
    ids = [one.about.id for one in found if one.act == Act.ISSUED]
    for some in _shares(ids):
        query = (
            select(Invoice.kind, Invoice.series_year, func.max(Invoice.number))
            .where(Invoice.id.in_(some))
            .group_by(Invoice.kind, Invoice.series_year)
        )
        for kind, year, number in db.session.execute(query).tuples():
            name = f"{kind} {year}"
            known[name] = max(known.get(name, 0), number or 0)
    return known


def standings(month: date, found: Sequence[Happened]) -> defaultdict[int, Standing]:
    """Return invoice → where its VAT stood before what a month writes, for those that a credit note or money is about."""
    own = {(one.act, one.about.id) for one in found}
    about = {one.about.about_id for one in found if isinstance(one.about, Sale) and not one.about.on_debits}
    about |= {sale.id for one in found if isinstance(one.about, Receipt) for sale, _ in one.about.parts}
    stood: defaultdict[int, Standing] = defaultdict(Standing)
    for some in _shares(sorted(about)):
        for about_id, id_, kind, taxed in _charged(some, months.last_of(month)):
            if (Act.ISSUED, id_) not in own:
                stood[about_id].charge([taxed], -1 if kind == CREDIT_NOTE else 1)
        for act, id_, about_id, rate, vat in _paid(some, months.after(month)):
            if (act, id_) not in own:
                stood[about_id].pay({rate: vat}, 1 if act == Act.PAID else -1)
    return stood


def _charged(ids: Sequence[int], until: date) -> Iterable[tuple[int, int, str, Vat]]:
    """Yield what invoices charged, and their credit notes gave back, up to a day: about which, by which, of which kind."""
    about = func.coalesce(Invoice.corrects_id, Invoice.id)
    query = (
        select(about, Invoice.id, Invoice.kind, InvoiceVat.rate, InvoiceVat.base, InvoiceVat.vat)
        .join(InvoiceVat, InvoiceVat.invoice_id == Invoice.id)
        .where(or_(Invoice.id.in_(ids), Invoice.corrects_id.in_(ids)), Invoice.state == ISSUED)
        .where(Invoice.issued_on <= until)
    )
    for about_id, id_, kind, rate, base, vat in db.session.execute(query).tuples():
        yield about_id, id_, kind, Vat(rate, base, vat)


def _paid(ids: Sequence[int], before: date) -> Iterable[tuple[Act, int, int, Decimal, Decimal]]:
    """Yield the VAT of what was allocated to invoices before a day, and of what was undone of it by then."""
    end, share = _midnight(before), AllocationVat
    query = (
        select(share.allocation_id, share.invoice_id, Allocation.undone_at, share.rate, share.vat)
        .join(Allocation, Allocation.id == share.allocation_id)
        .where(share.invoice_id.in_(ids), Allocation.at < end)
    )
    for id_, about_id, undone_at, rate, vat in db.session.execute(query).tuples():
        yield Act.PAID, id_, about_id, rate, vat
        if undone_at is not None and undone_at < end:
            yield Act.UNDONE, id_, about_id, rate, vat


def _shares(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[at : at + STEP] for at in range(0, len(ids), STEP))


def _issued(month: date, last: AccountingPeriod | None) -> list[tuple[Sale, datetime, date]]:
    """Return what was issued in a month, with when; ``last``: also what was issued before and is in no month closed by then."""
    until = months.last_of(month)
    wanted: list[ColumnElement[bool]] = [Invoice.state == ISSUED, Invoice.issued_on <= until]
    years = {month.year} if last is None else {month.year, last.month.year}
    if last is None:
        wanted.append(Invoice.issued_on >= month)
    series = dict(last.series) if last is not None else {}
    own = or_(
        *(
            and_(
                Invoice.kind == kind,
                Invoice.series_year == year,
                Invoice.number > series.get(f"{kind} {year}", 0),
            )
            for kind in (INVOICE, CREDIT_NOTE)
            for year in years
        )
    )
    return _sales(select(Invoice.id).where(*wanted, own))


def _moved(month: date, last: AccountingPeriod | None) -> list[Happened]:
    """Return what was allocated in a month to invoices whose VAT is due on receipts, and what was undone; ``last``: likewise
    of the last month closed, where that does not hold it."""
    acts = ((Act.PAID, Allocation.at), (Act.UNDONE, Allocation.undone_at))
    found = [
        (act, *row)
        for act, instant in acts
        for row in db.session.execute(_allocated(act, instant, month, last)).tuples()
    ]
    parts = _parts(sorted({id_ for _, id_, *_ in found}))
    moved = []
    for act, id_, invoice_id, paid_on, at in found:
        own = sorted(parts[id_].items(), key=lambda part: part[0] != invoice_id)
        receipt = Receipt(id_, paid_on, tuple(part for _, part in own if not part[0].on_debits))
        if receipt.parts:
            day = at.astimezone(PARIS).date()
            moved.append(Happened(act, receipt, at, day, max(day, month)))
    return moved


def _parts(ids: Sequence[int]) -> defaultdict[int, dict[int, tuple[Sale, dict[Decimal, Decimal]]]]:
    """Return allocation → invoice → it, and what VAT of the allocation is that invoice's, rate by rate."""
    share = AllocationVat
    rows = [
        row
        for some in _shares(ids)
        for row in db.session.execute(
            select(share.allocation_id, share.invoice_id, share.rate, share.vat).where(share.allocation_id.in_(some))
        ).tuples()
    ]
    sales: dict[int, Sale] = {}
    for some in _shares(sorted({invoice_id for _, invoice_id, *_ in rows})):
        sales |= {sale.id: sale for sale, *_ in _sales(select(Invoice.id).where(Invoice.id.in_(some)))}
    found: defaultdict[int, dict[int, tuple[Sale, dict[Decimal, Decimal]]]] = defaultdict(dict)
    for id_, invoice_id, rate, vat in rows:
        found[id_].setdefault(invoice_id, (sales[invoice_id], {}))[1][rate] = vat
    return found


def _allocated(act: Act, instant: Any, month: date, last: AccountingPeriod | None) -> Any:
    """Return the statement of the allocations made, or undone, in a month; ``last``: as :func:`_moved`."""
    query = select(Allocation.id, Allocation.invoice_id, Allocation.paid_on, instant)
    query = query.where(instant < _midnight(months.after(month)))
    if last is None:
        return query.where(instant >= _midnight(month))
    kept = exists().where(AccountingLine.act == act, AccountingLine.act_id == Allocation.id)
    own = or_(instant >= _midnight(month), ~kept)
    return query.where(instant >= _midnight(last.month), own)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), PARIS)


def _sales(ids: Select[int]) -> list[tuple[Sale, datetime, date]]:
    """Return issued invoices and credit notes, each with its VAT and when it was issued; two queries."""
    corrected = aliased(Invoice)
    query: Any = (
        select(
            Invoice.id,
            func.coalesce(Invoice.corrects_id, Invoice.id),
            Invoice.kind,
            Invoice.public_number,
            Invoice.total,
            Invoice.buyer_json,
            func.coalesce(corrected.seller_json, Invoice.seller_json),
            Invoice.issued_at,
            Invoice.issued_on,
        )
        .outerjoin(corrected, corrected.id == Invoice.corrects_id)
        .where(Invoice.id.in_(ids))
    )
    rows = db.session.execute(query).tuples().all()
    vats: defaultdict[int, list[Vat]] = defaultdict(list)  # read after them: what is issued meanwhile is left aside
    taxed = select(InvoiceVat.invoice_id, InvoiceVat.rate, InvoiceVat.base, InvoiceVat.vat)
    taxed = taxed.where(InvoiceVat.invoice_id.in_(ids)).order_by(InvoiceVat.invoice_id, InvoiceVat.rate.desc())
    for invoice_id, rate, base, vat in db.session.execute(taxed).tuples():
        vats[invoice_id].append(Vat(rate, base, vat))
    return [
        (
            Sale(id_, about_id, kind, number or "", total, *_party(buyer), _on_debits(seller), tuple(vats[id_])),
            at,
            day,
        )
        for id_, about_id, kind, number, total, buyer, seller, at, day in rows
    ]


def _party(buyer: dict[str, Any]) -> tuple[str, str]:
    return buyer["siren"], buyer["name"]


def _on_debits(seller: dict[str, Any]) -> bool:
    return bool(seller["vat_on_debits"])
