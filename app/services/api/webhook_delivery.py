"""Handing messages to centres' software: at least once, always under the same id, later and later, for 48 hours.

A try that fails is no failure of ours: the delivery notes it and plans the next one itself, so that « À traiter » holds our own
work only. An address that does not answer is tried by one message at a time; the others wait with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from standardwebhooks import Webhook

from app.extensions import db
from app.models import WebhookDelivery, WebhookEndpoint
from app.models.api import DELIVERED, GIVEN_UP, PENDING, TRIAL
from app.models.centre import API
from app.models.outbox import WEBHOOK
from app.services.core import clock, outbox, trace
from app.services.core.narrowing import page_at
from app.services.core.refusal import Refusal
from app.services.core.taking import changed
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import webhook_events
from app.services.rights import access

from . import webhook_secrets, webhook_transport, webhooks
from .webhook_transport import AddressRefused, NoAnswer

#: Waits after each failure of a message, until GIVE_UP after it was written; the last try is made at that very instant.
WAITS = tuple(timedelta(seconds=s) for s in (10, 60, 300, 1800, 7200, 18000, 36000, 54000))
GIVE_UP = timedelta(hours=48)
#: An address in failure is tried this often at least, whatever message it is.
LONGEST_PAUSE = timedelta(minutes=30)
#: Messages that follow at once when an address answers again; the others follow at their own time.
FOLLOWING = 500
GONE = 410
#: A message stays in the list, to be read or sent again, this long after its last try.
KEPT = timedelta(days=90)
PAGE = 25


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of an address's messages, the latest first, and how many there are."""

    rows: list[WebhookDelivery]
    total: int
    page: int
    page_count: int
    #: Whether a first try is about to be made: the page may look again soon.
    moving: bool


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a try: HTTP status, if any, and why it failed, nothing when it did not."""

    status: int | None
    error: str | None


def send(delivery_id: int, ticket: int) -> None:
    """Make one try of a message and record it; no commit. A ticket that no longer holds sends nothing.

    Killed between the two, the same message is sent again by the next worker: receivers know it by its id.
    """
    delivery = db.session.get(WebhookDelivery, delivery_id, populate_existing=True)
    if delivery is None or delivery.state != PENDING or delivery.ticket != ticket:
        return
    endpoint = delivery.endpoint
    now = clock.machine_now()
    if not endpoint.active:
        _conclude(delivery, ticket, state=GIVEN_UP, last_error="L’adresse est désactivée.")
        return
    is_trial = delivery.event == TRIAL
    if endpoint.paused_until and endpoint.paused_until > now and not is_trial:
        _plan(delivery, ticket, endpoint.paused_until)
        return
    url, body, headers = endpoint.url, delivery.body, _headers(delivery, endpoint, now)
    db.session.rollback()  # nothing is read any more: no lock is held while the other side thinks
    outcome = _try(url, headers, body)
    _record(delivery_id, ticket, outcome)


def replay(centre_id: int, delivery_id: int, person_id: int) -> WebhookDelivery:
    """« Renvoyer »: send a message again, under its own id, for 48 hours more; raise `webhooks.NotFound` or `Refusal`."""
    access.require(person_id, centre_id, API)
    with transaction():
        delivery = db.session.get(WebhookDelivery, delivery_id, populate_existing=True)
        if delivery is None or delivery.centre_id != centre_id:
            raise webhooks.NotFound
        endpoint = webhooks.get(centre_id, delivery.endpoint_id)
        _require_active(endpoint)
        endpoint.paused_until = None
        now = clock.machine_now()
        _plan(delivery, delivery.ticket, now, started_at=now, attempts=0, state=PENDING, delivered_at=None)
        journal.record(
            "webhook.replayed",
            "webhook_delivery",
            delivery.id,
            actor_id=person_id,
            centre_id=centre_id,
            after={"message": delivery.message_id},
        )
    outbox.ring()
    return delivery


def trial(centre_id: int, endpoint_id: int, person_id: int) -> None:
    """« Envoyer un essai »: send a message that says it is one. Raises `webhooks.NotFound` or `Refusal`."""
    access.require(person_id, centre_id, API)
    with transaction():
        endpoint = webhooks.get(centre_id, endpoint_id)
        _require_active(endpoint)
        delivery_id = webhook_events.trial(endpoint)
        journal.record(
            "webhook.tried",
            webhooks.SUBJECT,
            endpoint.id,
            actor_id=person_id,
            centre_id=centre_id,
            after={"delivery": delivery_id},
        )
    outbox.ring()


def listing(endpoint: WebhookEndpoint, page: int = 1) -> Listing:
    """Return a page of the messages to an address."""
    d = WebhookDelivery
    total = db.session.scalar(select(func.count()).where(d.endpoint_id == endpoint.id)) or 0
    page, page_count = page_at(page, total, PAGE)
    query = select(d).where(d.endpoint_id == endpoint.id).order_by(d.id.desc()).limit(PAGE).offset((page - 1) * PAGE)
    rows = list(db.session.execute(query.execution_options(populate_existing=True)).scalars())
    moving = any(row.state == PENDING and row.attempts == 0 for row in rows) and endpoint.active
    return Listing(rows, total, page, page_count, moving)


def purge(*, dry_run: bool = False) -> int:
    """Remove the messages whose last try is KEPT ago and that nothing waits for; return how many (``dry_run``: would be)."""
    d = WebhookDelivery
    old = (d.state != PENDING, func.coalesce(d.last_at, d.created_at) < clock.machine_now() - KEPT)
    count = db.session.scalar(select(func.count()).select_from(d).where(*old)) or 0
    if count and not dry_run:
        with transaction():
            db.session.execute(delete(d).where(*old).execution_options(synchronize_session=False))
    return count


def _require_active(endpoint: WebhookEndpoint) -> None:
    if not endpoint.active:
        raise Refusal("Cette adresse est désactivée : réactivez-la d’abord.")


def _headers(delivery: WebhookDelivery, endpoint: WebhookEndpoint, now: datetime) -> dict[str, str]:
    """Return the headers of Standard Webhooks, signed by both secrets while one is replaced, and the act's number, if any."""
    signatures = [
        Webhook(secret).sign(delivery.message_id, now, delivery.body) for secret in webhook_secrets.of(endpoint, now)
    ]
    return {
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
        **({"traceparent": trace.parent(delivery.trace)} if delivery.trace else {}),
    }


def _try(url: str, headers: dict[str, str], body: str) -> _Outcome:
    try:
        status = webhook_transport.post(webhook_transport.target(url), headers, body.encode())
    except (AddressRefused, NoAnswer) as failure:
        return _Outcome(None, failure.message)
    if 200 <= status < 300:
        return _Outcome(status, None)
    if 300 <= status < 400:
        return _Outcome(status, "Le serveur renvoie vers une autre adresse : les redirections ne sont pas suivies.")
    return _Outcome(status, f"Le serveur a répondu {status}.")


def _record(delivery_id: int, ticket: int, outcome: _Outcome) -> None:
    """Write what became of a try, unless another worker's was written first."""
    delivery = db.session.get_one(WebhookDelivery, delivery_id, populate_existing=True)
    # Locked first by whoever changes it or its messages: workers of one address wait for each other, none in a circle.
    endpoint = db.session.get_one(
        WebhookEndpoint, delivery.endpoint_id, populate_existing=True, with_for_update={"of": WebhookEndpoint}
    )
    now = clock.machine_now()
    told = {
        "attempts": delivery.attempts + 1,
        "last_at": now,
        "last_status": outcome.status,
        "last_error": outcome.error,
    }
    if outcome.error is None:
        if _conclude(delivery, ticket, state=DELIVERED, delivered_at=now, **told) and endpoint.failures:
            _recover(endpoint)
        return
    ends = delivery.started_at + GIVE_UP
    is_last = now >= ends or outcome.status == GONE or delivery.event == TRIAL
    if is_last:
        held = _conclude(delivery, ticket, state=GIVEN_UP, **told)
    else:
        held = _plan(delivery, ticket, min(now + _wait(delivery.attempts), ends), **told)
    if held and endpoint.active:
        endpoint.failures += 1
        pause = now + min(_wait(endpoint.failures - 1), LONGEST_PAUSE)
        endpoint.paused_until = pause if is_last else min(pause, ends)
        if outcome.status == GONE:
            webhooks.set_active(endpoint, active=False, person_id=None, reason="Réponse 410 du serveur")


def _wait(failures_before: int) -> timedelta:
    return WAITS[min(failures_before, len(WAITS) - 1)]


def _recover(endpoint: WebhookEndpoint) -> None:
    """Note that an address answers again; what waited for it goes now."""
    endpoint.failures, endpoint.paused_until = 0, None
    d = WebhookDelivery
    query = select(d).where(d.endpoint_id == endpoint.id, d.state == PENDING).order_by(d.id).limit(FOLLOWING)
    now = clock.machine_now()
    for waiting in db.session.execute(query).scalars():
        _plan(waiting, waiting.ticket, now)


def _plan(delivery: WebhookDelivery, ticket: int, at: datetime, **changes: object) -> bool:
    """Plan the next try under a new ticket; False when the one at hand no longer holds."""
    held = _change(delivery, ticket, {"next_at": at, "ticket": ticket + 1, **changes})
    if held:
        outbox.add(WEBHOOK, [{"delivery": delivery.id, "ticket": ticket + 1}], due_at=at)
    return held


def _conclude(delivery: WebhookDelivery, ticket: int, **changes: object) -> bool:
    return _change(delivery, ticket, {"next_at": None, **changes})


def _change(delivery: WebhookDelivery, ticket: int, changes: dict[str, object]) -> bool:
    done = changed(
        update(WebhookDelivery)
        .where(WebhookDelivery.id == delivery.id, WebhookDelivery.ticket == ticket)
        .values(changes)
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(delivery)
    return done > 0
