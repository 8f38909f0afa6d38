"""Which invoice a transfer is for: never more than the transfer has left, nor than the invoice owes, whoever acts at once.

An act holds the rows that it weighs until it is written: the bank entry first, then invoices by their id. On SQLite one writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import func, select, update

from app.extensions import db
from app.models import Allocation, BankEntry, Invoice
from app.models.billing.invoices import ISSUED
from app.services.core import actor, clock, outbox
from app.services.core.dialect import be_the_writer
from app.services.core.numbers import euros
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal

from . import settlement, shares

ZERO = Decimal("0.00")


class Part(NamedTuple):
    """So much for an invoice."""

    invoice_id: int
    amount: Decimal


class TooMuch(Refusal):
    """More than the transfer has left, or than the invoice owes: nothing was done."""


class Moved(Refusal):
    """Somebody else acted in the meantime, or the row is not what the act needs."""

    message = "Cette écriture ou cette facture a changé entre-temps : rien n’a été fait. Relisez la page."


def allocate(entry_id: int, parts: Sequence[Part], agent_id: int | None) -> list[int]:
    """Allocate parts of what came in to issued invoices, all or none; return the ids.

    Raises :class:`TooMuch` or :class:`Moved`.
    """
    with transaction(durable=True), actor.acting(actor.PROGRAM):
        made = write(entry_id, parts, agent_id)
    outbox.ring()
    return made


def write(entry_id: int, parts: Sequence[Part], agent_id: int | None) -> list[int]:
    """Do what :func:`allocate` does, in the caller's transaction."""
    entry = hold_entry(entry_id)
    hold_invoices(part.invoice_id for part in parts)
    if entry.amount <= 0 or entry.aside_at is not None or not parts:
        raise Moved
    if len({part.invoice_id for part in parts}) != len(parts) or any(part.amount <= 0 for part in parts):
        raise TooMuch("Le montant affecté à chaque facture est supérieur à zéro.")
    left, asked = left_of_entry(entry), sum((part.amount for part in parts), ZERO)
    if asked > left:
        raise TooMuch(f"Il reste {euros(left)} à affecter de ce virement : {euros(asked)} ne peuvent l’être.")
    made = []
    for part in parts:
        owed(part)
        made.append(_insert(part, entry.booked_on, agent_id, entry=entry))
    return made


def owed(part: Part) -> None:
    """Raise :class:`TooMuch` where an invoice owes less than this, :class:`Moved` where it is none; its row is held."""
    found = settlement.of([part.invoice_id]).get(part.invoice_id)
    if found is None:
        raise Moved
    if part.amount > found.due:
        raise TooMuch(
            f"Cette facture n’attend plus que {euros(max(found.due, ZERO))} :"
            f" {euros(part.amount)} ne peuvent lui être affectés."
        )


def give_back(entry_id: int, allocation_id: int, agent_id: int | None) -> int:
    """Take back an allocation whose transfer the bank returned, as a debit: by an allocation below zero; return its id.

    As much as both have left. Raises :class:`Moved`.
    """
    with transaction(durable=True), actor.acting(actor.PROGRAM):
        made = write_back(entry_id, allocation_id, agent_id)
    outbox.ring()
    return made


def write_back(entry_id: int, allocation_id: int, agent_id: int | None) -> int:
    """Do what :func:`give_back` does, in the caller's transaction."""
    entry = hold_entry(entry_id)
    back = db.session.get(Allocation, allocation_id, populate_existing=True)
    if back is None or back.invoice_id is None or back.bank_entry_id is None:
        raise Moved
    hold_entry(back.bank_entry_id)
    hold_invoices([back.invoice_id])
    db.session.refresh(back)
    amount = min(-left_of_entry(entry), left_of_allocation(back))
    if amount <= 0 or back.undone_at is not None or back.returns_id is not None or entry.aside_at is not None:
        raise Moved
    return _insert(Part(back.invoice_id, -amount), entry.booked_on, agent_id, entry=entry, returns=back)


def undo(allocation_id: int, agent_id: int) -> None:
    """Undo an allocation: it stays, and counts no more. Raises :class:`Moved`, or :class:`TooMuch` where its invoice was
    paid otherwise since (the return of a transfer cannot be undone then).
    """
    with transaction(durable=True), actor.acting(actor.PROGRAM):
        be_the_writer(Allocation)
        row = db.session.get(Allocation, allocation_id)
        if row is None:
            raise Moved
        hold_invoices(filter(None, [row.invoice_id, row.credit_note_id]))
        if db.session.scalar(
            select(Allocation.id).where(Allocation.returns_id == row.id, Allocation.undone_at.is_(None))
        ):
            raise Moved("Ce virement a été rendu par la banque : défaites d’abord ce retour.")
        if row.amount < 0 and row.invoice_id is not None:
            owed(Part(row.invoice_id, -row.amount))
        gone = update(Allocation).where(Allocation.id == allocation_id, Allocation.undone_at.is_(None))
        if not taken(gone.values(undone_at=clock.now(), undone_by_id=agent_id)):
            raise Moved("Cette affectation est déjà défaite.")
        row = db.session.get_one(Allocation, allocation_id)
        by_invoice = {one: shares.minus(each) for one, each in shares.of_allocation(row.id).items()}
        shares.tell(row, by_invoice)
        note("payment.undone", row, agent_id)
    outbox.ring()


def hold_entry(entry_id: int) -> BankEntry:
    """Return a bank entry, held until the end of the transaction; raise :class:`Moved` for none."""
    be_the_writer(BankEntry)
    query = select(BankEntry).where(BankEntry.id == entry_id).with_for_update(of=BankEntry)
    entry = db.session.execute(query.execution_options(populate_existing=True)).scalar_one_or_none()
    if entry is None:
        raise Moved
    return entry


def hold_invoices(invoice_ids: Iterable[int]) -> None:
    """Hold issued invoices, always in the same order, until the end of the transaction; raise :class:`Moved` where one is
    missing.
    """
    be_the_writer(Invoice)
    wanted = set(invoice_ids)
    query = select(Invoice.id).where(Invoice.id.in_(wanted), Invoice.state == ISSUED).order_by(Invoice.id)
    if len(db.session.execute(query.with_for_update()).all()) != len(wanted):
        raise Moved


def left_of_entry(entry: BankEntry) -> Decimal:
    """Return what nobody has allocated of an entry: of its sign, zero once all is."""
    own = select(func.sum(Allocation.amount)).where(
        Allocation.bank_entry_id == entry.id, Allocation.undone_at.is_(None)
    )
    return entry.amount - (db.session.scalar(own) or ZERO)


def left_of_allocation(row: Allocation) -> Decimal:
    """Return what of an allocation no returned transfer has taken back."""
    back = select(func.sum(Allocation.amount)).where(Allocation.returns_id == row.id, Allocation.undone_at.is_(None))
    return row.amount + (db.session.scalar(back) or ZERO)


def _insert(part: Part, day: date, agent_id: int | None, *, entry: BankEntry, returns: Allocation | None = None) -> int:
    row = Allocation(
        bank_entry_id=entry.id,
        invoice_id=part.invoice_id,
        amount=part.amount,
        returns_id=returns.id if returns else None,
        paid_on=day,
        by_id=agent_id,
        at=clock.now(),
    )
    if returns is None:
        given = shares.split(shares.left_of(part.invoice_id), part.amount)
    else:
        given = shares.minus(shares.split(shares.left_of_allocation(returns.id, part.invoice_id), -part.amount))
    db.session.add(row)
    db.session.flush()
    shares.write(row, {part.invoice_id: given})
    if entry.centre_id is None:
        entry.centre_id = db.session.scalar(select(Invoice.centre_id).where(Invoice.id == part.invoice_id))
    note("payment.returned" if returns else "payment.allocated", row, agent_id)
    return row.id


def note(act: str, row: Allocation, agent_id: int | None) -> None:
    """Tell the journal of an act on an allocation, as an act on its invoice (a refund: on its credit note or entry)."""
    told = {"amount": str(row.amount), "paid_on": row.paid_on.isoformat()}
    if about := row.invoice_id or row.credit_note_id:
        centre = db.session.scalar(select(Invoice.centre_id).where(Invoice.id == about))
        journal.record(act, "invoice", about, actor_id=agent_id, centre_id=centre, after=told, reason=row.reason)
    else:
        journal.record(act, "bank_entry", row.bank_entry_id, actor_id=agent_id, after=told, reason=row.reason)
