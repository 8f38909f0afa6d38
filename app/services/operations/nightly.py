"""What the relay makes due once a day, in the small hours of Paris: the lists of revocations, the invoices of the month,
reminding of those that are due or late, verifying the documents, the purge, the look for registrations that seem mistyped, the
reminders, counting the registrations of each day, and the look at every invariant.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.models import NightlyTask, Outbox
from app.models.outbox import (
    BACKUP,
    CHECK,
    DUNNING,
    INVOICES,
    LOOK_ALIKES,
    NIGHTLY,
    PURGE,
    REMINDERS,
    REVOCATIONS,
    VERIFY,
    VOLUMES,
)
from app.services.core import clock, outbox, trace
from app.services.core.transaction import transaction

#: From this hour on (Paris), when nobody registers; a machine that slept then does it when it wakes.
HOUR = 3
#: Behind whatever else waits.
LAST_TURN = 1_000_000
#: They hand themselves on, share by share: on a very large register for longer than a day.
IN_SHARES = (VERIFY, CHECK)


def make_due(now: datetime | None = None) -> list[str]:
    """Write an outbox row for each task whose turn of the day nobody took yet; return which.

    One whose look of an earlier night still goes on does not begin beside itself: its turn waits for the end of that one.
    Days are real ones, whatever TODAY says: a frozen day would have one night only.
    """
    instant = (now or clock.machine_now()).astimezone(clock.PARIS)
    if instant.hour < HOUR:
        return []
    known = set(db.session.execute(select(NightlyTask.task).where(NightlyTask.day == instant.date())).scalars())
    tasks = (REVOCATIONS, INVOICES, DUNNING, VERIFY, PURGE, LOOK_ALIKES, REMINDERS, VOLUMES, CHECK)
    if not known.issuperset(IN_SHARES):
        known |= _going_on()
    return [task for task in tasks if task not in known and _take(task, instant)]


def _going_on() -> set[str]:
    """Return the tasks of which a share is still to be done, but for one that nobody tries any more."""
    task = Outbox.payload["task"].as_string()
    waits = (Outbox.done_at.is_(None), Outbox.created_at > clock.machine_now() - outbox.GIVE_UP)
    return set(db.session.execute(select(task).where(Outbox.kind == NIGHTLY, *waits, task.in_(IN_SHARES))).scalars())


def note_backup() -> None:
    """Note that a backup stands, by the real day and instant; `/metrics` says how old the last one is."""
    now = clock.machine_now()
    with transaction():
        db.session.merge(NightlyTask(task=BACKUP, day=now.astimezone(clock.PARIS).date(), started_at=now))


def _take(task: str, instant: datetime) -> bool:
    try:
        with trace.stretch("task", task), transaction():
            db.session.add(NightlyTask(task=task, day=instant.date(), started_at=instant.astimezone(UTC)))
            db.session.flush()
            outbox.add(NIGHTLY, [{"task": task}], first_turn=LAST_TURN)
    except IntegrityError:  # another worker's relay was first
        return False
    return True
