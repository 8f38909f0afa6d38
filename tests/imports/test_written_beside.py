"""The lines of a large file are written by a process of its own: the report is the same, and one that breaks is never shown."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.extensions import db
from app.models import Batch, BatchLine, Outbox
from app.services.core.transaction import transaction, whole
from app.services.imports import analysing, beside, intake, judging, storing
from app.services.imports.beside import Beside, Broken
from app.services.imports.reading import OnLines, Sheet
from app.services.registration import batches
from app.validators.batch import Report
from app.validators.file import Kind
from tests.bases import on_both
from tests.imports.importing import FIRST_TABLE, sheet
from tests.registration.test_analysis import SECOND_TABLE
from tests.support import centre_id, drain, person_id

pytestmark = pytest.mark.usefixtures("app")
#: More lines than one step holds, with some of each kind, and one that repeats a line of an earlier step.
TABLE = [*FIRST_TABLE, *SECOND_TABLE, SECOND_TABLE[1]]


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Take each three lines for a step of a large file; the ids of the processes that were started."""
    started: list[int] = []
    read = analysing.reading.read

    def by_threes(path: Path, kind: Kind, on_lines: OnLines) -> Sheet:
        sheet = read(path, kind)
        for at in range(0, len(sheet.lines), 3):
            on_lines(sheet.lines[at : at + 3], sheet.rows)
        return sheet

    begin = Beside.__init__

    def noted(self: Beside, act: object) -> None:
        begin(self, act)  # type: ignore[arg-type]
        started.append(self._pid)

    monkeypatch.setattr(Beside, "__init__", noted)
    monkeypatch.setattr(storing, "MANY", 1)
    monkeypatch.setattr(judging, "STEP", 1)
    monkeypatch.setattr(analysing.reading, "read", by_threes)
    return started


def received() -> int:
    return intake.receive(centre_id(), person_id(), "sessions.xlsx", io.BytesIO(sheet(TABLE))).id


def kept(batch_id: int) -> list[tuple[object, ...]]:
    """Return all that the base holds of the lines, in the order in which they are shown."""
    table = BatchLine.__table__
    columns = [column for column in table.c if column.name != "batch_id"]
    query = select(*columns).where(table.c.batch_id == batch_id).order_by(table.c.rank, table.c.number)
    return [tuple(row) for row in db.session.execute(query)]


def state_of(batch_id: int) -> str:
    db.session.expire_all()
    return str(db.session.get_one(Batch, batch_id).state)


@on_both
def test_written_beside_or_here_the_report_is_the_same(large: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    there = received()
    drain()
    assert len(large) == 1
    monkeypatch.setattr(storing, "MANY", 1_000)
    here = received()
    drain()
    assert len(large) == 1
    one, other = (db.session.get_one(Batch, batch_id, populate_existing=True) for batch_id in (there, here))
    assert kept(there) == kept(here) != []
    assert (one.state, one.summary) == (other.state, other.summary)
    assert one.file is not None
    assert (one.file.phase, one.file.done, one.file.total) == ("storing", len(TABLE), len(TABLE))


@on_both
def test_lines_that_were_not_written_are_never_shown_and_are_written_when_tried_again(
    large: list[int], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What is logged of it names the failure, not the rows that it speaks of."""
    batch_id, insert, me = received(), batches.insert_columns, os.getpid()

    def full(batch: int, columns: batches.LineColumns) -> None:
        assert os.getpid() != me
        insert(batch, columns)
        raise OSError("Failing row contains (1, DUPONT, Pierre)")

    with monkeypatch.context() as patch:
        patch.setattr(batches, "insert_columns", full)
        drain()
    assert (state_of(batch_id), kept(batch_id)) == ("analysing", [])
    assert "DUPONT" not in "".join(capfd.readouterr())
    analysing.analyse(batch_id)
    assert (state_of(batch_id), len(kept(batch_id)), len(large)) == ("in_error", len(TABLE), 2)


def test_a_writer_that_is_killed_is_a_failure(large: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    batch_id, report_of = received(), judging.report_of

    def killed(rows: list[storing.Row]) -> Report:
        os.kill(large[0], signal.SIGKILL)
        return report_of(rows)

    monkeypatch.setattr(judging, "report_of", killed)
    with pytest.raises(Broken):
        analysing.analyse(batch_id)
    assert state_of(batch_id) == "analysing"


def test_cancelled_meanwhile_nothing_of_it_is_kept(large: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    batch_id, compare = received(), judging.compare

    def cancelled(rows: list[storing.Row]) -> list[storing.Row]:
        batches.cancel(batch_id, person_id())
        return compare(rows)

    monkeypatch.setattr(judging, "compare", cancelled)
    drain()
    assert (state_of(batch_id), kept(batch_id)) == ("cancelled", [])
    assert db.session.scalar(select(func.count()).select_from(Outbox).where(Outbox.done_at.is_(None))) == 0


def test_inside_a_greater_whole_nothing_is_written_beside(large: list[int]) -> None:
    batch_id = received()
    with whole():
        analysing.analyse(batch_id)
    assert (large, len(kept(batch_id))) == ([], len(TABLE))


def test_no_connection_is_carried_over() -> None:
    assert beside.possible()
    with transaction():
        db.session.execute(select(Batch.id)).all()
        assert not beside.possible()
