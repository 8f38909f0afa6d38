"""The bell: an RQ queue on Redis (REDIS_URL) or on the embedded Valkey of the data folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flask import current_app
from redis import Redis
from rq import worker_registration

from .queue_job import JOB, JOB_TIMEOUT, OutboxQueue


def connection() -> Redis:
    """Return the connection to the queue, made once a process; short time-outs, since a request may be waiting."""
    config = current_app.config
    known = current_app.extensions.get("queue")
    if known is None:
        known = current_app.extensions["queue"] = connect(config["REDIS_URL"], config["QUEUE_SOCKET"])
    return known  # type: ignore[no-any-return]


def connect(url: str, socket: Path) -> Redis:
    """Return a connection to the Redis of ``url``, or to the embedded one on its socket when it is empty."""
    address = url or f"unix://{socket}"
    return Redis.from_url(address, socket_connect_timeout=1, socket_timeout=5)


def queue() -> OutboxQueue:
    """Return the one queue of the program; its jobs carry an outbox id and nothing else."""
    return OutboxQueue(current_app.config["QUEUE_NAME"], connection=connection(), serializer="json")


def length() -> int:
    """Return how many jobs wait. Raises `redis.exceptions.RedisError` when the queue is down."""
    return queue().count


def workers() -> int:
    """Return how many workers of this queue are alive. Raises `redis.exceptions.RedisError` when the queue is down."""
    names = worker_registration.get_keys(queue())
    alive: int = connection().exists(*names) if names else 0  # type: ignore[assignment]
    return alive


def ring(rows: Sequence[tuple[int, bool]]) -> None:
    """Enqueue a job a row (outbox id, whether it goes before what waits), in one go.

    Raises `redis.exceptions.RedisError` when the queue is down.
    """
    jobs = [
        OutboxQueue.prepare_data(
            JOB, args=(outbox_id,), timeout=JOB_TIMEOUT, result_ttl=0, failure_ttl=0, at_front=at_front
        )
        for outbox_id, at_front in rows
    ]
    if jobs:
        queue().enqueue_many(jobs)
