"""The day's figures, as they are written to docs/."""

from __future__ import annotations

import os
import statistics
from dataclasses import dataclass
from datetime import UTC, datetime

from . import day
from .book import CUT, Book
from .machine import WEB_PROCESSES, WORKERS
from .proof import Delays, Proof


@dataclass(frozen=True, slots=True)
class Day:
    """A day that was run. ``seconds``: from its begin to the last receipt; ``drained``: from then to the last document;
    ``drawn_after``: documents drawn in that time; ``check``: the last words of `flask check --files`.
    """

    size: day.Size
    book: Book
    proof: Proof
    delays: Delays
    killed: dict[str, int]
    seconds: float
    drained: float
    drawn_after: int
    check: list[str]
    is_sound: bool

    @property
    def holds(self) -> bool:
        """Tell whether everything acknowledged stands once, everybody was answered, and no failure showed its inside."""
        all_answered = self.proof.acknowledged == self.proof.registrations == self.size.registrations
        return self.proof.holds and all_answered and self.is_sound and not self.book.broken and not self.book.dumb

    @property
    def rate(self) -> float:
        """Return the documents a second while nobody registered any more; over the whole day where there was no such time."""
        if self.drained > 60 and self.drawn_after:
            return self.drawn_after / self.drained
        return self.proof.documents / (self.seconds + self.drained)


def written(done: Day) -> str:
    """Return the page of the day's figures."""
    size, book, proof = done.size, done.book, done.proof
    factor = size.registrations / day.REGISTRATIONS
    late, delays = [one for one in book.late if one > 1], done.delays
    return f"""# Deadline day

Written by `make deadline FACTOR={factor:g}` on {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} processors, everything on one
machine (clients, {_web()}, base, queue). A whole day is {day.REGISTRATIONS:,} registrations
in {day.SECONDS // 3600} hours, {day.RUSH:.0%} of them in its last eighth; a factor scales count and length
alike, so that as many come a second as on a whole day.

| | |
|---|---|
| registrations asked for, in {size.seconds:,.0f} s, by {size.clients} clients | {size.registrations:,} |
| acknowledged | {proof.acknowledged:,} |
| standing in the base | {proof.registrations:,} |
| **lost** | **{proof.lost}** |
| **doubled** | **{proof.doubled}** |
| receipts whose batch does not hold their very lines | {proof.astray} |
| documents available | {proof.documents:,}, missing {proof.missing} |
| certificates mailed | {proof.mails:,}, never {proof.unmailed}, twice {proof.mailed_twice} |
| `flask check --files` | {"".join(done.check)} |
| workers killed | {done.killed[day.WORKER]} |
| restarts of PostgreSQL (by turns a crash, connections broken off), of Redis (each second time empty) | {_restarts(done)} |

## What people noticed
| door | answers | median | p95 | p99 | longest |
|---|---|---|---|---|---|
{_doors(book)}

- Failures while base and queue were away, each tried again until answered: {_failures(book)}.
- Of these answers, {len(book.dumb)} said no French sentence or showed a trace{"".join(f": {one!r}" for one in book.dumb[:3])}.
- From the first failure of a step to its answer: {_spread(book.waits)}.
- Acts that began later than the day had them, their client being busy: {_spread(late)}.
- Clients whose day ended early: {len(book.broken)}{"".join(f" — {one[:200]}" for one in book.broken[:3])}.

## Documents
- From a registration to its documents: median {delays.median:.1f} s, p95 {delays.p95:.1f} s,
  **the last {delays.longest:.1f} s**.
- The last receipt came after {done.seconds:,.0f} s, the last document {done.drained:,.0f} s later.
- The whole day, by this machine's {done.rate:.1f} documents a second: {_whole(done)}.
"""


def _web() -> str:
    return f"{WEB_PROCESSES} web processes, {WORKERS} workers"


def _restarts(done: Day) -> str:
    return f"{done.killed[day.BASE]} and {done.killed[day.QUEUE]}, away {day.AWAY:g} s each"


def _doors(book: Book) -> str:
    rows = []
    for door, taken in sorted(book.seconds.items()):
        times = (*(book.p(door, percent) for percent in (50, 95, 99)), max(taken))
        rows.append(f"| {door} | {len(taken):,} | " + " | ".join(f"{one * 1000:,.0f} ms" for one in times) + " |")
    return "\n".join(rows)


def _failures(book: Book) -> str:
    told = [
        f"{count} {door} ({'no answer' if status == CUT else status})"
        for (door, status), count in sorted(book.failures.items())
    ]
    return ", ".join(told) or "none"


def _spread(seconds: list[float]) -> str:
    if not seconds:
        return "none"
    return f"{len(seconds)}, median {statistics.median(seconds):.1f} s, longest {max(seconds):.1f} s"


def _whole(done: Day) -> str:
    documents = 2 * day.REGISTRATIONS
    drawing = documents / done.rate
    if drawing <= day.SECONDS:
        return f"{documents:,} documents take {drawing / 3600:.1f} h of the eight: the day ends when it ends"
    return f"{documents:,} documents take {drawing / 3600:.1f} h, more than the eight of the day"
