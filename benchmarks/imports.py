"""Imports by file: from bytes to a stored, sorted, countable report, beside calamine's bare read of the same bytes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from statistics import median

from python_calamine import CalamineWorkbook

from app.extensions import db
from app.models import Batch
from app.services.imports import intake
from config import ROOT
from tests.backends import TODAY
from tests.conftest import PASSWORD
from tests.support import centre_id, drain, person_id

from . import workbooks
from .bases import Base, title
from .load import DEMO
from .table import Row, Seconds, elapsed, medians, quotient, timed, told, turns

#: Asked of the largest file: times calamine's bare read; times the report, of the command; MiB of the worker; ms of the
#: report's first page.
TIMES_BARE_READ = {"sqlite": 2.2, "postgresql": 2.6}
TIMES_REPORT, PEAK_MIB, FIRST_PAGE_MS = 1.5, 600, 100
#: What is measured → its times, round by round.
Times = dict[str, list[Seconds]]


def bare_read(content: bytes) -> None:
    """Read all cells of the sheet and do nothing with them."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    book.get_sheet_by_index(0).to_python(skip_empty_area=False)


def analyse(content: bytes) -> int:
    """Receive a file and do the work it makes due, as web and worker do; return its batch."""
    batch_id = intake.receive(centre_id(), person_id(), "sessions.xlsx", io.BytesIO(content)).id
    drain()
    return batch_id


def analysed(base: Base, content: bytes, count: int, faults: int) -> tuple[Seconds, str, int]:
    """Analyse on the base as seeded: time, key and id of the batch. Raises `AssertionError` on a count gone wrong."""
    base.reset()
    found: list[int] = []
    with base.app.app_context():
        seconds = timed(lambda: found.append(analyse(content)))
        batch = db.session.get_one(Batch, found[0], populate_existing=True)
        summary = batch.summary or {}
        assert (summary.get("lines"), summary.get("errors")) == (count, faults), (batch.state, summary)
        key = batch.key
        db.session.remove()
    return seconds, key, found[0]


def warm_up(bases: list[Base], content: bytes) -> None:
    """Analyse a small file once a base: what a process does but once must not fall into the first measure."""
    for base in bases:
        analysed(base, content, workbooks.CYCLE, workbooks.planted(workbooks.CYCLE))


def bare_beside(base: Base) -> str:
    """Return under what name the bare read stands that took turns with a base."""
    return f"bare beside {base.name}"


def measure(bases: list[Base], content: bytes, count: int, rounds: int) -> Times:
    """Return the times on each base and of the bare read beside it, for a file of so many lines.

    One base after the other: PostgreSQL tidies up for some seconds after a large write, which another's time must not bear.
    """
    faults = workbooks.planted(count)
    times: Times = {}
    for base in bases:
        acts = {
            bare_beside(base): partial(timed, partial(bare_read, content)),
            base.name: partial(lambda base: analysed(base, content, count, faults)[0], base),
        }
        times |= turns(acts, rounds)
    return times


def rows(bases: list[Base], times: Times, count: int, *, largest: bool) -> Iterator[Row]:
    """Yield a row a base: the report beside the bare read."""
    for base in bases:
        mine, bare = median(times[base.name]), median(times[bare_beside(base)])
        yield Row(
            f"report of {count:,} lines, {title(base)}",
            f"{told(mine)}, {mine / count * 1e6:.1f} µs a line",
            f"calamine's bare read {told(bare)}",
            quotient(times[base.name], times[bare_beside(base)]),
            limit=TIMES_BARE_READ[base.name] if largest else None,
        )


def growth(bases: list[Base], times: Mapping[int, Times]) -> Iterator[Row]:
    """Yield what a line costs in the largest file, beside what it costs in one some twenty times smaller."""
    *_, small, _, large = sorted(times)
    for base in bases:
        costs = [median(times[count][base.name]) / count for count in (large, small)]
        texts = [f"{cost * 1e6:.1f} µs" for cost in costs]
        yield Row(
            f"a line among {large:,}, {title(base)}",
            texts[0],
            f"a line among {small:,}: {texts[1]}",
            costs[0] / costs[1],
        )


def memory(base: Base, content: bytes) -> Row:
    """Analyse in a process of its own and return its peak; the parser has one apart, bounded by the system."""
    base.reset()
    command = [sys.executable, "-m", "benchmarks.worker"]
    done = subprocess.run(command, input=content, stdout=subprocess.PIPE, env=_own(base), cwd=ROOT, check=True)
    peak = json.loads(done.stdout.splitlines()[-1])["peak_mib"]
    return Row(f"peak of the worker, {title(base)}", f"{peak:.0f} MiB", value=peak, limit=PEAK_MIB, unit="MiB")


def _own(base: Base) -> dict[str, str]:
    """Return the environment of a process of its own on a base."""
    config = base.app.config
    folder, url = str(config["DATA_DIR"]), config["SQLALCHEMY_DATABASE_URI"]
    return {**os.environ, "ENVIRONMENT": "test", "DATA_DIR": folder, "TODAY": TODAY, "DATABASE_URL": url}


def command(base: Base, path: Path, count: int, rounds: int) -> Row:
    """Return how long `analyse --json` takes, its start included, beside the report that a worker makes."""
    words = [sys.executable, "-m", "flask", "--app", "run", "analyse", str(path), "--siret", DEMO, "--json"]
    act = partial(subprocess.run, words, stdout=subprocess.DEVNULL, env=_own(base), cwd=ROOT, check=False)
    faults, content = workbooks.planted(count), path.read_bytes()
    acts = {"command": lambda: elapsed(act), "report": lambda: analysed(base, content, count, faults)[0]}
    times = turns(acts, rounds)
    mine, report = median(times["command"]), median(times["report"])
    ratio = quotient(times["command"], times["report"])
    return Row(f"analyse --json, {title(base)}", told(mine), f"the report {told(report)}", ratio, limit=TIMES_REPORT)


def first_page(base: Base, content: bytes, count: int, rounds: int) -> Row:
    """Analyse once more and return how long the report's first page takes a signed-in manager."""
    _, key, _ = analysed(base, content, count, workbooks.planted(count))
    client = base.app.test_client()
    client.post("/login/", data={"username": "gestionnaire@demo.example", "password": PASSWORD})

    def get() -> None:
        assert client.get(f"/imports/{key}").status_code == 200

    get()
    ms = medians({"page": lambda: elapsed(get)}, rounds)["page"] * 1000
    what = f"first page of the report of {count:,} lines, {title(base)}"
    return Row(what, f"{ms:.0f} ms", value=ms, limit=FIRST_PAGE_MS, unit="ms")
