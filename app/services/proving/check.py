"""Every invariant asked, of one view of the base; and, where wanted, every file read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import delete

from app.extensions import db
from app.models import Breach
from app.services.accounting import invariants as accounting
from app.services.core import clock
from app.services.deposits import invariants as deposits
from app.services.invoicing import invariants as invoices
from app.services.journal import chain
from app.services.journal import record as journal
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


def note() -> Report:
    """Ask every invariant and keep what was found for agents and for who watches the program, in the caller's transaction."""
    report = run()
    now, broken = clock.machine_now(), [one.code for one in report.found]
    db.session.execute(delete(Breach).where(Breach.code.not_in(broken)))
    for one in report.found:
        row = db.session.get(Breach, one.code) or Breach(code=one.code, since=now)
        row.words, row.count, row.subjects, row.seen_at = one.words, len(one.subjects), one.subjects[:SHOWN], now
        db.session.add(row)
    counts = {one.code: len(one.subjects) for one in report.found}
    journal.record(
        "register.checked", "register", "all", actor_id=None, after={"asked": report.asked, "breaches": counts}
    )
    return report


def _files() -> list[Found]:
    """Return the files at fault, by kind and by what is wrong."""
    by_fault: dict[tuple[str, str], list[str]] = {}
    for kind, id_, fault in files.faults():
        by_fault.setdefault((f"file.{kind.code}", f"{kind.name} : {fault[:1].lower()}{fault[1:]}"), []).append(str(id_))
    return [Found(code, words, ids) for (code, words), ids in by_fault.items()]
