"""The bell: a real Redis, a real worker. The base is the truth; whatever the queue loses is rung again."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.extensions import db
from app.jobs import worker
from app.models import Document, Outbox, Registration
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
