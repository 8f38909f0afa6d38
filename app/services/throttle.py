"""How often something may be tried: a few times freely, then with waits that grow. Delays, never a lock for good."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app
from sqlalchemy import delete, update

from app.extensions import db
from app.models import Attempt

from . import clock, insertion
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
    """A named limit: ``free`` tries without a wait, then ``wait``, doubled at each try up to ``longest``."""

    name: str
    free: int
    wait: timedelta = timedelta(minutes=1)
    longest: timedelta = LONGEST

    def pause(self, count: int) -> timedelta:
        """Return the wait after so many tries."""
        over = count - self.free
        return timedelta() if over < 0 else min(self.wait * 2 ** min(over, 12), self.longest)


def network(name: str) -> Limit:
    """Return a limit for what comes from one network address."""
    return Limit(name, NETWORK_FREE, longest=NETWORK_LONGEST)


def count(limit: Limit, value: str) -> None:
    """Count one try, in a transaction of its own; raise :class:`TooOften` while a wait runs."""
    key, now = _key(limit, value), clock.machine_now()
    with transaction():
        db.session.execute(delete(Attempt).where(Attempt.last_at < now - MEMORY))
        insertion.insert_if_new(Attempt, {"key": key, "count": 0, "last_at": now, "free_at": now - MEMORY})
        taken = db.session.execute(
            update(Attempt)
            .where(Attempt.key == key, Attempt.free_at <= now)
            .values(count=Attempt.count + 1, last_at=now)
        )
        row = db.session.get_one(Attempt, key, populate_existing=True)
        if not taken.rowcount:  # type: ignore[attr-defined]
            raise TooOften(int((row.free_at - now).total_seconds()) + 1)
        if pause := limit.pause(row.count):
            row.free_at = now + pause


def forget(limit: Limit, value: str) -> None:
    """Start afresh, in the caller's transaction: the person has shown who they are."""
    db.session.execute(delete(Attempt).where(Attempt.key == _key(limit, value)))


def _key(limit: Limit, value: str) -> str:
    """Return a keyed hash: the table names nobody, even to who reads it."""
    secret = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(secret, f"attempt:{limit.name}:{value}".encode(), hashlib.sha256).hexdigest()
