"""Balances in a centre's favour: what came in and is for no invoice, what was paid and credited since. Never netted silently:
an agent allocates one to an invoice, or notes that it was refunded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, literal, select, type_coerce
from sqlalchemy.orm import aliased, joinedload

from app.extensions import db
from app.models import Allocation, BankEntry, Invoice
from app.models.billing.invoices import CREDIT_NOTE, INVOICE, ISSUED
from app.models.types import BigMoney, Money
from app.services.core import actor, clock, outbox
from app.services.core import reason as reasons
from app.services.core.narrowing import page_at
from app.services.core.numbers import euros
from app.services.core.transaction import transaction

from . import allocating, settlement, shares
from .allocating import Moved, Part, TooMuch

ZERO = Decimal("0.00")
OPEN_SHOWN = 10
PAGE = 25


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left of a bank entry or of a credit note; an entry that went out counts below zero."""

    amount: Decimal
    entry: BankEntry | None = None
    note: Invoice | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of balances, and how many there are."""

    rows: list[Balance]
    total: int
    page: int
    page_count: int


def of_centre(centre_id: int, page: int = 1) -> Listing:
    """Return a page of the balances of a centre, the oldest first: credit notes of what was paid, then entries with
    something left.
    """
    of_notes = (Invoice.centre_id == centre_id, *_notes_with_something())
    of_entries = (BankEntry.centre_id == centre_id, *_entries_with_something())
    note_count = db.session.scalar(select(func.count()).select_from(Invoice).where(*of_notes)) or 0
    total = note_count + (db.session.scalar(select(func.count()).select_from(BankEntry).where(*of_entries)) or 0)
    page, page_count = page_at(page, total, PAGE)
    first = (page - 1) * PAGE
    notes = select(Invoice, left_of_note()).where(*of_notes).options(joinedload(Invoice.corrects)).order_by(Invoice.id)
    rows = [Balance(left, note=one) for one, left in db.session.execute(notes.limit(PAGE).offset(first)).tuples()]
    entries = select(BankEntry, left_of_entry()).where(*of_entries).order_by(BankEntry.id)
    rest = entries.limit(PAGE - len(rows)).offset(max(0, first - note_count))
    rows += [Balance(left, entry=one) for one, left in db.session.execute(rest).tuples()]
    return Listing(rows, total, page, page_count)


def open_of_centre(centre_id: int) -> list[tuple[Invoice, Decimal]]:
    """Return the first invoices of a centre that are to be paid, with what each owes, the first to fall due first."""
    left, none = settlement.due(), literal(ZERO, Money)
    own = (Invoice.centre_id == centre_id, Invoice.kind == INVOICE, Invoice.state == ISSUED, left > none)
    query = select(Invoice, left).where(*own).order_by(Invoice.due_on, Invoice.id).limit(OPEN_SHOWN)
    return list(db.session.execute(query).tuples())


def sums() -> Select[Any]:
    """Return the query of the centres that have a balance: centre id, amount; below zero where the bank took more back."""
    notes = select(Invoice.centre_id, left_of_note().label("left")).where(*_notes_with_something())
    entries = select(BankEntry.centre_id, left_of_entry().label("left")).where(*_entries_with_something())
    both = notes.union_all(entries).subquery()
    amount = type_coerce(func.sum(both.c.left), BigMoney)
    return select(both.c.centre_id, amount.label("amount")).group_by(both.c.centre_id)


def left_of_entry() -> ColumnElement[Decimal]:
    """Return, as SQL on `BankEntry`, what nobody has allocated or refunded of it: of its sign, zero once all is."""
    spent = select(func.sum(Allocation.amount)).where(
        Allocation.bank_entry_id == BankEntry.id, Allocation.undone_at.is_(None)
    )
    none: ColumnElement[Decimal] = literal(ZERO, BigMoney)
    return type_coerce(BankEntry.amount - func.coalesce(spent.correlate(BankEntry).scalar_subquery(), none), BigMoney)


def left_of_note() -> ColumnElement[Decimal]:
    """Return, as SQL on `Invoice` as a credit note, what its centre has in its favour: what is left of it, no more than was
    paid too much of the invoice that it credits. Where several credit one invoice, the first ones are used up last.
    """
    none: ColumnElement[Decimal] = literal(ZERO, Money)
    corrected, later = aliased(Invoice), aliased(Invoice)
    due = select(settlement.due(corrected)).where(corrected.id == Invoice.corrects_id).correlate(Invoice)
    own = Invoice.total - _spent(Invoice).correlate(Invoice).scalar_subquery()
    after = (
        select(func.coalesce(func.sum(later.total - _spent(later).correlate(later).scalar_subquery()), none))
        .where(later.corrects_id == Invoice.corrects_id, later.state == ISSUED, later.id > Invoice.id)
        .correlate(Invoice)
        .scalar_subquery()
    )
    over = -due.scalar_subquery() - after
    return type_coerce(case((over < none, none), (own < over, own), else_=over), Money)


def _spent(note: Any) -> Select[Any]:
    none: ColumnElement[Decimal] = literal(ZERO, Money)
    return select(func.coalesce(func.sum(Allocation.amount), none)).where(
        Allocation.credit_note_id == note.id, Allocation.undone_at.is_(None)
    )


def allocate(note_id: int, parts: list[Part], agent_id: int) -> list[int]:
    """Allocate what a credit note leaves in the centre's favour to other invoices of that centre; return the ids.

    Raises `allocating.TooMuch` or `allocating.Moved`.
    """
    with transaction(durable=True), actor.acting(actor.PROGRAM):
        note, left = _hold(note_id, [part.invoice_id for part in parts])
        asked = sum((part.amount for part in parts), ZERO)
        if not parts or any(part.amount <= 0 or part.invoice_id == note.corrects_id for part in parts):
            raise Moved
        if asked > left:
            raise TooMuch(f"Il reste {euros(left)} de cet avoir : {euros(asked)} ne peuvent être affectés.")
        made = []
        for part in parts:
            if db.session.scalar(select(Invoice.centre_id).where(Invoice.id == part.invoice_id)) != note.centre_id:
                raise Moved("Cette facture est celle d’un autre centre : rien n’a été fait.")
            allocating.owed(part)
            row = Allocation(invoice_id=part.invoice_id, amount=part.amount, paid_on=clock.today())
            made.append(_write(row, note, agent_id))
    outbox.ring()
    return made


def refund(
    amount: Decimal, day: date, why: str, agent_id: int, *, entry_id: int | None = None, note_id: int | None = None
) -> int:
    """Note that so much of a balance was refunded on a day; return the allocation's id. Nothing is paid by this.

    Raises `reason.ReasonNeeded`, `allocating.TooMuch` or `allocating.Moved`.
    """
    kept = reasons.reason(why, "Dites comment ce remboursement a été fait : virement, date, référence.")
    if day > clock.today():
        raise Moved("Un remboursement se note une fois fait : cette date est à venir.")
    with transaction(durable=True), actor.acting(actor.PROGRAM):
        row = Allocation(amount=amount, paid_on=day, reason=kept)
        if note_id is not None:
            note, left = _hold(note_id, [])
            _refuse_more(amount, left)
            made = _write(row, note, agent_id)
        else:
            entry = allocating.hold_entry(entry_id or 0)
            if entry.aside_at is not None:
                raise Moved
            _refuse_more(amount, allocating.left_of_entry(entry))
            row.bank_entry_id, row.by_id, row.at = entry.id, agent_id, clock.now()
            db.session.add(row)
            db.session.flush()
            allocating.note("payment.refunded", row, agent_id)
            made = row.id
    outbox.ring()
    return made


def _refuse_more(amount: Decimal, left: Decimal) -> None:
    if not ZERO < amount <= left:
        raise TooMuch(f"Il reste {euros(max(left, ZERO))} à rembourser : {euros(amount)} ne peuvent être notés.")


def _hold(note_id: int, invoice_ids: list[int]) -> tuple[Invoice, Decimal]:
    """Return an issued credit note and what it has left, its invoice and these held; raise `allocating.Moved` for none."""
    note = db.session.get(Invoice, note_id)
    if note is None or note.kind != CREDIT_NOTE or note.state != ISSUED or note.corrects_id is None:
        raise Moved
    allocating.hold_invoices({note.id, note.corrects_id, *invoice_ids})
    left = db.session.scalar(select(left_of_note()).where(Invoice.id == note_id))
    return note, left or ZERO


def _write(row: Allocation, note: Invoice, agent_id: int) -> int:
    row.credit_note_id, row.by_id, row.at = note.id, agent_id, clock.now()
    db.session.add(row)
    db.session.flush()
    assert note.corrects_id is not None
    over = {rate: (-gross, -vat) for rate, (gross, vat) in shares.left_of(note.corrects_id).items()}
    of_note = over if sum((gross for gross, _ in over.values()), ZERO) == row.amount else shares.of_note(note.id)
    given = {note.corrects_id: shares.minus(shares.split(of_note, row.amount))}
    if row.invoice_id is not None:
        given[row.invoice_id] = shares.split(shares.left_of(row.invoice_id), row.amount)
    shares.write(row, given)
    allocating.note("payment.allocated" if row.invoice_id else "payment.refunded", row, agent_id)
    return row.id


def _notes_with_something() -> tuple[ColumnElement[bool], ...]:
    none: ColumnElement[Decimal] = literal(ZERO, Money)
    return (Invoice.kind == CREDIT_NOTE, Invoice.state == ISSUED, left_of_note() > none)


def _entries_with_something() -> tuple[ColumnElement[bool], ...]:
    """Return, as SQL, which entries are a centre's in part: something of them is allocated, and something is left."""
    live = exists().where(Allocation.bank_entry_id == BankEntry.id, Allocation.undone_at.is_(None))
    return (BankEntry.centre_id.is_not(None), live, left_of_entry() != literal(ZERO, BigMoney))
