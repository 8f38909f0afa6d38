"""Every invariant asked, of one view of the base; and, where wanted, every file read. At night they are asked in shares."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete

from app.extensions import db
from app.models import Breach
from app.models.outbox import CHECK, NIGHTLY
from app.services.accounting import invariants as accounting
from app.services.core import clock, outbox
from app.services.deposits import invariants as deposits
from app.services.invoicing import invariants as invoices
from app.services.journal import chain
from app.services.journal import record as journal
from app.services.operations import nightly
from app.services.operations.invariants import Invariant, one_snapshot
from app.services.payments import invariants as payments

from . import drafts, files, papers, rates, registrations, work


def _chain() -> Iterator[str]:
    """Yield the first thing that is wrong with the chain of the journal."""
    if wrong := chain.verify().wrong:
        yield wrong


JOURNAL = (Invariant("journal.chain", "La chaîne du journal est rompue", _chain),)
#: What every room says must hold; a room that has more to say adds its line here.
ROOMS: tuple[tuple[Invariant, ...], ...] = (
    registrations.CHECKS,
    papers.CHECKS,
    work.CHECKS,
    drafts.CHECKS,
    rates.CHECKS,
    invoices.CHECKS,
    accounting.CHECKS,
    deposits.CHECKS,
    payments.CHECKS,
    JOURNAL,
)
#: Ids of broken rows that are kept, and shown to agents.
SHOWN = 20
#: Seconds after which a job of the night leaves the invariants that are left to the next one.
A_JOB = 20.0


@dataclass(frozen=True, slots=True)
class Found:
    """An invariant that does not hold, or a kind of file at fault: its code, what is wrong in French, the ids of the rows."""

    code: str
    words: str
    subjects: list[str]


@dataclass
class Report:
    """What was found: how many invariants were asked, and those that do not hold."""

    asked: int = 0
    found: list[Found] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Tell whether everything holds."""
        return not self.found

    @property
    def breaches(self) -> int:
        """Return how many rows and files are at fault."""
        return sum(len(one.subjects) for one in self.found)


def invariants() -> list[Invariant]:
    """Return every invariant, in the order in which they are asked."""
    return [one for room in ROOMS for one in room]


def run(*, with_files: bool = False) -> Report:
    """Ask every invariant; ``with_files``: also read every file, hash and seal. Nothing is written.

    Raises OSError when the store does not answer.
    """
    report = Report()
    with one_snapshot():
        for one in invariants():
            report.asked += 1
            if subjects := one.breaches():
                report.found.append(Found(one.code, one.words, subjects))
        if with_files:
            report.found += _files()
    return report


def note_in_turn(payload: dict[str, Any]) -> None:
    """Ask one job's share of the invariants and make the next share due, in the caller's transaction.

    The last job keeps what all of them found for agents and for who watches the program. However large the register, a job asks
    for :data:`A_JOB` seconds and the invariant in hand; each is asked in one view of the base, not all in the same.
    """
    every, after = invariants(), payload.get("after")
    at = next((place for place, one in enumerate(every, 1) if one.code == after), 0)
    found: list[dict[str, Any]] = list(payload.get("found", [])) if at else []  # another version's look begins anew
    until = time.monotonic() + A_JOB
    for one in every[at:]:
        with one_snapshot():
            subjects = one.breaches()
        if subjects:
            found.append({"code": one.code, "count": len(subjects), "subjects": subjects[:SHOWN]})
        if time.monotonic() >= until and one is not every[-1]:
            outbox.add(NIGHTLY, [{"task": CHECK, "after": one.code, "found": found}], first_turn=nightly.LAST_TURN)
            return
    _keep(found, {one.code: one.words for one in every})


def _keep(found: list[dict[str, Any]], words: dict[str, str]) -> None:
    found = [one for one in found if one["code"] in words]  # begun before an upgrade, it may have asked more
    now, counts = clock.machine_now(), {str(one["code"]): one["count"] for one in found}
    db.session.execute(delete(Breach).where(Breach.code.not_in(counts)))
    for one in found:
        row = db.session.get(Breach, one["code"]) or Breach(code=one["code"], since=now)
        row.words, row.count, row.subjects, row.seen_at = words[one["code"]], one["count"], one["subjects"], now
        db.session.add(row)
    journal.record(
        "register.checked", "register", "all", actor_id=None, after={"asked": len(words), "breaches": counts}
    )


def _files() -> list[Found]:
    """Return the files at fault, by kind and by what is wrong."""
    by_fault: dict[tuple[str, str], list[str]] = {}
    for kind, id_, fault in files.faults():
        by_fault.setdefault((f"file.{kind.code}", f"{kind.name} : {fault[:1].lower()}{fault[1:]}"), []).append(str(id_))
    return [Found(code, words, ids) for (code, words), ids in by_fault.items()]
