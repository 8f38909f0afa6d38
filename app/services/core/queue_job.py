"""What is believed of Redis: that an outbox id waits. Whoever holds Redis could put anything there; it never becomes an act.

A job is read by :class:`OutboxJob` alone, wherever RQ fetches one: its call is the program's one job with one outbox id, and
none of RQ's other doors (callbacks, webhooks, dependencies, meta, retries, groups) stands open. Anything else is refused,
said in the log and removed; what it may have pushed aside the relay rings again.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from flask import current_app
from redis import Redis
from redis.exceptions import ResponseError
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job

log = structlog.get_logger()

#: The only function that the queue may call.
JOB = "app.jobs.work.run"
JOB_TIMEOUT = 110
#: Bytes that a job's call takes at the very most, packed or not.
LONGEST = 1000
LARGEST_ID = 2**63 - 1
#: What RQ itself writes of a job of ours, and reads again.
READ = frozenset(
    {"data", "created_at", "enqueued_at", "started_at", "ended_at", "last_heartbeat", "worker_name", "status", "timeout",
     "result_ttl", "failure_ttl"}
)  # fmt: skip
#: What it writes and we do not take from it.
LEFT = frozenset({"origin", "description"})
_NAME = re.compile(rb"[A-Za-z0-9_-]{1,64}")


class Untrusted(NoSuchJobError):
    """A job that is not ours; for RQ there is none."""


class OutboxJob(Job):
    """A job that says which row of the outbox waits, and nothing else."""

    def refresh(self) -> None:
        """Read the job. Raises :class:`Untrusted`, having removed it, when it is none of ours."""
        try:
            super().refresh()  # type: ignore[no-untyped-call]
        except (Untrusted, ResponseError) as refusal:
            queue_key = f"{Queue.redis_queue_namespace_prefix}{current_app.config['QUEUE_NAME']}"
            _say(self.id, refusal)
            self.connection.delete(self.key)
            IntermediateQueue(queue_key, self.connection).remove(self.id)
            raise Untrusted(str(refusal)) from None

    def restore(self, raw_data: Mapping[bytes | str, Any]) -> None:
        """Take from Redis what RQ must know of a job of ours. Raises :class:`Untrusted`."""
        try:
            fields = {_text(name): value for name, value in raw_data.items()}
            outbox_id = _call(fields)
            super().restore({name: value for name, value in fields.items() if name in READ})
        except Untrusted:
            raise
        except Exception as error:  # whatever it is that cannot be read
            raise Untrusted(f"unreadable: {type(error).__name__}") from None
        self.data = json.dumps([JOB, None, [outbox_id], {}]).encode()
        self.origin = current_app.config["QUEUE_NAME"]
        self.timeout, self.result_ttl, self.failure_ttl = JOB_TIMEOUT, 0, 0

    @classmethod
    def fetch_many(cls, job_ids: Iterable[str], connection: Redis, serializer: Any = None) -> list[Job | None]:
        """Return no job: only dependents and groups are fetched so, and ours have none."""
        return [None for _ in job_ids]


class OutboxQueue(Queue):
    """The queue, its jobs read as ours or not at all."""

    job_class = OutboxJob

    @classmethod
    def lmove(cls, connection: Redis, queue_key: str, timeout: int | None) -> tuple[str, bytes] | None:
        """Return the next name in the queue; one that no job of ours could have is refused."""
        while moved := super().lmove(connection, queue_key, timeout):
            if _NAME.fullmatch(moved[1]):
                return moved  # type: ignore[no-any-return]
            _say(repr(moved[1][:64]), "no name of a job")
            connection.lrem(IntermediateQueue.get_intermediate_queue_key(queue_key), 0, moved[1])
        return None


def _say(job: str, reason: object) -> None:
    log.warning("job refused", job=job, reason=str(reason)[:200])


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _call(fields: Mapping[str, Any]) -> int:
    """Return the outbox id of a job of ours. Raises :class:`Untrusted`, saying what is wrong, or what reading it raises."""
    if strange := sorted(name for name, value in fields.items() if value and name not in READ | LEFT):
        raise Untrusted(f"it brings {strange[0][:40]!r}")
    match json.loads(_unpacked(fields["data"]).decode()):
        case [str(name), None, [int(outbox_id)], dict(options)] if name == JOB and not options:
            if type(outbox_id) is int and 0 < outbox_id <= LARGEST_ID:
                return outbox_id
            raise Untrusted("no outbox id")
        case [str(name), *_]:
            raise Untrusted(f"it calls {name[:80]!r}, or not as we do")
    raise Untrusted("no call")


def _unpacked(data: bytes) -> bytes:
    """Return a call's bytes, unpacked where they are packed, never more than :data:`LONGEST`."""
    if len(data) > LONGEST:
        raise Untrusted("longer than a call of ours")
    reader = zlib.decompressobj()
    try:
        text = reader.decompress(data, LONGEST)
    except zlib.error:
        return data
    if reader.unconsumed_tail:
        raise Untrusted("longer than a call of ours")
    return text
