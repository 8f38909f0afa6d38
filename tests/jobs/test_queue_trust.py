"""Redis is not trusted: the worker does the program's one job, with an outbox id, and refuses whatever else lies there."""

from __future__ import annotations

import json
import pickle
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from rq import Queue
from rq.registry import StartedJobRegistry
from rq.serializers import PickleSerializer
from sqlalchemy import select
from structlog.testing import capture_logs

from app.extensions import db
from app.jobs import worker
from app.models import Document, Outbox
from app.services.core import queue
from tests.shortcuts import without_drawing
from tests.support import MARIE, registered

#: Where the planted jobs leave their mark; a trusting worker touches it.
MARK: list[Path] = []


def touch(*_words: Any, **_options: Any) -> None:
    """Leave a mark: what a planted job or callback calls."""
    MARK[0].touch()


class Bomb:
    """What executes as it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (Path.touch, (MARK[0],))


@pytest.fixture(autouse=True)
def _undrawn() -> Iterator[None]:
    """Which jobs are done is asked here, not how their documents look: neither the worker nor its forks draw."""
    with without_drawing():
        yield


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    MARK[:] = [tmp_path / "mark"]
    return MARK[0]


def plant(strange: dict[Any, Any], name: str = "planted") -> None:
    """Put a job into the queue by hand, as somebody would who holds Redis: ours in all but what is strange."""
    fields = {"data": json.dumps([queue.JOB, None, [10**9], {}]).encode(), **strange}
    data = fields.pop("data")
    redis, ours = queue.connection(), queue.queue()
    redis.delete(f"rq:job:{name}")
    known = {"created_at": "2022-01-10T00:00:00.000000Z", "status": "queued", "origin": ours.name, "timeout": "110"}
    redis.hset(f"rq:job:{name}", mapping={**known, "data": zlib.compress(data), **fields})
    redis.rpush(ours.key, name)


def run_worker() -> list[str]:
    """Let a worker do what waits, and return why it refused jobs."""
    with capture_logs() as said:
        worker.work(burst=True)
    return [line["reason"] for line in said if line["event"] == "job refused"]


CALL = "tests.jobs.test_queue_trust.touch"
STRANGE: dict[str, Callable[[], dict[Any, Any]]] = {
    "another function": lambda: {"data": json.dumps([CALL, None, [], {}]).encode()},
    "a function of ours": lambda: {"data": json.dumps(["app.services.retention.purge.purge", None, [], {}]).encode()},
    "a function beside it": lambda: {"data": json.dumps(["app.jobs.work.run_due", None, [1], {}]).encode()},
    "a command": lambda: {"data": json.dumps(["os.system", None, ["true"], {}]).encode()},
    "an instance": lambda: {"data": json.dumps([queue.JOB, "text", [1], {}]).encode()},
    "an argument too many": lambda: {"data": json.dumps([queue.JOB, None, [1, 2], {}]).encode()},
    "a text": lambda: {"data": json.dumps([queue.JOB, None, ["1"], {}]).encode()},
    "true": lambda: {"data": json.dumps([queue.JOB, None, [True], {}]).encode()},
    "a fraction": lambda: {"data": json.dumps([queue.JOB, None, [1.5], {}]).encode()},
    "a huge number": lambda: {"data": json.dumps([queue.JOB, None, [2**70], {}]).encode()},
    "a named argument": lambda: {"data": json.dumps([queue.JOB, None, [], {"outbox_id": 1}]).encode()},
    "no list": lambda: {"data": b'{"run": 1}'},
    "no JSON": lambda: {"data": b"\xff\x00"},
    "much nested": lambda: {"data": b"[" * 5000},
    "a bomb of zeros": lambda: {"data": b"0" * 50_000_000},
    "a pickle": lambda: {"data": PickleSerializer.dumps((queue.JOB, None, (1,), {}))},
    "a pickle that acts": lambda: {"data": pickle.dumps(Bomb())},
    "meta": lambda: {"meta": b'{"a": 1}'},
    "meta that acts": lambda: {"meta": pickle.dumps(Bomb())},
    "a result": lambda: {"result": pickle.dumps(Bomb())},
    "on success": lambda: {"success_callback_name": CALL},
    "on failure": lambda: {"failure_callback_name": CALL},
    "on stop": lambda: {"stopped_callback_name": CALL},
    "a webhook": lambda: {"webhooks": b'[{"url": "http://127.0.0.1:9/", "job_status": "finished"}]'},
    "a dependency": lambda: {"dependency_ids": b'["other"]'},
    "an old dependency": lambda: {"dependency_id": "other"},
    "retries": lambda: {"retries_left": "9"},
    "repeats": lambda: {"repeats_left": "9", "repeat_intervals": "[1]"},
    "a group": lambda: {"group_id": "all"},
    "a limit": lambda: {"rate_limit_key": "k", "rate_limit_concurrency": "1"},
    "an unknown field": lambda: {"new_in_rq_4": "x"},
    "an odd field name": lambda: {b"\xff": "x"},
    "an odd day": lambda: {"created_at": "yesterday"},
    "an odd status": lambda: {"status": "splendid"},
    "an odd time": lambda: {"timeout": "soon"},
}  # fmt: skip


@pytest.mark.parametrize("kind", STRANGE)
def test_a_job_that_is_not_ours_is_refused_and_what_is_ours_is_done(
    app: Flask, bell: str, mark: Path, kind: str
) -> None:
    plant(STRANGE[kind]())
    registered(MARIE)
    assert len(run_worker()) == 1
    assert not mark.exists()
    db.session.expire_all()
    assert set(db.session.execute(select(Document.state)).scalars()) == {"available"}
    assert not queue.connection().keys("rq:job:planted*"), "what is refused does not stay"
    assert queue.connection().llen(f"{queue.queue().key}:intermediate") == 0


def test_rqs_own_doors_are_closed_too(app: Flask, bell: str, mark: Path) -> None:
    theirs = Queue(app.config["QUEUE_NAME"], connection=queue.connection())  # pickles, as RQ does by default
    theirs.enqueue(touch)
    theirs.enqueue(queue.JOB, 1, on_success=touch, meta={"a": 1})
    json_too = Queue(app.config["QUEUE_NAME"], connection=queue.connection(), serializer="json")
    first = json_too.enqueue(CALL)
    json_too.enqueue(CALL, depends_on=first)
    json_too.enqueue(queue.JOB, 1, meta={"a": 1})
    assert len(run_worker()) == 4
    assert not mark.exists()


@pytest.mark.parametrize("name", [b"\xff\xfe", b"a:b", b"x" * 5000, b""])
def test_a_name_that_is_none_of_ours_is_refused(app: Flask, bell: str, mark: Path, name: bytes) -> None:
    queue.connection().rpush(queue.queue().key, name)
    registered(MARIE)
    assert len(run_worker()) == 1
    assert all(row.done_at for row in db.session.execute(select(Outbox)).scalars())
    assert queue.connection().llen(f"{queue.queue().key}:intermediate") == 0


def test_a_job_of_another_kind_of_value_is_refused(app: Flask, bell: str) -> None:
    queue.connection().set("rq:job:planted", "text")
    queue.connection().rpush(queue.queue().key, "planted")
    registered(MARIE)
    assert len(run_worker()) == 1
    assert all(row.done_at for row in db.session.execute(select(Outbox)).scalars())


def test_what_waits_on_our_job_is_not_woken(app: Flask, bell: str, mark: Path) -> None:
    registered(MARIE)
    [job] = queue.queue().jobs
    call = json.dumps([CALL, None, [], {}]).encode()
    plant({"data": call, "status": "deferred", "dependency_ids": json.dumps([job.id])})
    queue.connection().lrem(queue.queue().key, 1, "planted")
    queue.connection().sadd(f"rq:job:{job.id}:dependents", "planted")
    run_worker()
    assert not mark.exists()
    assert queue.queue().count == 0


def test_a_registry_runs_no_callback(app: Flask, bell: str, mark: Path) -> None:
    plant({"failure_callback_name": CALL, "status": "started", "worker_name": "w"})
    queue.connection().lrem(queue.queue().key, 1, "planted")
    queue.connection().zadd(StartedJobRegistry(queue=queue.queue()).key, {"planted:1": time.time() - 600})
    registered(MARIE)
    assert run_worker()
    assert not mark.exists()
    assert all(row.done_at for row in db.session.execute(select(Outbox)).scalars())


@pytest.mark.parametrize("key", ["wip", "failed", "finished", "deferred", "ready"])
def test_a_registry_of_nonsense_does_not_stop_the_worker(app: Flask, bell: str, key: str) -> None:
    name = f"rq:{key}:{queue.queue().name}"
    queue.connection().set(name, "text")
    registered(MARIE)
    worker.work(burst=True)
    queue.connection().delete(name)
    assert all(row.done_at for row in db.session.execute(select(Outbox)).scalars())


@pytest.mark.parametrize("order", ['{"command": "shutdown"}', '{"command": "kill-horse"}', "nonsense", '{"a": 1}'])
def test_orders_by_redis_are_refused(app: Flask, bell: str, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.kill", lambda *_: pytest.fail("the worker obeyed"))
    bells = worker.WarmWorker([queue.queue()], connection=queue.connection(), serializer="json")
    with capture_logs() as said:
        bells.handle_payload({"data": order.encode()})
    assert [line["event"] for line in said] == ["order to the worker refused"]


def test_a_pause_ordered_by_redis_is_not_kept(app: Flask, bell: str) -> None:
    registered(MARIE)
    queue.connection().set("rq:suspended", 1)
    try:
        worker.work(burst=True)
    finally:
        queue.connection().delete("rq:suspended")
    assert all(row.done_at for row in db.session.execute(select(Outbox)).scalars())
