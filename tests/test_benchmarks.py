"""The benchmarks measure what they say: the faults they plant are found, the rows they write are those of an import."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import func, select

from app.extensions import db
from app.models import Document, Registration
from benchmarks import imports, longest, registration, workbooks
from benchmarks.table import Row

LINES = 110


@pytest.fixture
def base(request: pytest.FixtureRequest, backends: Callable[[str], Any]) -> Iterator[Any]:
    """Give a base, with antivirus and queue kept out as in a run."""
    base = backends(getattr(request, "param", "sqlite"))
    with patch("app.services.imports.antivirus.check"), patch("app.services.core.outbox.ring"):
        yield base
    base.reset()


def test_a_report_finds_the_planted_faults_and_its_page_answers(base: Any, tmp_path: Path) -> None:
    content = workbooks.write(tmp_path / "sessions.xlsx", LINES).read_bytes()
    times = imports.measure([base], content, LINES, rounds=1)
    (row,) = imports.rows([base], times, LINES, largest=True)
    assert "110 lines" in row.what
    [mine], [bare] = times[base.name], times[imports.bare_beside(base)]
    assert row.ratio == mine / bare
    assert "ms" in imports.first_page(base, content, LINES, rounds=1).measured


def test_a_file_with_other_faults_than_the_planted_ones_stops_the_run(base: Any, tmp_path: Path) -> None:
    content = workbooks.write(tmp_path / "clean.xlsx", LINES, with_faults=False).read_bytes()
    with pytest.raises(AssertionError):
        imports.measure([base], content, LINES, rounds=1)


@pytest.mark.parametrize("base", ["sqlite", "postgresql"], indirect=True)
def test_the_bare_writing_leaves_the_rows_of_the_import(base: Any, tmp_path: Path) -> None:
    content = workbooks.write(tmp_path / "clean.xlsx", LINES, with_faults=False).read_bytes()
    assert set(registration.measure(base, content, LINES, rounds=1)) == {"ours", "bare"}
    with base.app.app_context():  # the bare writing came last, on the base as the analysis had left it
        counted = [db.session.scalar(select(func.count()).select_from(table)) for table in (Registration, Document)]
        db.session.remove()
    assert counted == [LINES, 2 * LINES]


def test_a_plan_is_told_without_what_was_never_executed() -> None:
    plan = """Limit  (actual time=1..2 rows=1 loops=1)
  InitPlan 1 (returns $0)
    ->  Result  (actual time=0.1..0.1 rows=1 loops=1)
  InitPlan 2 (returns $1)
    ->  Result  (never executed)
  ->  Index Scan using i on t  (actual time=0.1..0.1 rows=1 loops=1)
        Filter: ($0 OR (hashed SubPlan 3))
        SubPlan 3
          ->  Seq Scan on u  (never executed)
                Filter: (v = $1)
                InitPlan 4 (returns $2)
                  ->  Result  (never executed)
Planning Time: 1 ms"""
    lines = plan.splitlines()
    assert longest.executed(plan).splitlines() == [lines[at] for at in (0, 1, 2, 5, 6, 12)]


@pytest.mark.parametrize(
    ("row", "asked"),
    [
        (Row("report", "6 s", ratio=2.9, limit=3), "at most 3 x: holds"),
        (Row("report", "6 s", ratio=3.1, limit=3), "at most 3 x: MISSED"),
        (Row("documents", "17/s", ratio=2, value=17, limit=18, at_least=True, unit="/s"), "at least 18 /s: MISSED"),
        (Row("report", "6 s", ratio=3.1), ""),
    ],
)
def test_a_row_says_whether_what_is_asked_holds(row: Row, asked: str) -> None:
    assert row.asked == asked
