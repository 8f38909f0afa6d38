"""What is to be done later: rows of the base, written with what makes them due; the queue only rings the bell.

A worker claims a row for the length of a lease, does the work and marks it done in the transaction of the result. Killed in
between, the lease runs out and the row is rung again; twice is harmless, since results carry unique constraints.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import Table, exists, func, insert, select, true, update

from app.extensions import db
from app.models import Outbox
from app.models.outbox import LATE_AFTER

from . import actor, clock, queue, trace
from .taking import taken
from .transaction import is_whole, transaction

log = structlog.get_logger()

RING_AGAIN = timedelta(minutes=1)
#: Rows in the queue at once; the base holds the rest.
WINDOW = 20
#: Waits after each failure; the last one repeats until GIVE_UP.
BACKOFF = tuple(timedelta(seconds=s) for s in (10, 60, 300, 1800, 7200))
#: A row is not tried again after this; it stands in « À traiter ».
GIVE_UP = timedelta(hours=48)


class Later(Exception):
    """The work waits for other work that is on its way: it is put off."""


def add(kind: str, payloads: Iterable[dict[str, Any]], *, first_turn: int = 0, due_at: datetime | None = None) -> None:
    """Write one row a payload, due at once, in the caller's transaction; the n-th has the n-th turn, so that a small batch
    does not wait behind all of a large one.

    ``due_at``: work that is planned for later stands as if made then, so that nobody takes it for late.
    """
    now = due_at or clock.machine_now()
    common = {
        "kind": kind,
        "created_at": now,
        "due_at": now,
        "attempts": 0,
        "trace": trace.current() or None,
        "late_after": now + LATE_AFTER[kind] if kind in LATE_AFTER else None,
    }
    rows = [{**common, "payload": payload, "turn": turn} for turn, payload in enumerate(payloads, first_turn)]
    if rows:  # by a plain insert, which reads nothing back: whoever makes work due may not read what waits
        db.session.execute(insert(cast(Table, Outbox.__table__)).inline(), rows)


@actor.acting(actor.PROGRAM)
def ring(*, again: bool = False) -> int:
    """Ring the queue for rows that are due and return how many; a queue that is down is only logged.

    A row is rung once a minute at most (``again``: now, whatever was rung before: a worker that starts knows nothing of
    what a killed one had taken). The queue is kept short: the worker rings for the next rows as it goes.
    """
    if is_whole():
        return 0  # nobody sees the rows yet: who ends the transaction rings
    now = clock.machine_now()
    lost = now if again else now - RING_AGAIN
    try:
        room = WINDOW - queue.length()
        query = (
            select(Outbox.id, Outbox.turn)
            .where(Outbox.done_at.is_(None), Outbox.due_at <= now, Outbox.created_at > now - GIVE_UP)
            .where((Outbox.rung_at.is_(None)) | (Outbox.rung_at < lost))
            .order_by(Outbox.turn, Outbox.id)
            .limit(max(room, 0))
        )
        due = db.session.execute(query).all()
        ids = [outbox_id for outbox_id, _ in due]
        queue.ring([(outbox_id, turn < 0) for outbox_id, turn in due])
    except RedisError as error:
        log.warning("queue unreachable, the relay will ring again", error=type(error).__name__)
        return 0
    if ids:
        with transaction():
            db.session.execute(update(Outbox).where(Outbox.id.in_(ids)).values(rung_at=now))
    return len(ids)


def put_behind(after: int = 0, before: datetime | None = None) -> None:
    """Make all that waits due now, the newest first, behind whatever is made due from here on; no commit.

    For the work of a past that is written at once (the demonstration's): what people do meanwhile does not wait for it, and
    none of it is late. ``after``: the row from which on, of those made ``before`` an instant; these come behind all others, the
    oldest first.
    """
    now = clock.machine_now()
    waits = Outbox.done_at.is_(None) & (Outbox.id > after)
    waits &= Outbox.created_at < before if before else true()
    newest = db.session.scalar(select(func.max(Outbox.id))) or 0
    db.session.execute(
        update(Outbox)
        .where(waits)
        .values(
            created_at=now, due_at=now, late_after=None, turn=newest + Outbox.id if after else newest + 1 - Outbox.id
        )
        .execution_options(synchronize_session=False)
    )


def waits(kind: str) -> bool:
    """Tell whether work of a kind is still to be done, and not given up."""
    own = (Outbox.kind == kind, Outbox.done_at.is_(None), Outbox.created_at > clock.machine_now() - GIVE_UP)
    return bool(db.session.scalar(select(exists().where(*own))))


def claim(outbox_id: int) -> Outbox | None:
    """Take a row for the length of a lease, or answer None: done already, or another worker has it."""
    now = clock.machine_now()
    with transaction():
        won = taken(
            update(Outbox)
            .where(Outbox.id == outbox_id, Outbox.done_at.is_(None), Outbox.due_at <= now)
            .values(due_at=now + timedelta(seconds=current_app.config["OUTBOX_LEASE"]), attempts=Outbox.attempts + 1)
        )
    return db.session.get(Outbox, outbox_id) if won else None


def finish(outbox_id: int) -> None:
    """Mark a row done, in the transaction of its result."""
    db.session.execute(
        update(Outbox).where(Outbox.id == outbox_id).values(done_at=clock.machine_now(), last_error=None)
    )


def fail(outbox_id: int, error: BaseException) -> None:
    """Note a failure and put the row off, longer each time. The note names the error, never personal data.

    What only waits (:class:`Later`) has not failed: agents see it once it is late.
    """
    with transaction():
        row = db.session.get_one(Outbox, outbox_id)
        row.rung_at = None
        row.due_at = clock.machine_now() + BACKOFF[min(row.attempts, len(BACKOFF)) - 1]
        row.last_error = None if isinstance(error, Later) else type(error).__name__
