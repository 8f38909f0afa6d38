"""Every page at 10,000 registrations beside the same at many: p95 by the clock and by the processors; the plan of the longest
statement of each that grows or is long; the nights.

Run: `python -m benchmarks.flat [--registrations 5000000] [--base postgresql] [--report docs/PAGES.md]`. At 5,000,000 a base of
PostgreSQL takes some 15 GB and half an hour to fill; it is dropped at the end.
"""

from __future__ import annotations

import argparse
import gc
import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain as chained
from pathlib import Path
from statistics import quantiles

import structlog
from flask.testing import FlaskClient

from app.extensions import db
from app.services.journal import chain
from app.services.reporting import volumes
from tests.conftest import PASSWORD
from tests.support import statements

from . import bases, crowd, longest, nights, pages, searches
from .searches import Taken
from .table import note

SMALL, LARGE = 10_000, 5_000_000
#: What is asked: the p95 of a page at many registrations beside that at few, and at most.
RATIO, MOST_MILLISECONDS = 1.2, 200
#: Milliseconds below which a ratio tells of the machine, not of the page.
BELOW = 2.0
ROUNDS = 20
#: Registrations spread over so many years: long enough that some drivers owe an FCO again.
YEARS = 6
#: A page: whose it is, and its place among that person's.
Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Measured:
    """A page on one base: its address there, queries, lines of its tables, milliseconds that passed and those of the
    processors (p95), its longest statement.
    """

    address: str
    queries: int
    lines: int
    p95: Taken
    longest: longest.Longest

    def beside(self, few: Measured) -> Taken:
        """Return its times as multiples of those of the same page at few registrations."""
        return Taken(*(many / max(one, 0.01) for many, one in zip(self.p95, few.p95, strict=True)))


@dataclass(frozen=True, slots=True)
class Page:
    """A page of one base, asked by a person who is signed in there; ``server``: the process of the base that answers them."""

    base: bases.Base
    client: FlaskClient
    address: str
    server: int

    def warmed(self) -> int | None:
        """Ask twice, and return the queries of an answer; None where the page is not there."""
        with self.base.app.app_context(), statements() as seen:
            if self.client.get(self.address).status_code == 404:
                return None
        self.client.get(self.address)
        return len(seen)

    def timed(self) -> Taken:
        """Ask once, and return what that took."""
        gc.collect()
        start, spent = time.perf_counter(), searches.processor_seconds(self.server)
        self.client.get(self.address)
        return Taken((time.perf_counter() - start) * 1000, (searches.processor_seconds(self.server) - spent) * 1000)

    def measured(self, queries: int, taken: list[Taken]) -> Measured:
        """Return what was measured, with the longest statement of one more answer."""
        passed, used = (quantiles([one[at] for one in taken], n=20, method="inclusive")[-1] for at in (0, 1))
        with self.base.app.app_context(), longest.watched() as found:
            lines = self.client.get(self.address).data.count(b"<tr")
        return Measured(self.address, queries, lines, Taken(passed, used), found)


def measure(few: bases.Base, many: bases.Base, rounds: int = ROUNDS) -> dict[Place, tuple[Measured, Measured]]:
    """Return each page of the table measured on two filled bases by turns, so that a slow minute of the machine slows both;
    those that are not there on both are left out.
    """
    of_few, of_many = _pages(few), _pages(many)
    gc.collect()
    gc.freeze()  # what stands is not walked again before each round
    found = {}
    for place in sorted(of_few.keys() & of_many.keys()):
        one, other = of_few[place], of_many[place]
        queries = one.warmed(), other.warmed()
        if queries[0] is not None and queries[1] is not None:
            turns = [(one.timed(), other.timed()) for _ in range(rounds)]
            mine, theirs = ([turn[at] for turn in turns] for at in (0, 1))
            found[place] = one.measured(queries[0], mine), other.measured(queries[1], theirs)
    return found


def _pages(base: bases.Base) -> dict[Place, Page]:
    with bases.by_owner(base).app_context():
        wanted = pages.addresses()
        db.session.remove()
    with base.app.app_context():
        server = searches.server_process()
        db.session.remove()
    found = {}
    for who, listed in wanted.items():
        client = base.app.test_client()
        client.reads_plain = False  # tests alone read answers so
        client.post("/login/", data={"username": who, "password": PASSWORD})
        found |= {(who, at): Page(base, client, address, server) for at, address in enumerate(listed)}
    return found


def rows(measured: dict[Place, tuple[Measured, Measured]]) -> Iterator[str]:
    """Yield a line a page, those that grow or take long marked."""
    for place, (one, other) in measured.items():
        ratio = other.beside(one)
        mark = "".join(f" **{word}**" for word in marks(one, other))
        who, at = place[0].partition("@")[0], other.address.replace("|", "")
        clock = f"{one.p95.passed:.1f} | {other.p95.passed:.1f} | {ratio.passed:.2f}"
        processors = f"{one.p95.spent:.1f} | {other.p95.spent:.1f} | {ratio.spent:.2f}"
        yield f"| {who} | `{at}` | {other.queries} | {one.lines} | {other.lines} | {clock} | {processors}{mark} |"


def marks(one: Measured, other: Measured) -> list[str]:
    """Return what is wrong with a page at many registrations, beside few; one with more lines is « fuller »."""
    grows = min(other.beside(one)) > RATIO and other.p95.spent - one.p95.spent > BELOW
    return [
        *(["fuller" if other.lines > one.lines else "grows"] if grows else []),
        *(["long"] if other.p95.spent > MOST_MILLISECONDS else []),
    ]


def plans(measured: dict[Place, tuple[Measured, Measured]]) -> Iterator[str]:
    """Yield the longest statement, with its plan, of each page that grows or takes long; one that many share is told once."""
    told: dict[str, str] = {}
    for (person, _), (one, page) in measured.items():
        wrong = [mark for mark in marks(one, page) if mark != "fuller"]
        if not wrong:
            continue
        name = f"{person.partition('@')[0]} `{page.address}`"
        first = told.setdefault(page.longest.statement, name)
        what = page.longest.told() if first == name else f"{page.longest.milliseconds:.1f} ms, as that of {first}."
        yield f"\n**{name}** ({', '.join(wrong)}), its longest statement {what}"


def filled(base: bases.Base, registrations: int) -> float:
    """Fill a base with so many registrations, and return the seconds that took."""
    start = time.perf_counter()
    size = crowd.Size(registrations=registrations, drivers=max(100, registrations * 15 // 100), years=YEARS)
    with bases.by_owner(base).app_context():
        crowd.fill(size, lambda what: note(f"{base.name}, {time.perf_counter() - start:.0f} s: {what}"))
        note(f"{base.name}, {time.perf_counter() - start:.0f} s: {chain.seal()} entries of the journal sealed")
        volumes.count_days()  # as each night leaves them
        db.session.remove()
    return time.perf_counter() - start


def main() -> None:
    """Fill two bases, measure both, and print the table."""
    asked = _asked()
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with _opened(asked.base) as few, _opened(asked.base) as many:
        told = []
        for base, count in ((few, SMALL), (many, asked.registrations)):
            seconds = filled(base, count)
            told.append(f"{count:,} registrations on {bases.title(base)}, filled in {seconds:,.0f} s.")
        measured = measure(few, many)
        head = "| who | page | queries | lines, few | many | ms, few | ms, many | ratio | processor ms, few | many | ratio |"
        told += ["", head, "|" + "---|" * 11, *rows(measured), *plans(measured)]
        _tell(told, asked.report)  # the nights take longer than all before them
        for line in chained([""], nights.told(many)):  # each is written as it is known
            told.append(line)
            _tell(told, asked.report, shown=1)


@contextmanager
def _opened(kind: str) -> Iterator[bases.Base]:
    with tempfile.TemporaryDirectory() as folder, bases.opened(Path(folder), kind, by_role=True) as (base,):
        yield base


def _tell(lines: list[str], report: Path | None, shown: int = 0) -> None:
    """Print the last ``shown`` lines (0: all), and write all of them as they stand by now."""
    print("\n".join(lines[-shown:]), flush=True)
    if report:
        report.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flat", description=__doc__)
    parser.add_argument("--registrations", type=int, default=LARGE)
    parser.add_argument("--base", choices=list(bases.KINDS), default="postgresql")
    parser.add_argument("--report", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
