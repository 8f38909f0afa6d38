"""How often something may be tried: a few times freely, then with waits that grow. Delays, never a lock for good."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from app.extensions import db
from app.models import Attempt
from app.validators import networks

from . import clock, dialect, vault
from .refusal import Refusal
from .transaction import transaction

#: After so long without a try, all is forgotten.
MEMORY = timedelta(hours=24)
LONGEST = timedelta(hours=1)
#: A whole class of trainees may sign up from the one address of its centre.
NETWORK_FREE, NETWORK_LONGEST = 30, timedelta(minutes=10)


class TooOften(Refusal):
    """Too many tries; ``seconds`` is how long to wait. Told alike whatever the register knows."""

    def __init__(self, seconds: int) -> None:
        minutes = max(1, -(-seconds // 60))
        super().__init__(f"Trop de demandes ont été reçues. Réessayez dans {minutes} minute{'s' * (minutes > 1)}.")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Limit:
    """A named limit: ``free`` tries without a wait, then ``wait``, doubled at each try up to ``longest``.

    ``forgets``: a try is forgotten each time so long has passed since the last one; by default only after :data:`MEMORY`.
    ``by_network``: what is counted is a network address, by the network of its subscriber.
    """

    name: str
    free: int
    wait: timedelta = timedelta(minutes=1)
    longest: timedelta = LONGEST
    forgets: timedelta = MEMORY
    by_network: bool = False

    def pause(self, count: int) -> timedelta:
        """Return the wait after so many tries."""
        over = count - self.free
        return timedelta() if over < 0 else min(self.wait * 2 ** min(over, 12), self.longest)

    def remembered(self, count: int, since: timedelta) -> int:
        """Return how many of so many tries still count, the last one so long ago."""
        return max(0, count - max(since, timedelta()) // self.forgets)


def network(name: str, *, forgets: timedelta = MEMORY) -> Limit:
    """Return a limit for what comes from one network address."""
    return Limit(name, NETWORK_FREE, longest=NETWORK_LONGEST, forgets=forgets, by_network=True)


def count(limit: Limit, value: str) -> None:
    """Count one try, in a transaction of its own; raise :class:`TooOften` while a wait runs.

    Tries made at the same moment are counted one after the other: the row is locked by the first statement that finds it.
    """
    key, now = _key(limit, value), clock.machine_now()
    with transaction():
        row = _locked(key, now)
        now = clock.machine_now()  # the lock may have been waited for: a good try meanwhile has ended the wait
        if row.free_at > now:
            raise TooOften(int((row.free_at - now).total_seconds()) + 1)
        row.count = 1 + limit.remembered(row.count, now - row.last_at)
        row.last_at = now
        if pause := limit.pause(row.count):
            row.free_at = now + pause


def _locked(key: str, now: datetime) -> Attempt:
    """Return the row of a key, made where there is none, locked for the transaction (SQLite locks the base).

    A good try elsewhere may delete the row between two statements: then it is made anew.
    """
    db.session.execute(delete(Attempt).where(Attempt.key == key, Attempt.last_at < now - MEMORY))
    while True:
        dialect.insert_if_new(Attempt, {"key": key, "count": 0, "last_at": now, "free_at": now - MEMORY})
        query = select(Attempt).where(Attempt.key == key).with_for_update().execution_options(populate_existing=True)
        if row := db.session.execute(query).scalar_one_or_none():
            return row


def take_back(limit: Limit, value: str) -> None:
    """Uncount one try, in the caller's transaction: it was a good one. A wait that it began ends."""
    db.session.execute(
        update(Attempt)
        .where(Attempt.key == _key(limit, value), Attempt.count > 0)
        .values(count=Attempt.count - 1, free_at=clock.machine_now())
    )


def clean() -> None:
    """Delete what was last tried longer ago than :data:`MEMORY`, in the caller's transaction."""
    db.session.execute(delete(Attempt).where(Attempt.last_at < clock.machine_now() - MEMORY))


def forget(limit: Limit, value: str) -> None:
    """Start afresh, in the caller's transaction: the person has shown who they are."""
    db.session.execute(delete(Attempt).where(Attempt.key == _key(limit, value)))


def _key(limit: Limit, value: str) -> str:
    """Return a keyed hash: the table names nobody, even to who reads it."""
    if limit.by_network:
        value = networks.subscriber(value)
    return hmac.new(vault.secrets()[0].encode(), f"attempt:{limit.name}:{value}".encode(), hashlib.sha256).hexdigest()
