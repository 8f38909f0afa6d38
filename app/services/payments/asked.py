"""Matching that is too long for a request: made due, done by the worker."""

from __future__ import annotations

from app.models.outbox import MATCH
from app.services.core import outbox

#: Entries that are matched while their file's sender waits.
AT_ONCE = 100


def make_due() -> None:
    """Make due that what is exact is allocated, in the caller's transaction."""
    outbox.add(MATCH, [{}], first_turn=-1)
