"""Reading what the platform has to tell, from where the last read ended: each event once, whatever is told twice or late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

import structlog
from sqlalchemy import exists, or_, select, update

from app.extensions import db
from app.models import Deposit, Invoice, InvoiceEvent, PlatformPoll
from app.models.billing.deposits import SENT, TEXT_MAX
from app.models.outbox import PLATFORM_EVENTS
from app.services.core import clock, outbox
from app.services.core.dialect import insert_if_new, insert_ignoring
from app.services.core.taking import changed, taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import webhook_events

from . import depositing, event_mail, platforms
from .codes import STICKY
from .platform import EInvoicePlatform, Event, Unreachable

log = structlog.get_logger()
#: Between two reads: while a flow waits for its acknowledgement, and else.
SOON, LATER = timedelta(minutes=1), timedelta(minutes=5)
#: Pages read in one turn; what is left is read by the next, at once.
PAGES = 10
#: Behind the documents that people wait for.
TURN = 1000


def make_due() -> bool:
    """Make due what the platform is owed and what it has to tell, where it is time; tell whether it was. Asked by the relay."""
    name, now = platforms.current().name, clock.machine_now()
    with transaction():
        depositing.retry_due()
        if not db.session.scalar(select(exists().where(Deposit.platform == name))):
            return False
        insert_if_new(PlatformPoll, {"platform": name, "cursor": ""})
        waits = exists().where(Deposit.platform == name, Deposit.state == SENT)
        since = now - (SOON if db.session.scalar(select(waits)) else LATER)
        is_time = or_(PlatformPoll.asked_at.is_(None), PlatformPoll.asked_at <= since)
        if not taken(update(PlatformPoll).where(PlatformPoll.platform == name, is_time).values(asked_at=now)):
            return False
        outbox.add(PLATFORM_EVENTS, [{}], first_turn=TURN)
    return True


def read() -> None:
    """Read acknowledgements and events; no commit. A platform that does not answer is noted, and asked again next round."""
    platform = platforms.current()
    insert_if_new(PlatformPoll, {"platform": platform.name, "cursor": ""})
    try:
        depositing.acknowledge(platform)
        more = all(_read_page(platform) for _ in range(PAGES))
    except Unreachable as error:
        _unreachable(platform.name, str(error))
        return
    answered = {"read_at": clock.now(), "failing_since": None, "last_error": ""}
    changed(update(PlatformPoll).where(PlatformPoll.platform == platform.name).values(answered))
    if more:
        outbox.add(PLATFORM_EVENTS, [{}], first_turn=TURN)


def poll_of(name: str) -> PlatformPoll | None:
    """Return how far a platform is read, and since when it does not answer; None before the first time."""
    return db.session.get(PlatformPoll, name, populate_existing=True)


def _read_page(platform: EInvoicePlatform) -> bool:
    """Read some events and move the cursor; tell whether there were any. Of two who read at once, one's is undone."""
    query = select(PlatformPoll.cursor).where(PlatformPoll.platform == platform.name)
    cursor = db.session.execute(query).scalar_one()
    events, following = platform.events(cursor)
    if following == cursor and not events:
        return False
    own = (PlatformPoll.platform == platform.name, PlatformPoll.cursor == cursor)
    if not taken(update(PlatformPoll).where(*own).values(cursor=following)):
        db.session.rollback()
        return False
    note(platform.name, events)
    return True


def note(platform: str, events: Sequence[Event]) -> int:
    """Keep events that are new, with all that follows from them; return how many were. No commit.

    One of an invoice that is none of ours is only logged.
    """
    query = select(Invoice.public_number, Invoice.id, Invoice.centre_id).where(
        Invoice.public_number.in_({one.number for one in events})
    )
    known = {number: (id_, centre_id) for number, id_, centre_id in db.session.execute(query)}
    if strangers := {one.number for one in events} - set(known):
        log.warning("events of invoices that are not ours", count=len(strangers))
    kept = [(*known[one.number], one) for one in events if one.number in known]
    new = _insert(platform, [(invoice_id, one) for invoice_id, _, one in kept])
    first = {one.id: (invoice_id, centre_id, one) for invoice_id, centre_id, one in kept if one.id in new}
    _follow(list(first.values()))
    return len(first)


def _insert(platform: str, events: Sequence[tuple[int, Event]]) -> set[str]:
    """Write events and return the ids of those that were new."""
    if not events:
        return set()
    now, table = clock.now(), InvoiceEvent.__table__
    rows: dict[str, dict[str, Any]] = {}
    for invoice_id, one in events:
        values = {"code": str(one.code)[:20], "reason_code": one.reason_code[:40], "text": one.text[:TEXT_MAX]}
        at = {"happened_at": one.happened_at, "received_at": now}
        named = {"invoice_id": invoice_id, "platform": platform, "platform_event_id": one.id}
        rows.setdefault(one.id, {**named, **values, **at})
    statement = insert_ignoring(table).returning(table.c.platform_event_id)  # type: ignore[arg-type]
    return set(db.session.execute(statement, list(rows.values())).scalars())


def _follow(new: Sequence[tuple[int, int, Event]]) -> None:
    """Tell the journal, the centres' software and, of what stops an invoice, the agents (invoice, centre, event)."""
    ordered = sorted(new, key=lambda one: one[1])
    for centre_id, group in groupby(ordered, lambda one: one[1]):
        told: list[tuple[int, dict[str, Any], dict[str, Any]]] = [(id_, {}, _about(event)) for id_, _, event in group]
        journal.record_each("invoice.event", "invoice", told, actor_id=None, centre_id=centre_id)
    webhook_events.statuses([(centre_id, one.number, str(one.code), one.happened_at) for _, centre_id, one in ordered])
    for invoice_id, _, event in ordered:
        if event.code in STICKY:
            event_mail.stopped(invoice_id, str(event.code), event.reason_code)


def _about(event: Event) -> dict[str, Any]:
    return {"number": event.number, "code": str(event.code), "reason_code": event.reason_code}


def _unreachable(name: str, why: str) -> None:
    """Note since when the platform does not answer; nothing that was read is lost."""
    db.session.rollback()
    now = clock.now()
    changed(update(PlatformPoll).where(PlatformPoll.platform == name).values(last_error=why[:300]))
    changed(
        update(PlatformPoll)
        .where(PlatformPoll.platform == name, PlatformPoll.failing_since.is_(None))
        .values(failing_since=now)
    )
