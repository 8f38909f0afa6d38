"""Documents and mails in time, late, waiting: counted once each, whatever is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.extensions import db
from app.jobs import work
from app.models import Outbox, Registration
from app.models.outbox import DOCUMENTS, MAIL
from app.services.core import clock, outbox
from app.services.decisions import to_handle
from app.services.operations import service_levels
from app.services.operations.service_levels import Standing
from app.services.registration import rows as registration_rows
from tests.bases import BOTH, on_sqlite
from tests.shortcuts import without_drawing
from tests.support import MARIE, PIERRE, drain, many, person_id, registered, statements

BACKENDS = BOTH


def standing(kind: str) -> Standing:
    """Return where a kind of work stands."""
    return {one.kind: one for one in service_levels.standings()}[kind]


def counted(kind: str) -> tuple[int, int, int]:
    """Return how much is in time, late, overdue."""
    one = standing(kind)
    return one.in_time, one.late, one.overdue


def made_earlier(by: timedelta) -> None:
    """Have all that waits stand as if made due so long before."""
    for row in db.session.execute(select(Outbox).where(Outbox.done_at.is_(None))).scalars():
        row.created_at, row.due_at = row.created_at - by, row.due_at - by
        row.late_after = row.late_after and row.late_after - by
    db.session.commit()


@pytest.fixture(autouse=True)
def _undrawn() -> object:
    with without_drawing():
        yield


def test_documents_count_by_registration_and_mails_one_by_one(app: Flask) -> None:
    registered(MARIE, *many(2))
    assert (counted(DOCUMENTS), counted(MAIL)) == ((0, 0, 0), (0, 0, 0))
    drain()
    assert counted(DOCUMENTS) == (3, 0, 0)
    assert counted(MAIL) == (1, 0, 0), "two of them have no account: no mail is awaited"


def test_what_a_name_withholds_is_no_delay(app: Flask) -> None:
    registered({**MARIE, "first_name": "Mireille"}, PIERRE)
    assert db.session.execute(select(Registration.withheld).order_by(Registration.id)).scalars().all() == [True, False]
    drain()
    made_earlier(timedelta(days=2))
    assert (counted(DOCUMENTS), standing(DOCUMENTS).oldest) == ((2, 0, 0), 0)
    assert counted(MAIL) == (0, 0, 0)


def test_what_waits_too_long_is_late_before_it_is_done_and_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration_rows, "CHUNK", 2)
    registered(*many(3))
    made_earlier(timedelta(minutes=4))
    assert counted(DOCUMENTS) == (0, 0, 0)
    assert 240 <= standing(DOCUMENTS).oldest < 300
    first, second = db.session.execute(select(Outbox.id).order_by(Outbox.id)).scalars()
    work.run(second)
    made_earlier(timedelta(seconds=90))
    assert counted(DOCUMENTS) == (1, 0, 0), "done in time by half a minute, it may not be written yet"
    made_earlier(timedelta(minutes=1))
    assert counted(DOCUMENTS) == (1, 2, 2)
    assert standing(DOCUMENTS).oldest >= 360
    work.run(first)
    assert counted(DOCUMENTS) == (1, 2, 0)
    assert standing(DOCUMENTS).oldest == 0


def test_trying_again_begins_no_time_anew(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row given up after 48 hours stays late; an agent's « Relancer » starts it afresh, and still it is late."""
    registered(*many(1))
    monkeypatch.setitem(work.HANDLERS, DOCUMENTS, lambda _payload: 1 / 0)
    drain()
    monkeypatch.undo()
    assert counted(DOCUMENTS) == (0, 0, 0), "tried in vain, and still in time"
    made_earlier(timedelta(days=3))
    assert counted(DOCUMENTS) == (0, 1, 1)
    row = db.session.execute(select(Outbox)).scalar_one()
    to_handle.retry(row.id, person_id("agent@demo.example"))
    assert counted(DOCUMENTS) == (0, 1, 1)
    with without_drawing():
        work.run(row.id)
    assert counted(DOCUMENTS) == (0, 1, 0)


def test_a_mail_planned_for_later_has_its_time_from_then_on(app: Flask) -> None:
    outbox.add(MAIL, [{"mail": 1}], due_at=clock.machine_now() + timedelta(minutes=30))
    db.session.commit()
    assert (counted(MAIL), standing(MAIL).oldest) == ((0, 0, 0), 0)
    made_earlier(timedelta(minutes=42))
    assert counted(MAIL) == (0, 1, 1)


def test_other_work_is_never_late_nor_a_past_written_at_once(app: Flask) -> None:
    registered(*many(1))
    outbox.put_behind()
    outbox.add("export", [{"export": 1}])
    db.session.commit()
    made_earlier(timedelta(days=1))
    assert [one.late for one in service_levels.standings()] == [0, 0]
    db.session.execute(update(Outbox).where(Outbox.kind == DOCUMENTS).values(due_at=clock.machine_now()))
    db.session.commit()
    drain()
    assert counted(DOCUMENTS) == (0, 0, 0)


@on_sqlite
def test_what_was_done_long_ago_is_not_read(app: Flask) -> None:
    """One statement says it all, and finds what waits by the index of what waits."""
    with statements() as seen:
        service_levels.standings()
    (asked,) = seen
    explained = f"EXPLAIN QUERY PLAN {asked}"
    plan = db.session.connection().exec_driver_sql(explained, (0,) * asked.count("?")).all()
    reads = [step for *_, step in plan if "outbox" in step]
    assert len(reads) == 2
    assert all("USING INDEX ix_outbox_due" in step for step in reads), reads
