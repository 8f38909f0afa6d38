"""Which invoice an entry is for: by itself only where reference and amount are exact; everything else is suggested to an agent.

An entry that was ever allocated, by whomever, is left to people: what somebody undid is not done again.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, Select, exists, func, literal, or_, select
from sqlalchemy.orm import aliased, joinedload

from app.extensions import db
from app.models import Allocation, BankEntry, BillingProfile, Centre, Invoice
from app.models.billing.invoices import INVOICE, ISSUED
from app.models.types import Money
from app.services.core import actor, outbox
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.invoicing import reference

from . import allocating, settlement
from .allocating import Part

ZERO = Decimal("0.00")
#: Suggestions that are shown of an entry.
MOST = 10
CITED = "N° cité"
_NUMBER = re.compile(r"(?<![0-9A-Z])F\s?(\d{4})\s?-?\s?(\d{6})(?!\d)", re.IGNORECASE)
_SIRENS = re.compile(r"(?<!\d)\d{3} ?\d{3} ?\d{3}(?: ?\d{5})?(?!\d)")


@actor.acting(actor.PROGRAM)
def run(most: int | None = None) -> int:
    """Allocate what is exact of the entries that nobody has looked at, and return how many; safe to run again."""
    entries = db.session.execute(_untouched().limit(most)).scalars().all()
    return sum(_match(entry_id) for entry_id in entries)


def waits(most: int) -> bool:
    """Tell whether more entries than this were never looked at."""
    return len(db.session.execute(_untouched().limit(most + 1)).scalars().all()) > most


def _untouched() -> Select[int]:
    """Return the query of entries that may match by themselves: they say a reference, and were never allocated."""
    named = or_(BankEntry.remittance.ilike("%RF%"), BankEntry.end_to_end.ilike("RF%"))
    return (
        select(BankEntry.id)
        .where(named, BankEntry.aside_at.is_(None), ~exists().where(Allocation.bank_entry_id == BankEntry.id))
        .order_by(BankEntry.id)
    )


def _match(entry_id: int) -> bool:
    try:
        with transaction(durable=True):
            entry = allocating.hold_entry(entry_id)
            numbers = named_in(entry)
            if not numbers or db.session.scalar(select(exists().where(Allocation.bank_entry_id == entry_id))):
                return False
            made = _pay(entry, numbers) if entry.amount > 0 else _take_back(entry, numbers)
        if made:
            outbox.ring()
    except Refusal:  # somebody paid or returned it in the meantime: an agent looks at it
        return False
    return made


def named_in(entry: BankEntry) -> tuple[str, ...]:
    """Return the numbers of invoices whose whole, valid references an entry says."""
    return reference.found_in(f"{entry.remittance} {entry.end_to_end}")


def _pay(entry: BankEntry, numbers: tuple[str, ...]) -> bool:
    """Allocate where every reference is an invoice's and what these owe adds up to the transfer."""
    ids = list(db.session.execute(select(Invoice.id).where(*_numbered(numbers))).scalars())
    owed = {id_: one.due for id_, one in settlement.of(ids).items()}
    if len(owed) != len(numbers) or sum(owed.values(), ZERO) != entry.amount or min(owed.values()) <= ZERO:
        return False
    allocating.write(entry.id, [Part(id_, owed[id_]) for id_ in ids], None)
    return True


def _take_back(entry: BankEntry, numbers: tuple[str, ...]) -> bool:
    """Take back where exactly one transfer paid just these invoices, with just this amount."""
    back = aliased(Allocation)
    returned = exists().where(back.returns_id == Allocation.id, back.undone_at.is_(None))
    query = (
        select(Allocation)
        .join(Invoice, Invoice.id == Allocation.invoice_id)
        .where(*_numbered(numbers), Allocation.bank_entry_id.is_not(None), Allocation.undone_at.is_(None))
        .where(Allocation.amount > literal(ZERO, Money), ~returned)
    )
    by_transfer: defaultdict[int, list[Allocation]] = defaultdict(list)
    for one in db.session.execute(query).scalars():
        by_transfer[one.bank_entry_id or 0].append(one)
    same = [
        paid
        for paid in by_transfer.values()
        if len(paid) == len(numbers) and sum((one.amount for one in paid), ZERO) == -entry.amount
    ]
    if len(same) != 1:
        return False
    for allocation_id in [one.id for one in same[0]]:
        allocating.write_back(entry.id, allocation_id, None)
    return True


def _numbered(numbers: Iterable[str]) -> tuple[ColumnElement[bool], ...]:
    return (Invoice.public_number.in_(list(numbers)), Invoice.kind == INVOICE, Invoice.state == ISSUED)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An invoice that an entry may be for: what it owes, what of the entry would go to it, and why it is named."""

    invoice: Invoice
    due: Decimal
    amount: Decimal
    why: tuple[str, ...]
    #: Chosen beforehand: named by the transfer, by several signs, or the only one.
    is_likely: bool


def suggestions(entry: BankEntry, left: Decimal) -> list[Suggestion]:
    """Return invoices that what is left of an incoming entry may be for, the likeliest first."""
    text = f"{entry.remittance} {entry.end_to_end}"
    named = {*named_in(entry), *(f"F{year}-{number}" for year, number in _NUMBER.findall(text))}
    why: defaultdict[int, list[str]] = defaultdict(list)
    for id_ in db.session.execute(select(Invoice.id).where(*_numbered(named))).scalars():
        why[id_].append(CITED)
    open_ = (Invoice.kind == INVOICE, Invoice.state == ISSUED, settlement.due() > literal(ZERO, Money))
    same = select(Invoice.id).where(*open_, settlement.due() == literal(left, Money)).limit(2)
    exact = db.session.execute(same).scalars().all() if left < 10_000_000 else []
    if len(exact) == 1:
        why[exact[0]].append("seule facture de ce montant")
    for words, centres in _centres(entry, text).items():
        theirs = select(Invoice.id).where(*open_, Invoice.centre_id.in_(centres)).order_by(Invoice.due_on, Invoice.id)
        for id_ in db.session.execute(theirs.limit(MOST)).scalars():
            why[id_].append(words)
    return _shown(why, left)


def _shown(why: dict[int, list[str]], left: Decimal) -> list[Suggestion]:
    """Return what is suggested with the amounts that would go to each, as long as something is left."""
    owed = settlement.of(why)
    query = select(Invoice).options(joinedload(Invoice.centre)).where(Invoice.id.in_(why))
    rows = {one.id: one for one in db.session.execute(query).scalars()}
    found, rest = [], left
    open_ = [id_ for id_ in sorted(why, key=lambda one: (-len(why[one]), list(why).index(one))) if id_ in owed]
    open_ = [id_ for id_ in open_ if owed[id_].due > ZERO][:MOST]
    for id_ in open_:
        is_likely = len(open_) == 1 or len(why[id_]) > 1 or CITED in why[id_]
        amount = min(owed[id_].due, rest if is_likely else left)
        rest -= amount if is_likely else ZERO
        found.append(
            Suggestion(rows[id_], owed[id_].due, max(amount, ZERO), tuple(why[id_]), is_likely and amount > ZERO)
        )
    return found


def _centres(entry: BankEntry, text: str) -> dict[str, list[int]]:
    """Return why → centres that an entry may come from: said before, known by the account, named by SIREN or SIRET."""
    found: dict[str, list[int]] = {}
    if entry.centre_id:
        found["centre de ce virement"] = [entry.centre_id]
    if entry.debtor_iban:
        other = aliased(BankEntry)
        known = select(other.centre_id).where(
            other.debtor_iban == entry.debtor_iban, other.centre_id.is_not(None), other.id != entry.id
        )
        found["compte connu de ce centre"] = [one for one in db.session.execute(known.distinct()).scalars() if one]
    numbers = {"".join(one.split()) for one in _SIRENS.findall(f"{text} {entry.debtor_name}")}
    if numbers:
        query = (
            select(Centre.id)
            .outerjoin(BillingProfile, BillingProfile.centre_id == Centre.id)
            .where(or_(*(_begins(one) for one in sorted(numbers)[:10])))
        )
        found["SIREN ou SIRET cité"] = list(db.session.execute(query).scalars())
    return {words: ids for words, ids in found.items() if ids}


def _begins(number: str) -> ColumnElement[bool]:
    return or_(Centre.siret.startswith(number), func.coalesce(BillingProfile.siret, "").startswith(number))
