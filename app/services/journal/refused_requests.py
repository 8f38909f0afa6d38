"""Refused requests, counted by day, network and address of the program: who tries what is seen, and forgotten after a year."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPV6LENGTH, IPv4Address
from typing import cast

import structlog
from sqlalchemy import Table, delete, func, select
from sqlalchemy.exc import DBAPIError

from app.extensions import db
from app.models import RefusedRequest
from app.services.core import actor, clock
from app.services.core.dialect import insert_or_change
from app.services.core.transaction import transaction
from app.services.operations import metrics
from app.validators import networks

log = structlog.get_logger()

#: The address of a network is personal data: it is kept for twelve months, as long as traces of access are.
KEPT = timedelta(days=365)


def note(kind: str, endpoint: str, address: str, person_id: int = 0) -> None:
    """Count one refusal, in a transaction of its own; the answer never fails for it."""
    metrics.count_refusal(kind)
    log.warning("request refused", kind=kind, endpoint=endpoint, person=person_id)
    same = {
        "day": clock.machine_now().date(),
        "kind": kind,
        "endpoint": endpoint[:80],
        "network": network_of(address),
        "person_id": person_id,
    }
    try:
        db.session.rollback()
        with actor.acting(actor.PROGRAM), transaction():
            now, table = clock.machine_now(), cast(Table, RefusedRequest.__table__)
            more = {"count": table.c["count"] + 1, "last_at": now}
            db.session.execute(insert_or_change(table, same, more), {**same, "count": 1, "last_at": now})
    except DBAPIError as error:
        db.session.rollback()
        log.warning("refusal not counted", error=type(error.orig).__name__)


def network_of(address: str) -> str:
    """Return an IPv4 address, the /64 of an IPv6 one, or nothing for what is neither."""
    found = networks.parse(address)
    if found is None:
        return ""
    own = networks.subscriber(address)
    return own if isinstance(found, IPv4Address) else f"{own}/{IPV6LENGTH - networks.HOST_BITS}"


def of_last(days: int, limit: int = 200) -> list[RefusedRequest]:
    """Return the refusals of the last days, the most frequent of each day first."""
    row = RefusedRequest
    since = clock.machine_now().date() - timedelta(days=days)
    query = select(row).where(row.day > since).order_by(row.day.desc(), row.count.desc(), row.id).limit(limit)
    return list(db.session.execute(query).scalars())


def of_person(person_id: int) -> list[RefusedRequest]:
    """Return what is kept of one person."""
    query = select(RefusedRequest).where(RefusedRequest.person_id == person_id).order_by(RefusedRequest.id)
    return list(db.session.execute(query).scalars())


def purge(*, dry_run: bool = False) -> int:
    """Remove what is older than twelve months; return how many rows."""
    old = RefusedRequest.day < clock.machine_now().date() - KEPT
    count = db.session.scalar(select(func.count()).select_from(RefusedRequest).where(old)) or 0
    if count and not dry_run:
        with transaction():
            db.session.execute(delete(RefusedRequest).where(old))
    return count
