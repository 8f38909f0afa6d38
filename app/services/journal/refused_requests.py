"""Refused requests, counted by day, network and address of the program: who tries what is seen, and forgotten after a year."""

from __future__ import annotations

import ipaddress
from datetime import timedelta

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError

from app.extensions import db
from app.models import RefusedRequest
from app.services.core import actor, clock, insertion
from app.services.core.transaction import transaction
from app.services.operations import metrics

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
            now = clock.machine_now()
            insertion.insert_if_new(RefusedRequest, {**same, "count": 0, "last_at": now})
            more = {"count": RefusedRequest.count + 1, "last_at": now}
            db.session.execute(update(RefusedRequest).filter_by(**same).values(**more))
    except DBAPIError as error:
        db.session.rollback()
        log.warning("refusal not counted", error=type(error.orig).__name__)


def network_of(address: str) -> str:
    """Return an IPv4 address, the /64 of an IPv6 one, or nothing for what is neither."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), 64), strict=False))


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
