"""Invoices as screens show them: lists by pages, one with its credit notes, the annex by receipt, how far a month has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import contains_eager, joinedload

from app.extensions import db
from app.models import Batch, Centre, Invoice, InvoiceItem, OrderOverride, Registration, Trainer
from app.models.billing.invoices import CREDIT_NOTE, DRAFT, INVOICE, ISSUED
from app.services.billing import billable
from app.services.core.narrowing import page_at

from . import credit_notes

PAGE = 50


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows, and how many there are."""

    rows: list[Any]
    total: int
    page: int
    page_count: int


def issued(
    page: int, *, centre_id: int | None = None, last: date | None = None, order: str = "", only: Sequence[Any] = ()
) -> Page:
    """Return a page of issued invoices and credit notes, the newest first: of a centre, of the month that ends on a day, of an
    order number, of which something more holds (``only``, as SQL), or of all."""
    wanted: list[ColumnElement[bool]] = [Invoice.state == ISSUED, *only]
    if centre_id is not None:
        wanted.append(Invoice.centre_id == centre_id)
    if last is not None:
        wanted.append(Invoice.period_end == last)
    if order:
        wanted.append(Invoice.order_number == order)
    query = (
        select(Invoice)
        .join(Invoice.centre)
        .options(contains_eager(Invoice.centre), joinedload(Invoice.corrects))
        .where(*wanted)
        .order_by(Invoice.issued_on.desc(), Invoice.id.desc())
    )
    return _page(query, select(func.count()).select_from(Invoice).where(*wanted), page)


def find(key: str, centre_id: int | None = None) -> Invoice | None:
    """Return an issued invoice, or credit note, by its key: of a centre or of any."""
    query = select(Invoice).where(Invoice.key == key, Invoice.state == ISSUED)
    if centre_id is not None:
        query = query.where(Invoice.centre_id == centre_id)
    return db.session.execute(query).scalar_one_or_none()


def credits_of(invoice: Invoice) -> list[Invoice]:
    """Return the credit notes of an invoice, issued or waiting, the first one first."""
    query = select(Invoice).where(Invoice.corrects_id == invoice.id).order_by(Invoice.id)
    return list(db.session.execute(query).scalars())


def left_of(invoice: Invoice, notes: list[Invoice]) -> Decimal:
    """Return what its issued credit notes leave of an invoice, VAT included."""
    return invoice.total - sum((one.total for one in notes if one.state == ISSUED), Decimal("0.00"))


@dataclass(frozen=True, slots=True)
class Receipt:
    """A row of the annex: what was registered together, without a name."""

    number: str
    registered_on: date
    label: str
    end_date: date | None
    reference: str
    count: int
    amount: Decimal


def annex(invoice: Invoice, page: int) -> Page:
    """Return a page of what an invoice charges, or gives back, by receipt."""
    i, r, t = InvoiceItem, Registration, Trainer
    number = func.coalesce(Batch.receipt_number, t.receipt_number)
    own = func.coalesce(OrderOverride.reference, r.reference, t.reference)
    keys: list[Any] = [number, i.registered_on, i.training_id, r.end_date, own, i.amount]
    columns: list[Any] = [*keys, func.count()]
    grouped: Select[Any] = (
        select(*columns)
        .select_from(i)
        .outerjoin(r, r.id == i.registration_id)
        .outerjoin(Batch, Batch.id == r.batch_id)
        .outerjoin(t, t.id == i.trainer_id)
        .outerjoin(OrderOverride, billable.overrides())
        .where(i.invoice_id == invoice.id)
        .group_by(*keys)
    )
    total = db.session.scalar(select(func.count()).select_from(grouped.subquery())) or 0
    page, page_count = page_at(page, total, PAGE)
    known = billable.labels()
    rows = db.session.execute(
        grouped.order_by(i.registered_on, keys[0], i.training_id).limit(PAGE).offset((page - 1) * PAGE)
    )
    found = [
        Receipt(receipt or "", day, known[training], end, reference or "", count, price * count)
        for receipt, day, training, end, reference, price, count in rows
    ]
    return Page(found, total, page, page_count)


def charges(invoice: Invoice, page: int) -> Page:
    """Return a page of the charges of an invoice that are not given back, with who was registered, for an agent to choose."""
    wanted = (InvoiceItem.invoice_id == invoice.id, ~InvoiceItem.credit, ~credit_notes.given_back())
    query = (
        select(InvoiceItem)
        .options(joinedload(InvoiceItem.registration).joinedload(Registration.batch))
        .where(*wanted)
        .order_by(InvoiceItem.id)
    )
    return _page(query, select(func.count()).select_from(InvoiceItem).where(*wanted), page)


@dataclass(frozen=True, slots=True)
class Month:
    """How far a month has come: drafts proved and refused by the proof, what is issued (how many, excluding VAT, first and last
    number), credit notes that wait."""

    proved: int
    refused: int
    issued: int
    net: Decimal
    first: str
    last: str
    waiting: int


def month(last: date) -> Month:
    """Return how far the month that ends on a day has come."""
    own = (Invoice.period_end == last, Invoice.kind == INVOICE)
    of_drafts = (*own, Invoice.state == DRAFT)
    proved = _count(*of_drafts, Invoice.proved_hash != "", Invoice.held_reason == "")
    refused = _count(*of_drafts, Invoice.findings != "")
    query = select(
        func.count(), func.sum(Invoice.net), func.min(Invoice.public_number), func.max(Invoice.public_number)
    )
    count, net, first, final = db.session.execute(query.where(*own, Invoice.state == ISSUED)).one()
    waiting = _count(Invoice.period_end == last, Invoice.kind == CREDIT_NOTE, Invoice.state == DRAFT)
    return Month(proved, refused, count, net or Decimal("0.00"), first or "", final or "", waiting)


def refused(last: date) -> list[Invoice]:
    """Return drafts of a month, credit notes included, that the proof has refused: the first of them."""
    query = (
        select(Invoice)
        .join(Centre, Centre.id == Invoice.centre_id)
        .options(contains_eager(Invoice.centre))
        .where(Invoice.period_end == last, Invoice.state == DRAFT, Invoice.findings != "")
        .order_by(Centre.name, Invoice.order_number)
        .limit(PAGE)
    )
    return list(db.session.execute(query).scalars())


def _count(*wanted: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count()).select_from(Invoice).where(*wanted)) or 0


def _page(query: Select[Any], counting: Select[Any], page: int) -> Page:
    total = db.session.scalar(counting) or 0
    page, page_count = page_at(page, total, PAGE)
    rows = list(db.session.execute(query.limit(PAGE).offset((page - 1) * PAGE)).scalars())
    return Page(rows, total, page, page_count)
