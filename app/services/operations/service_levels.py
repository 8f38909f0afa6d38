"""Whether documents and mails are done in time: counted as the work is done, in its transaction.

It is asked of work that can be done: a driver without account has no mail to wait for, and what a name withholds is drawn like
any other. Time runs from the instant the work was due; trying again, or an agent's « Relancer », does not begin it anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, case, func, literal, select, update

from app.extensions import db
from app.models import Outbox, ServiceLevel
from app.models.outbox import DOCUMENTS, LATE_AFTER
from app.services.core import clock
from app.services.core.dialect import length_of

#: Undone work is late only this long after its time: what was done in time may not be written yet, and what was counted as
#: late must never be taken back.
WRITTEN_WITHIN = timedelta(minutes=1)


class Standing(NamedTuple):
    """Where a kind of work stands: done in time, late (done or not) since counting began; of the late what still waits,
    and for how many seconds the oldest of all has waited, 0 where nothing waits.
    """

    kind: str
    in_time: int
    late: int
    overdue: int
    oldest: float


def note(kind: str, payload: Mapping[str, Any], late_after: datetime | None) -> None:
    """Count a row of work that is done, in the transaction of its result; one that is never late counts for nothing.

    The last thing before the commit: whoever else counts waits for it.
    """
    if late_after is None:
        return
    count = len(payload["registrations"]) if kind == DOCUMENTS else 1
    column = ServiceLevel.in_time if clock.machine_now() <= late_after else ServiceLevel.late
    db.session.execute(
        update(ServiceLevel)
        .where(ServiceLevel.kind == kind)
        .values({column: column + count})
        .execution_options(synchronize_session=False)
    )


def standings() -> list[Standing]:
    """Return where each kind of work stands, by one statement: a row that is done meanwhile is counted once.

    Undone rows are read by an index of their own; those done long ago are not read at all.
    """
    now = clock.machine_now()
    undone = (Outbox.done_at.is_(None), Outbox.kind == ServiceLevel.kind)
    late = func.coalesce(func.sum(case((Outbox.late_after < now - WRITTEN_WITHIN, _weight()), else_=0)), 0)
    overdue, oldest = (
        select(found).where(*undone).correlate(ServiceLevel).scalar_subquery()
        for found in (late, func.min(Outbox.late_after))
    )
    rows = select(ServiceLevel.kind, ServiceLevel.in_time, ServiceLevel.late, overdue, oldest).order_by(
        ServiceLevel.kind
    )
    return [
        Standing(kind, in_time, done_late + int(waits), int(waits), _waited(kind, late_after, now))
        for kind, in_time, done_late, waits, late_after in db.session.execute(rows)
    ]


def _weight() -> ColumnElement[int]:
    """Return, as SQL, for how many a row of work counts."""
    return case((Outbox.kind == DOCUMENTS, length_of(Outbox.payload, "registrations")), else_=literal(1))


def _waited(kind: str, late_after: datetime | None, now: datetime) -> float:
    if late_after is None:
        return 0.0
    return max((now - late_after + LATE_AFTER[kind]).total_seconds(), 0.0)
