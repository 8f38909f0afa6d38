"""The bell: a real Redis, a real worker. The base is the truth; whatever the queue loses is rung again."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from rq.job import Job
from rq.queue import Queue
from sqlalchemy import func, select, text, update

from app.extensions import db
from app.jobs import work, worker
from app.models import Document, Outbox, Registration
from app.models.outbox import DOCUMENTS
from app.services.core import clock, outbox, queue
from app.services.registration import rows as registration_rows
from tests.bases import on_both
from tests.support import MARIE, many, registered


def states() -> set[str]:
    db.session.expire_all()
    return set(db.session.execute(select(Document.state)).scalars())


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw two registrations a job, so that a few lines make several jobs."""
    monkeypatch.setattr(registration_rows, "CHUNK", 2)


@on_both
@pytest.mark.usefixtures("small_chunks")
def test_registering_rings_and_a_worker_does_the_work(app: Flask, bell: str) -> None:
    registered(MARIE, *many(2))
    assert queue.length() == 2
    worker.work(burst=True)
    assert states() == {"available"}
    assert all(row.done_at for row in db.session.execute(select(Outbox)).scalars())


def waiting(count: int) -> list[str]:
    """Register so many people one by one and return the jobs that wait; the worker that starts rings for all rows itself."""
    for who in many(count):
        registered(who)
    queue.queue().empty()
    outbox.ring(again=True)
    return queue.queue().job_ids


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note each job for which the worker forks."""
    begun: list[str] = []
    fork = worker.WarmWorker.fork_work_horse

    def noted(self: worker.WarmWorker, job: Job, queue: Queue) -> None:
        begun.append(job.id)
        fork(self, job, queue)

    monkeypatch.setattr(worker.WarmWorker, "fork_work_horse", noted)
    return begun


@on_both
@pytest.mark.usefixtures("small_chunks")
def test_a_fork_goes_on_with_what_waits(
    app: Flask, bell: str, forks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "GOES_ON", 600.0)
    names = waiting(6)
    worker.work(burst=True)
    assert forks == names[:1]
    assert states() == {"available"}
    assert not queue.connection().exists(*(f"rq:job:{name}" for name in names)), "a job that is done leaves nothing"
    assert not queue.queue().intermediate_queue.get_job_ids()


@pytest.mark.usefixtures("small_chunks")
def test_a_fork_takes_nothing_more_once_its_time_is_over(
    app: Flask, bell: str, forks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "GOES_ON", 0.0)
    names = waiting(3)
    monkeypatch.setattr(outbox, "ring", lambda **_options: 0)
    worker.work(burst=True)
    assert forks == names
    assert states() == {"available"}


#: Connections of this base that keep a transaction open and do nothing in it.
HELD = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND state = 'idle in transaction'"
)


@pytest.mark.bases("postgresql")
@pytest.mark.usefixtures("small_chunks")
def test_a_fork_that_goes_on_leaves_no_transaction_open(
    app: Flask, bell: str, forks: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else a table that the first row read is held, and no migration gets it, for as long as there is work."""
    monkeypatch.setattr(worker, "GOES_ON", 600.0)
    names = waiting(3)
    found = tmp_path / "found"

    def looks(_payload: dict[str, Any]) -> None:
        with found.open("a") as file:
            file.write(f"{db.session.scalar(text(HELD))} ")

    monkeypatch.setitem(work.HANDLERS, DOCUMENTS, looks)
    db.session.rollback()
    worker.work(burst=True)
    assert forks == names[:1]
    assert found.read_text().split() == ["0", "0", "0"]


@pytest.mark.usefixtures("small_chunks")
def test_a_worker_told_to_stop_ends_after_the_row_in_hand(
    app: Flask, bell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "GOES_ON", 600.0)
    waiting(3)
    monkeypatch.setattr(outbox, "ring", lambda **_options: 0)
    draw = work.HANDLERS[DOCUMENTS]

    def told_to_stop(payload: dict[str, Any]) -> None:
        os.kill(os.getppid(), signal.SIGTERM)
        draw(payload)

    monkeypatch.setitem(work.HANDLERS, DOCUMENTS, told_to_stop)
    handlers = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        worker.work(burst=True)
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
    done = db.session.execute(select(func.count()).where(Outbox.done_at.is_not(None))).scalar_one()
    assert done == 1
    assert queue.length() == 2


@pytest.mark.usefixtures("small_chunks")
def test_a_row_that_fails_stops_none_of_those_behind_it(
    app: Flask, bell: str, forks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "GOES_ON", 600.0)
    waiting(3)
    second = select(Registration.id).order_by(Registration.id).offset(1).limit(1)
    broken = db.session.execute(second).scalar_one()
    draw = work.HANDLERS[DOCUMENTS]

    def fails(payload: dict[str, Any]) -> None:
        if broken in payload["registrations"]:
            raise RuntimeError
        draw(payload)

    monkeypatch.setitem(work.HANDLERS, DOCUMENTS, fails)
    worker.work(burst=True)
    assert len(forks) == 1
    failed = db.session.execute(select(Outbox.last_error, Outbox.done_at).where(Outbox.last_error.is_not(None))).all()
    assert [tuple(row) for row in failed] == [("RuntimeError", None)]
    assert states() == {"available", "pending"}


def test_jobs_carry_an_outbox_id_and_nothing_else(app: Flask, bell: str) -> None:
    registered(MARIE)
    [job] = queue.queue().jobs
    row = db.session.execute(select(Outbox)).scalar_one()
    assert (list(job.args), job.kwargs, job.meta) == ([row.id], {}, {})


def test_a_queue_that_is_down_does_not_stop_a_registration(app: Flask) -> None:
    batch = registered(MARIE)
    assert batch.state == "registered"
    assert states() == {"pending"}


def test_documents_come_once_the_queue_is_back(app: Flask, request: pytest.FixtureRequest) -> None:
    registered(MARIE)
    request.getfixturevalue("bell")
    outbox.ring()
    worker.work(burst=True)
    assert states() == {"available"}


@on_both
def test_a_bell_that_was_lost_is_rung_again_after_a_minute(app: Flask, bell: str) -> None:
    registered(MARIE)
    queue.queue().empty()
    assert outbox.ring() == 0
    db.session.execute(update(Outbox).values(rung_at=clock.machine_now() - outbox.RING_AGAIN * 2))
    db.session.commit()
    assert outbox.ring() == 1
    assert outbox.ring() == 0


@on_both
def test_a_starting_worker_rings_for_what_a_killed_one_had_taken(app: Flask, bell: str) -> None:
    registered(MARIE)
    queue.queue().empty()
    worker.work(burst=True)
    assert states() == {"available"}


@pytest.mark.usefixtures("small_chunks")
def test_the_queue_is_kept_short(app: Flask, bell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "WINDOW", 3)
    registered(*many(9))
    assert queue.length() == 3
    worker.work(burst=True)
    assert states() == {"available"}


@on_both
def test_a_row_given_up_is_not_rung(app: Flask, bell: str) -> None:
    registered(MARIE)
    queue.queue().empty()
    db.session.execute(update(Outbox).values(created_at=clock.machine_now() - outbox.GIVE_UP * 2, rung_at=None))
    db.session.commit()
    assert outbox.ring() == 0


@pytest.mark.usefixtures("small_chunks")
def test_a_small_batch_does_not_wait_behind_a_large_one(app: Flask, bell: str) -> None:
    registered(*many(10))
    queue.queue().empty()
    db.session.execute(update(Outbox).values(rung_at=None))
    db.session.commit()
    small = registered(MARIE).id
    order = [db.session.get_one(Outbox, job.args[0]).payload["registrations"] for job in queue.queue().jobs]
    mine = {r.id for r in db.session.query(Registration).filter_by(batch_id=small)}
    assert [bool(mine & set(ids)) for ids in order].index(True) == 1


def test_a_relay_that_died_alone_is_started_again(app: Flask, bell: str) -> None:
    bells = worker.WarmWorker([queue.queue()], connection=queue.connection(), serializer="json")
    bells.app, bells.relay = app, worker.start_relay(app)
    first = bells.relay
    try:
        bells.run_maintenance_tasks()
        assert bells.relay is first
        first.kill()
        first.join()
        bells.run_maintenance_tasks()
        assert bells.relay is not first
        assert bells.relay.is_alive()
    finally:
        bells.relay.kill()
        bells.relay.join()
