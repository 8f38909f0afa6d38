"""Entries that are for no invoice: an agent sets them aside, says why, and may take them back."""

from __future__ import annotations

from sqlalchemy import update

from app.models import BankEntry
from app.services.core import actor, clock
from app.services.core import reason as reasons
from app.services.core.taking import changed
from app.services.core.transaction import transaction
from app.services.journal import record as journal

from .allocating import Moved, hold_entry, left_of_entry


def set_aside(entry_id: int, why: str, agent_id: int) -> None:
    """Set aside an entry of which nothing is allocated; raise `reason.ReasonNeeded` or `allocating.Moved`."""
    kept = reasons.reason(why, "Dites ce qu’est cette écriture : frais de banque, autre activité…")
    with transaction(), actor.acting(actor.PROGRAM):
        entry = hold_entry(entry_id)
        if left_of_entry(entry) != entry.amount or entry.aside_at is not None:
            raise Moved
        own = update(BankEntry).where(BankEntry.id == entry_id)
        changed(own.values(aside_reason=kept, aside_at=clock.now(), aside_by_id=agent_id))
        journal.record("bank.aside", "bank_entry", entry_id, actor_id=agent_id, reason=kept)


def take_back(entry_id: int, agent_id: int) -> None:
    """Put an entry that was set aside among those to allocate again; raise `allocating.Moved` for another."""
    with transaction(), actor.acting(actor.PROGRAM):
        entry = hold_entry(entry_id)
        if entry.aside_at is None:
            raise Moved
        own = update(BankEntry).where(BankEntry.id == entry_id)
        changed(own.values(aside_reason="", aside_at=None, aside_by_id=None))
        journal.record("bank.taken_back", "bank_entry", entry_id, actor_id=agent_id, reason=entry.aside_reason)
