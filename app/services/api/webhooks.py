"""Webhooks of a centre: the addresses its representative gives, the events each is told of, the secrets that sign."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import WebhookEndpoint
from app.models.api import EVENTS
from app.models.centre import API, LEGAL_REPRESENTATIVE
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.rights import access

from . import keys as api_keys
from . import webhook_secrets, webhook_transport

#: Addresses a centre may have at once.
MOST = 5
SUBJECT = "webhook_endpoint"


class NotFound(Refusal):
    """The centre has no such address; another centre's is as unknown as one that never was."""

    message = "Cette adresse n’existe pas, a été retirée, ou appartient à un autre centre."


def endpoints(centre_id: int) -> list[WebhookEndpoint]:
    """Return the centre's addresses, the oldest first."""
    e = WebhookEndpoint
    query = select(e).where(e.centre_id == centre_id, e.removed_at.is_(None)).options(joinedload(e.created_by))
    return list(db.session.execute(query.order_by(e.id)).scalars())


def get(centre_id: int, endpoint_id: int) -> WebhookEndpoint:
    """Return the centre's address of that id; raise :class:`NotFound`."""
    found = db.session.get(WebhookEndpoint, endpoint_id, populate_existing=True)
    if found is None or found.centre_id != centre_id or found.removed_at is not None:
        raise NotFound
    return found


def state(endpoint: WebhookEndpoint) -> tuple[str, str]:
    """Return how an address stands now, as (kind of tag, words)."""
    if not endpoint.active:
        return "", "Désactivée"
    return ("error", "En échec") if endpoint.failures else ("ok", "Active")


def create(centre_id: int, person_id: int, url: str, events: Iterable[str]) -> tuple[int, str]:
    """Add an address and return its id, and its secret for the only time.

    Raises `access.NotAllowed` unless the person is the legal representative, `api_keys.NotSubscribed`, or a :class:`Refusal`.
    """
    require_representative(centre_id, person_id)
    if api_keys.subscription(centre_id) is None:
        raise api_keys.NotSubscribed
    with transaction():
        if len(endpoints(centre_id)) >= MOST:
            raise Refusal(f"Un centre a {MOST} adresses au plus : retirez-en une.")
        url, chosen = _checked(url), _chosen(events)
        endpoint = WebhookEndpoint(
            centre_id=centre_id,
            url=url,
            events=chosen,
            nonce=secrets.token_hex(16),
            created_by_id=person_id,
            created_at=clock.now(),
        )
        made = webhook_secrets.new(endpoint)
        db.session.add(endpoint)
        db.session.flush()
        _record("webhook.created", endpoint, person_id, after={"url": url, "events": chosen})
        return endpoint.id, made


def change(centre_id: int, endpoint_id: int, person_id: int, url: str, events: Iterable[str]) -> None:
    """Change where an address leads and what it is told of. Raises as :func:`create`, or :class:`NotFound`."""
    require_representative(centre_id, person_id)
    with transaction():
        endpoint = get(centre_id, endpoint_id)
        before = {"url": endpoint.url, "events": endpoint.events}
        after = {"url": _checked(url), "events": _chosen(events)}
        if before == after:
            return
        endpoint.url, endpoint.events = after["url"], after["events"]
        endpoint.failures, endpoint.paused_until = 0, None
        _record("webhook.changed", endpoint, person_id, before=before, after=after)


def rotate(centre_id: int, endpoint_id: int, person_id: int, overlap: timedelta) -> str:
    """Give an address a new secret and return it for the only time; during the overlap both sign each message."""
    require_representative(centre_id, person_id)
    with transaction():
        endpoint = get(centre_id, endpoint_id)
        endpoint.previous_nonce, endpoint.previous_until = endpoint.nonce, clock.machine_now() + overlap
        endpoint.nonce = secrets.token_hex(16)
        made = webhook_secrets.new(endpoint)
        ends = endpoint.previous_until.isoformat(timespec="seconds")
        _record("webhook.secret_rotated", endpoint, person_id, after={"previous_ends": ends})
        return made


def switch(centre_id: int, endpoint_id: int, person_id: int, *, active: bool) -> None:
    """Stop telling an address, or tell it again; what happened in between is not sent. Doing so twice changes nothing."""
    require_representative(centre_id, person_id)
    with transaction():
        endpoint = get(centre_id, endpoint_id)
        if endpoint.active != active:
            set_active(endpoint, active, person_id)


def set_active(endpoint: WebhookEndpoint, active: bool, person_id: int | None, reason: str = "") -> None:
    """Note an address switched on or off, in the caller's transaction; nobody: the system itself did."""
    endpoint.active, endpoint.failures, endpoint.paused_until = active, 0, None
    _record("webhook.enabled" if active else "webhook.disabled", endpoint, person_id, reason=reason)


def remove(centre_id: int, endpoint_id: int, person_id: int) -> None:
    """Take an address away for good; what was still to be sent to it is given up."""
    require_representative(centre_id, person_id)
    with transaction():
        endpoint = get(centre_id, endpoint_id)
        endpoint.active, endpoint.removed_at = False, clock.now()
        _record("webhook.removed", endpoint, person_id, before={"url": endpoint.url, "events": endpoint.events})


def require_representative(centre_id: int, person_id: int) -> None:
    """Raise `access.NotAllowed` unless the person is the centre's legal representative: these decide where data go."""
    if access.require(person_id, centre_id, API).role != LEGAL_REPRESENTATIVE:
        raise access.NotAllowed("Seul le représentant légal du centre gère les adresses des webhooks.")


def _checked(url: str) -> str:
    url = url.strip()
    webhook_transport.target(url)
    return url


def _chosen(events: Iterable[str]) -> str:
    asked = set(events)
    if not asked or asked - EVENTS.keys():
        raise Refusal("Choisissez au moins un événement de la liste.")
    return ",".join(event for event in EVENTS if event in asked)


def _record(action: str, endpoint: WebhookEndpoint, person_id: int | None, **more: object) -> None:
    journal.record(action, SUBJECT, endpoint.id, actor_id=person_id, centre_id=endpoint.centre_id, **more)  # type: ignore[arg-type]
