"""The reminders of a day, made due with the row that keeps each from being told twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete, select

from app.extensions import db
from app.models import Reminder
from app.models.outbox import NIGHTLY, REMINDERS
from app.services.core import clock, dialect, outbox
from app.services.notifications import mail
from app.services.operations import nightly

from . import choices, grounds
from .grounds import Ground

#: How long it is kept that somebody was reminded of a day that has gone.
KEPT = timedelta(days=400)
#: Drivers looked at in one job: some seconds of the night; the rest is the next job's.
A_JOB = 20_000
#: What is read at once; the FCOs are gone through driver by driver.
SOURCES: dict[str, Callable[[date], Iterable[Ground]]] = {
    choices.CARD: grounds.certificates,
    choices.ACCREDITATION: grounds.accreditations,
    choices.WAITING: grounds.waiting,
    choices.MONTH: grounds.months,
}


def make_due_in_turn(payload: dict[str, Any]) -> int:
    """Make due what people are to be reminded of today and were not yet, of one job's share, and the next share.

    The first share holds all but the FCOs of the drivers beyond its own. Returns how many mails; no commit.
    """
    today, after, made = clock.today(), payload.get("after", 0), 0
    if not after:
        db.session.execute(delete(Reminder).where(Reminder.due_on < today - KEPT))
        made = sum(_make(kind, set(source(today))) for kind, source in SOURCES.items())
    drivers = grounds.drivers_beyond(after, A_JOB)
    made += _make(choices.FCO, set(grounds.next_fcos(today, drivers)))
    if len(drivers) == A_JOB:
        outbox.add(NIGHTLY, [{"task": REMINDERS, "after": drivers[-1]}], first_turn=nightly.LAST_TURN)
    return made


def _make(kind: str, found: set[Ground]) -> int:
    if not found:
        return 0
    r = Reminder
    query = select(r.person_id, r.subject_id, r.due_on, r.step).where(
        r.kind == kind, r.due_on.between(min(one.due_on for one in found), max(one.due_on for one in found))
    )
    told = set(db.session.execute(query).tuples())
    new = sorted(
        (one for one in found if (one.person_id, one.subject_id, one.due_on, one.step) not in told),
        key=lambda one: (one.due_on, one.person_id, one.subject_id),
    )
    rows = [_values(one) for one in new]
    dialect.insert_new(
        r,
        [
            {"kind": kind, "made_at": clock.now(), **row, "due_on": one.due_on}
            for row, one in zip(rows, new, strict=True)
        ],
    )
    mail.make_all_due(kind, [{"recipient": one.email, "values": row} for row, one in zip(rows, new, strict=True)])
    return len(new)


def _values(one: Ground) -> dict[str, object]:
    return {
        "person_id": one.person_id,
        "subject_id": one.subject_id,
        "due_on": one.due_on.isoformat(),
        "step": one.step,
    }
