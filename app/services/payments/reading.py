"""Payments as screens show them: statements, entries to allocate, allocations of an entry or invoice, centres’ balances."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, literal, select
from sqlalchemy.orm import aliased, joinedload

from app.extensions import db
from app.models import Allocation, BankEntry, BankStatement, Centre, Invoice
from app.models.billing.invoices import CREDIT_NOTE, INVOICE, ISSUED
from app.models.types import BigMoney, Money
from app.services.core.narrowing import page_at

from . import balances

PAGE = 25
_NOTHING: ColumnElement[Decimal] = literal(Decimal("0.00"), BigMoney)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows, and how many there are."""

    rows: list[Any]
    total: int
    page: int
    page_count: int


def to_allocate(page: int) -> Page:
    """Return a page of the entries that nobody has allocated or set aside, the oldest first, with what is left of each."""
    query = select(BankEntry).where(*_to_allocate()).options(joinedload(BankEntry.centre)).order_by(BankEntry.booked_on)
    return _page(query.order_by(BankEntry.id), select(func.count()).select_from(BankEntry).where(*_to_allocate()), page)


def next_to_allocate(after: int) -> int | None:
    """Return the id of the next entry to allocate, None where none is left."""
    ids = select(BankEntry.id).where(*_to_allocate(), BankEntry.id != after)
    return db.session.scalar(ids.order_by(BankEntry.id < after, BankEntry.booked_on, BankEntry.id).limit(1))


def waiting() -> int:
    """Return how many entries wait for an agent."""
    return db.session.scalar(counting()) or 0


def counting() -> Select[Any]:
    """Return the query that counts the entries that wait for an agent."""
    return select(func.count()).select_from(BankEntry).where(*_to_allocate())


def _to_allocate() -> tuple[ColumnElement[bool], ...]:
    live = exists().where(Allocation.bank_entry_id == BankEntry.id, Allocation.undone_at.is_(None))
    return (BankEntry.aside_at.is_(None), ~live)


def statements(page: int) -> Page:
    """Return a page of statements, the last one first, with the person who brought each."""
    query = select(BankStatement).options(joinedload(BankStatement.imported_by))
    counting = select(func.count()).select_from(BankStatement)
    return _page(query.order_by(BankStatement.closed_on.desc(), BankStatement.id.desc()), counting, page)


def statement(statement_id: int) -> BankStatement | None:
    """Return a statement with the person who brought it."""
    own = select(BankStatement).where(BankStatement.id == statement_id)
    return db.session.scalars(own.options(joinedload(BankStatement.imported_by))).first()


def entries_of(statement_id: int, page: int) -> Page:
    """Return a page of the entries that a statement was the first to bring."""
    own = BankEntry.statement_id == statement_id
    query = select(BankEntry).where(own).order_by(BankEntry.id)
    return _page(query, select(func.count()).select_from(BankEntry).where(own), page)


def entry(entry_id: int) -> BankEntry | None:
    """Return an entry with its statement and centre."""
    wanted = select(BankEntry).where(BankEntry.id == entry_id)
    return db.session.scalars(wanted.options(joinedload(BankEntry.statement), joinedload(BankEntry.centre))).first()


def allocations_of(entry_id: int) -> list[Allocation]:
    """Return the allocations of an entry, undone ones as well, the first one first."""
    return _allocations(Allocation.bank_entry_id == entry_id)


def payments_of(invoice: Invoice, *, undone: bool = False) -> list[Allocation]:
    """Return what was allocated to an invoice, or taken from a credit note, the first one first; ``undone``: also what was."""
    own = Allocation.invoice_id == invoice.id if invoice.kind == INVOICE else Allocation.credit_note_id == invoice.id
    return _allocations(own, *(() if undone else (Allocation.undone_at.is_(None),)))


def _allocations(*wanted: ColumnElement[bool]) -> list[Allocation]:
    query = (
        select(Allocation)
        .where(*wanted)
        .options(
            joinedload(Allocation.invoice),
            joinedload(Allocation.credit_note),
            joinedload(Allocation.by),
            joinedload(Allocation.undone_by),
        )
        .order_by(Allocation.id)
    )
    return list(db.session.execute(query).scalars())


def returnable(entry: BankEntry) -> list[Allocation]:
    """Return live allocations that a debit may take back: of the same other side, or of the same amount, the newest first."""
    paid, back = aliased(BankEntry), aliased(Allocation)
    same = paid.amount == -entry.amount
    if entry.debtor_iban:
        same = same | (paid.debtor_iban == entry.debtor_iban)
    returned = exists().where(back.returns_id == Allocation.id, back.undone_at.is_(None))
    query = (
        select(Allocation)
        .join(paid, paid.id == Allocation.bank_entry_id)
        .where(Allocation.undone_at.is_(None), Allocation.amount > literal(Decimal("0.00"), Money))
        .where(Allocation.invoice_id.is_not(None), ~returned, same)
        .options(joinedload(Allocation.invoice).joinedload(Invoice.centre), joinedload(Allocation.entry))
        .order_by(Allocation.id.desc())
        .limit(PAGE)
    )
    return list(db.session.execute(query).scalars())


def centre_balances(page: int) -> Page:
    """Return a page of the centres that have a balance in their favour, the greatest first: centre, amount."""
    found = balances.sums().subquery()
    query = select(Centre, found.c.amount).join(found, found.c.centre_id == Centre.id).where(found.c.amount != _NOTHING)
    total = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    page, page_count = page_at(page, total, PAGE)
    rows = db.session.execute(query.order_by(found.c.amount.desc(), Centre.id).limit(PAGE).offset((page - 1) * PAGE))
    return Page(list(rows.tuples()), total, page, page_count)


def numbered(number: str) -> Invoice | None:
    """Return an issued invoice by its number, as an agent types it: case, blanks and the hyphen forgiven."""
    bare = "".join(c for c in number.upper() if c.isalnum())
    public = f"{bare[:5]}-{bare[5:]}"
    return db.session.scalars(
        select(Invoice).where(Invoice.public_number == public, Invoice.kind == INVOICE, Invoice.state == ISSUED)
    ).first()


def note(key: str) -> Invoice | None:
    """Return an issued credit note by its key."""
    own = (Invoice.key == key, Invoice.kind == CREDIT_NOTE, Invoice.state == ISSUED)
    return db.session.scalars(select(Invoice).where(*own)).first()


def left_of_note(note_id: int) -> Decimal:
    """Return what a credit note has left in its centre's favour."""
    return db.session.scalar(select(balances.left_of_note()).where(Invoice.id == note_id)) or Decimal("0.00")


def _page(query: Select[Any], counting: Select[Any], page: int) -> Page:
    total = db.session.scalar(counting) or 0
    page, page_count = page_at(page, total, PAGE)
    return Page(
        list(db.session.execute(query.limit(PAGE).offset((page - 1) * PAGE)).scalars()), total, page, page_count
    )
