"""Statements into the base: each entry once, however often a file comes, or another that overlaps it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.models import BankEntry, BankStatement, Seller
from app.services.core import clock
from app.services.core.dialect import be_the_writer
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal

from . import asked, camt

FILE_NAME_MAX = 120
#: What tells entries of one account apart; the last one is the n-th that is the same otherwise.
Key = tuple[str, Any, Decimal, int]


class NotOurs(Refusal):
    """A statement of another account than those that invoices say to pay to."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file brought: statements with something new, new entries, entries that were known."""

    statements: int
    entries: int
    known: int


def read_in(data: bytes, file_name: str, person_id: int | None) -> Imported:
    """Keep the entries of a CAMT.053 file that nobody has brought yet, and return how many; that they are matched is due with
    them, whatever becomes of who brought them.

    Raises `camt.Unreadable` or :class:`NotOurs`; then nothing of the file is kept.
    """
    statements, own = camt.read(data), _own_accounts()
    for one in statements:
        if one.iban not in own:
            raise NotOurs(
                f"Le relevé {one.name} est celui du compte {one.iban}, qui n’est celui d’aucune version du vendeur."
            )
    try:
        return _keep(statements, data, file_name, person_id)
    except IntegrityError:  # the same entries came in at the same moment: they are known by now
        return _keep(statements, data, file_name, person_id)


def _own_accounts() -> set[str]:
    return {"".join(iban.split()).upper() for iban in db.session.execute(select(Seller.iban)).scalars()}


def _keep(statements: tuple[camt.Statement, ...], data: bytes, file_name: str, person_id: int | None) -> Imported:
    hashed, kept, new_count, known_count = sha256(data).hexdigest(), 0, 0, 0
    with transaction(durable=True):
        be_the_writer(BankStatement)
        for position, statement in enumerate(statements, 1):
            known = _known(statement)
            new = [(key, entry) for key, entry in _keyed(statement) if key not in known]
            repeated = [entry.amount for key, entry in _keyed(statement) if key in known]
            known_count += len(repeated)
            if new:
                kept, new_count = kept + 1, new_count + len(new)
                about = {"sha256": hashed, "position": position, "file_name": file_name[:FILE_NAME_MAX] or "relevé"}
                _write(statement, new, {**about, "repeated": len(repeated), "imported_by_id": person_id}, repeated)
        if new_count:
            asked.make_due()
    return Imported(kept, new_count, known_count)


def _write(
    statement: camt.Statement, new: list[tuple[Key, camt.Entry]], about: dict[str, Any], repeated: list[Decimal]
) -> None:
    row = BankStatement(
        iban=statement.iban,
        name=statement.name,
        opened_on=statement.opened_on,
        closed_on=statement.closed_on,
        opening=statement.opening,
        closing=statement.closing,
        entries=len(new),
        repeated_amount=sum(repeated, Decimal("0.00")),
        imported_at=clock.now(),
        **about,
    )
    db.session.add(row)
    db.session.flush()
    names = ("ref", "booked_on", "amount", "end_to_end", "remittance", "debtor_name", "debtor_iban", "return_code")
    rows = [
        {**{name: getattr(entry, name) for name in names}, "rank": key[3], "aside_reason": "", "iban": statement.iban}
        for key, entry in new
    ]
    db.session.execute(insert(BankEntry), [{**one, "statement_id": row.id} for one in rows])
    journal.record(
        "bank.imported",
        "bank_statement",
        row.id,
        actor_id=about["imported_by_id"],
        after={"name": row.name, "entries": len(new), "closed_on": row.closed_on.isoformat()},
    )


def _keyed(statement: camt.Statement) -> Iterator[tuple[Key, camt.Entry]]:
    seen: Counter[tuple[str, Any, Decimal]] = Counter()
    for entry in statement.entries:
        same = (entry.ref, entry.booked_on, entry.amount)
        seen[same] += 1
        yield (*same, seen[same]), entry


def _known(statement: camt.Statement) -> set[Key]:
    """Return the keys of the entries of its account that are kept already, of the days that it tells."""
    days = [entry.booked_on for entry in statement.entries]
    if not days:
        return set()
    query = select(BankEntry.ref, BankEntry.booked_on, BankEntry.amount, BankEntry.rank).where(
        BankEntry.iban == statement.iban, BankEntry.booked_on.between(min(days), max(days))
    )
    return set(db.session.execute(query).tuples())
