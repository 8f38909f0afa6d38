"""The lines behind a figure of the reconciliation, by pages: what explains a difference, one by one, and where each is seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, literal, or_, select, union_all

from app.extensions import db
from app.models import Invoice, InvoiceItem, Registration
from app.models.billing.invoices import DRAFT, INVOICE, ISSUED
from app.services.billing import billed, months
from app.services.billing.billed import Line, Ref
from app.services.core.narrowing import page_at

from . import buckets
from .buckets import KINDS, Bucket

PAGE = 50
#: Figures that are no reason, and have their lines as well: on other months' invoices, and other months' on this one's.
ELSEWHERE, LATE = "elsewhere", "late"
TITLES = {
    **{one.value: one.label for one in Bucket},
    ELSEWHERE: "Facturé avec un autre mois",
    LATE: "D’autres mois, facturé avec celui-ci",
}


@dataclass(frozen=True, slots=True)
class Behind:
    """A line behind a figure, and the invoice or draft on which it was charged last, if any."""

    line: Line
    invoice: Invoice | None

    @property
    def is_drafted(self) -> bool:
        """Tell whether that is a draft."""
        return self.invoice is not None and self.invoice.state == DRAFT


@dataclass(frozen=True, slots=True)
class Page:
    """A page of lines, and how many there are."""

    rows: list[Behind]
    total: int
    page: int
    page_count: int


def lines(month: date, centre_id: int, what: str, page: int) -> Page:
    """Return a page of the lines behind a figure of a centre's month (`TITLES`), the oldest first."""
    found = _found(month, centre_id, what).subquery().c
    total = db.session.scalar(select(func.count()).select_from(select(found.id).subquery())) or 0
    page, page_count = page_at(page, total, PAGE)
    query = select(found.kind, found.id).order_by(found.registered_on, found.kind, found.id)
    rows = db.session.execute(query.limit(PAGE).offset((page - 1) * PAGE)).tuples()
    refs = [Ref(kind, id_) for kind, id_ in rows]
    charged = _charged(refs)
    return Page([Behind(line, charged.get(line.ref)) for line in billed.of_refs(refs)], total, page, page_count)


def _found(month: date, centre_id: int, what: str) -> Any:
    if what not in (ELSEWHERE, LATE):
        c = buckets.all_rows(month, centre_id).c
        return select(c.kind, c.id, c.registered_on).where(c.bucket == what)
    last = months.last_of(month)
    return union_all(*(_apart(kind, month, last, centre_id, what) for kind in KINDS))


def _apart(kind: buckets.Kind, month: date, last: date, centre_id: int, what: str) -> Any:
    """Return the statement of the rows of a kind that one month registered and another one bills."""
    m, own_month = kind.model, kind.model.registered_on.between(month, last)
    apart = (own_month, Invoice.period_end != last) if what == ELSEWHERE else (~own_month, Invoice.period_end == last)
    return (
        select(literal("r" if kind is buckets.REGISTRATIONS else "t").label("kind"), m.id, m.registered_on)
        .join(InvoiceItem, kind.own(InvoiceItem))
        .join(Invoice, Invoice.id == InvoiceItem.invoice_id)
        .where(m.centre_id == centre_id, Invoice.state == ISSUED, Invoice.kind == INVOICE, *apart)
        .distinct()
    )


def _charged(refs: list[Ref]) -> dict[Ref, Invoice]:
    """Return line → the invoice, or draft, on which it, or its chain, was charged last; two queries."""
    ids = [ref.id for ref in refs if ref.kind == billed.REGISTRATION]
    roots = dict(
        db.session.execute(select(Registration.id, Registration.root_id).where(Registration.id.in_(ids))).tuples().all()
    )
    fees = [ref.id for ref in refs if ref.kind == billed.FEE]
    query = (
        select(InvoiceItem.root_id, InvoiceItem.trainer_id, Invoice)
        .join(Invoice, Invoice.id == InvoiceItem.invoice_id)
        .where(~InvoiceItem.credit, or_(InvoiceItem.root_id.in_(roots.values()), InvoiceItem.trainer_id.in_(fees)))
        .order_by(InvoiceItem.id)
    )
    by_root: dict[int | None, Invoice] = {}
    by_fee: dict[int | None, Invoice] = {}
    for root, fee, invoice in db.session.execute(query).tuples():
        by_root[root], by_fee[fee] = invoice, invoice
    found = {
        ref: by_root.get(roots.get(ref.id, 0)) if ref.kind == billed.REGISTRATION else by_fee.get(ref.id)
        for ref in refs
    }
    return {ref: invoice for ref, invoice in found.items() if invoice is not None}
