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
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import structlog
from flask.testing import FlaskClient

from app.extensions import db
from app.services.journal import chain
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
    """A page on one base: its address there, queries, milliseconds that passed and those of the processors (p95), its longest
    statement.
    """

    address: str
    queries: int
    p95: Taken
    longest: longest.Longest

    def beside(self, few: Measured) -> Taken:
        """Return its times as multiples of those of the same page at few registrations."""
        return Taken(*(many / max(one, 0.01) for many, one in zip(self.p95, few.p95, strict=True)))


def measure(base: bases.Base, rounds: int = ROUNDS) -> dict[Place, Measured]:
    """Return each page of the table measured on a filled base; those that are not there are left out."""
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
        for at, address in enumerate(listed):
            if (one := _measured(base, client, address, server, rounds)) is not None:
                found[who, at] = one
    return found


def _measured(base: bases.Base, client: FlaskClient, address: str, server: int, rounds: int) -> Measured | None:
    with base.app.app_context(), statements() as seen:
        if client.get(address).status_code == 404:
            return None
    client.get(address)
    taken = []
    gc.collect()
    gc.freeze()  # what stands is not walked again before each round
    for _ in range(rounds):
        gc.collect()
        start, spent = time.perf_counter(), searches.processor_seconds(server)
        client.get(address)
        taken.append(Taken((time.perf_counter() - start) * 1000, (searches.processor_seconds(server) - spent) * 1000))
    passed, used = (quantiles([one[at] for one in taken], n=20, method="inclusive")[-1] for at in (0, 1))
    with base.app.app_context(), longest.watched() as found:
        client.get(address)
    return Measured(address, len(seen), Taken(passed, used), found)


def rows(few: dict[Place, Measured], many: dict[Place, Measured]) -> Iterator[str]:
    """Yield a line a page that stands on both, those that grow or take long marked."""
    for place in sorted(few.keys() & many.keys()):
        one, other = few[place], many[place]
        ratio = other.beside(one)
        mark = "".join(f" **{word}**" for word in marks(one, other))
        who, at = place[0].partition("@")[0], other.address.replace("|", "")
        clock = f"{one.p95.passed:.1f} | {other.p95.passed:.1f} | {ratio.passed:.2f}"
        processors = f"{one.p95.spent:.1f} | {other.p95.spent:.1f} | {ratio.spent:.2f}"
        yield f"| {who} | `{at}` | {other.queries} | {clock} | {processors}{mark} |"


def marks(one: Measured, other: Measured) -> list[str]:
    """Return what is wrong with a page at many registrations, beside the same at few."""
    grows = min(other.beside(one)) > RATIO and other.p95.spent - one.p95.spent > BELOW
    return [*(["grows"] if grows else []), *(["long"] if other.p95.spent > MOST_MILLISECONDS else [])]


def plans(few: dict[Place, Measured], many: dict[Place, Measured]) -> Iterator[str]:
    """Yield the longest statement, with its plan, of each page that grows or takes long."""
    for place in sorted(few.keys() & many.keys()):
        if wrong := marks(few[place], many[place]):
            who, page = place[0].partition("@")[0], many[place]
            yield f"\n**{who} `{page.address}`** ({', '.join(wrong)}), its longest statement {page.longest.told()}"


def filled(base: bases.Base, registrations: int) -> float:
    """Fill a base with so many registrations, and return the seconds that took."""
    start = time.perf_counter()
    size = crowd.Size(registrations=registrations, drivers=max(100, registrations * 15 // 100), years=YEARS)
    with bases.by_owner(base).app_context():
        crowd.fill(size, lambda what: note(f"{base.name}, {time.perf_counter() - start:.0f} s: {what}"))
        note(f"{base.name}, {time.perf_counter() - start:.0f} s: {chain.seal()} entries of the journal sealed")
        db.session.remove()
    return time.perf_counter() - start


def main() -> None:
    """Fill two bases, measure both, and print the table."""
    asked = _asked()
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    told, measured = [], []
    for count in (SMALL, asked.registrations):
        with tempfile.TemporaryDirectory() as folder, bases.opened(Path(folder), asked.base, by_role=True) as opened:
            (base,) = opened
            seconds = filled(base, count)
            told.append(f"{count:,} registrations on {bases.title(base)}, filled in {seconds:,.0f} s.")
            measured.append(measure(base))
            if count == asked.registrations:
                head = "| who | page | queries | ms, few | ms, many | ratio | processor ms, few | many | ratio |"
                told += ["", head, "|" + "---|" * 9, *rows(*measured), *plans(*measured)]
                _tell(told, asked.report)  # the nights take longer than all before them
                _tell([*told, "", *nights.told(base)], asked.report)


def _tell(lines: list[str], report: Path | None) -> None:
    text = "\n".join(lines)
    print(text, flush=True)
    if report:
        report.write_text(text + "\n", encoding="utf-8")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flat", description=__doc__)
    parser.add_argument("--registrations", type=int, default=LARGE)
    parser.add_argument("--base", choices=list(bases.KINDS), default="postgresql")
    parser.add_argument("--report", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
