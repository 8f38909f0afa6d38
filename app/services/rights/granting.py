"""A right as it is granted, withdrawn and written down; who may do so is judged by `members`. No commit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.models import Accreditation, Membership, MembershipRight
from app.models.centre import API, REGISTER, RIGHTS
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.journal import record as journal

#: Rights that may be limited to named accreditations; the others are not about trainings.
BY_ACCREDITATION = (REGISTER, API)
#: What the journal says of a right that names no accreditation.
EVERY = "tous"


@dataclass(frozen=True, slots=True)
class Grant:
    """A right as it is asked for. ``accreditation_ids``: None for all of the centre's, those to come too."""

    accreditation_ids: frozenset[int] | None = None
    ends_on: date | None = None


def require_possible(right: str, grant: Grant, known: set[int]) -> None:
    """Raise `Refusal` for a right that does not exist or cannot be granted so; ``known``: the centre's accreditations."""
    if right not in RIGHTS:
        raise Refusal("Ce droit n’existe pas.")
    named = grant.accreditation_ids
    if named is not None and right not in BY_ACCREDITATION:
        raise Refusal(f"Le droit « {RIGHTS[right].lower()} » ne se limite pas à des agréments.")
    if named is not None and not named:
        raise Refusal(f"« {RIGHTS[right]} » : cochez au moins un agrément, ou choisissez tous les agréments.")
    if named is not None and not named <= known:
        raise Refusal("Un agrément choisi n’est pas de ce centre.")
    if grant.ends_on is not None and grant.ends_on < clock.today():
        raise Refusal(f"« {RIGHTS[right]} » : le dernier jour est déjà passé.")


def standing(membership: Membership) -> list[MembershipRight]:
    """Return the grants that nobody has withdrawn."""
    return [grant for grant in membership.rights if grant.withdrawn_at is None]


def put(membership: Membership, right: str, wanted: Grant | None, actor_id: int) -> int:
    """Make a right what is wanted, None to withdraw it; answer 1 where something changed."""
    held = [grant for grant in standing(membership) if grant.right == right]
    before = next((_said(grant) for grant in held), None)
    if before == (_plain(wanted) if wanted else None):
        return 0
    for grant in held:
        grant.withdrawn_at, grant.withdrawn_by_id = clock.now(), actor_id
    db.session.flush()  # one grant of a right stands at a time
    if wanted is not None:
        db.session.add(_row(membership, right, wanted, actor_id))
    journal.record(
        "right.granted" if wanted else "right.withdrawn",
        "membership",
        membership.id,
        actor_id=actor_id,
        centre_id=membership.centre_id,
        before=_told(membership, right, before),
        after=_told(membership, right, _plain(wanted) if wanted else None),
    )
    return 1


def _told(membership: Membership, right: str, grant: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a grant as people read it in the journal: accreditations by their numbers."""
    if grant is None:
        return None
    named = grant["accreditations"]
    if named != EVERY:
        query = select(Accreditation.number).where(Accreditation.id.in_(named)).order_by(Accreditation.number)
        named = list(db.session.execute(query).scalars())
    return {"person": membership.person_id, "right": RIGHTS[right], **grant, "accreditations": named}


def _row(membership: Membership, right: str, wanted: Grant, actor_id: int) -> MembershipRight:
    named = wanted.accreditation_ids
    query = select(Accreditation).where(Accreditation.id.in_(named or ()))
    return MembershipRight(
        membership_id=membership.id,
        right=right,
        granted_at=clock.now(),
        granted_by_id=actor_id,
        ends_on=wanted.ends_on,
        all_accreditations=named is None,
        accreditations=list(db.session.execute(query).scalars()) if named else [],
    )


def _plain(grant: Grant) -> dict[str, Any]:
    """Return a grant as it is compared and journalled."""
    named = grant.accreditation_ids
    return {
        "accreditations": EVERY if named is None else sorted(named),
        "ends_on": grant.ends_on.isoformat() if grant.ends_on else None,
    }


def _said(row: MembershipRight) -> dict[str, Any]:
    named = None if row.all_accreditations else frozenset(one.id for one in row.accreditations)
    return _plain(Grant(named, row.ends_on))
