"""Accounts that an agent closes and opens again: a closed one ends every sign-in at once and opens no other."""

from __future__ import annotations

from sqlalchemy import update

from app.models import Person
from app.models.person import new_token
from app.services.core.reason import REASON_MAX
from app.services.core.reason import reason as reason_of
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal

_SENTENCE = f"Saisissez le motif, en {REASON_MAX} caractères au plus."


def close(person_id: int, actor_id: int, reason: str) -> None:
    """Close a person's account; raises :class:`Refusal` without a reason, for the agent's own, or for one closed already."""
    if person_id == actor_id:
        raise Refusal("Demandez à un autre agent de fermer votre propre compte.")
    _set(person_id, False, actor_id, needed(reason))


def reopen(person_id: int, actor_id: int, reason: str) -> None:
    """Open a closed account again; raises :class:`Refusal` without a reason, or for one that is open."""
    _set(person_id, True, actor_id, needed(reason))


def needed(reason: str) -> str:
    """Return a reason as it is kept; raise :class:`Refusal` when there is none, or too much of it."""
    return reason_of(reason, _SENTENCE, _SENTENCE)


def _set(person_id: int, active: bool, actor_id: int, reason: str) -> None:
    with transaction():
        done = taken(
            update(Person)
            .where(Person.id == person_id, Person.active.is_(not active))
            .values(active=active, auth_token=new_token())
        )
        if not done:
            raise Refusal("Ce compte est déjà ouvert." if active else "Ce compte est déjà fermé.")
        journal.record(
            "account.reopened" if active else "account.closed",
            "person",
            person_id,
            actor_id=actor_id,
            before={"active": not active},
            after={"active": active},
            reason=reason,
        )
