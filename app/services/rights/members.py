"""Who acts for a centre and with which rights: granted, withdrawn and ended by its legal representatives, or by an agent.

Every act is judged by the next request of the person concerned: nothing is remembered between requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import contains_eager, selectinload

from app.extensions import db
from app.models import Accreditation, Membership, MembershipRight, Person
from app.models.centre import LEGAL_REPRESENTATIVE, RIGHTS
from app.models.types import holds_on
from app.services.core import clock, narrowing, outbox
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal

from . import access, granting, telling
from .granting import Grant

#: Each place with what its person is called, read before any name is looked at: those who have an account and no place are a
#: thousand times as many.
_PLACED = (
    select(Membership.id, Person.first_name, Person.last_name, Person.email)
    .join(Membership.person)
    .cte("placed")
    .prefix_with("MATERIALIZED")
    .c
)


class LastRepresentative(Refusal):
    """A centre is never left without a legal representative."""

    message = "C’est le dernier représentant légal du centre : nommez-en d’abord un autre."


class DayPassed(Refusal):
    """A place ends today at the earliest, unless it is ended at once."""

    message = "Ce jour est déjà passé : pour mettre fin à l’intervention aussitôt, utilisez « Retirer »."


class NobodyThere(Refusal):
    """The place is another centre's, has ended, or never was."""

    message = "Cette personne n’intervient pas, ou plus, pour ce centre."


def is_called(word: str) -> ColumnElement[bool]:
    """Return, as SQL on `Membership`, whether a name of a place's person holds a word."""
    found = or_(narrowing.holds(_PLACED.last_name, word), narrowing.holds(_PLACED.first_name, word))
    return Membership.id.in_(select(_PLACED.id).where(found))


def is_reached_at(word: str) -> ColumnElement[bool]:
    """Return, as SQL on `Membership`, whether the mail address of a place's person holds a word."""
    return Membership.id.in_(select(_PLACED.id).where(narrowing.holds(_PLACED.email, word)))


def is_agent(person_id: int) -> bool:
    """Tell whether the person is an agent of the operator, with an open account."""
    person = db.session.get(Person, person_id)
    return person is not None and bool(person.active) and person.is_agent


def require_grantor(person_id: int, centre_id: int) -> None:
    """Raise `access.NotAllowed` unless the person may grant rights there: an agent, or a legal representative of the centre.

    Both hold every right that they can grant.
    """
    if not is_agent(person_id):
        access.require_representative(person_id, centre_id)


def of_centre(centre_id: int) -> list[Membership]:
    """Return the places held at a centre today, with person, rights and accreditations: representatives first, then by name."""
    query = (
        select(Membership)
        .join(Membership.person)
        .options(
            contains_eager(Membership.person),
            selectinload(Membership.rights).selectinload(MembershipRight.accreditations),
        )
        .where(Membership.centre_id == centre_id, _holds_today())
        .order_by(Membership.role, Person.last_name, Person.first_name, Membership.id)
        .execution_options(populate_existing=True)
    )
    return list(db.session.execute(query).scalars())


def place(membership_id: int, centre_id: int) -> Membership | None:
    """Return a place held at the centre today, None for another centre's."""
    return next((one for one in of_centre(centre_id) if one.id == membership_id), None)


def accreditations(centre_id: int) -> list[Accreditation]:
    """Return the centre's accreditations, those past too, by number."""
    query = select(Accreditation).where(Accreditation.centre_id == centre_id).order_by(Accreditation.number)
    return list(db.session.execute(query.options(selectinload(Accreditation.trainings))).scalars())


def grants(membership: Membership) -> dict[str, MembershipRight]:
    """Return right → the grant by which a manager holds it today."""
    today = clock.today()
    return {grant.right: grant for grant in membership.rights if grant.holds(grant.right, today)}


def set_rights(centre_id: int, membership_id: int, wanted: Mapping[str, Grant], actor_id: int) -> int:
    """Give a manager these rights and no others, from this moment; return how many changed.

    Raises `access.NotAllowed`, :class:`NobodyThere`, or `Refusal`: a legal representative holds every right already, an
    accreditation is another centre's, none is named, or a last day is past.
    """
    require_grantor(actor_id, centre_id)
    check(centre_id, wanted)
    try:
        with transaction():
            _lock(centre_id)
            membership = _place(membership_id, centre_id)
            if membership.role == LEGAL_REPRESENTATIVE:
                raise Refusal("Un représentant légal tient déjà tous les droits du centre.")
            before = {grant.id for grant in granting.standing(membership)}
            changed = sum(granting.put(membership, right, wanted.get(right), actor_id) for right in RIGHTS)
            if changed:
                telling.of_change(membership, before, refreshed(membership))
    except IntegrityError:
        raise Refusal("Ces droits viennent d’être modifiés par ailleurs : relisez-les.") from None
    outbox.ring()
    return changed


def check(centre_id: int, wanted: Mapping[str, Grant]) -> None:
    """Raise `Refusal` for rights that cannot be granted at a centre, as :func:`set_rights` does."""
    known = {one.id for one in accreditations(centre_id)}
    for right, grant in wanted.items():
        granting.require_possible(right, grant, known)


def give(membership: Membership, wanted: Mapping[str, Grant], actor_id: int) -> list[int]:
    """Grant these rights to who has just taken a place, in the caller's transaction; return the ids of the grants."""
    for right in RIGHTS:
        if right in wanted:
            granting.put(membership, right, wanted[right], actor_id)
    return sorted(grant.id for grant in refreshed(membership) if grant.right in wanted)


def end(centre_id: int, membership_id: int, actor_id: int, reason: str = "") -> None:
    """End a person's place at a centre, with all its rights, from this moment, for a reason that the journal keeps.

    Legal representatives end managers' places; only an agent ends a legal representative's, and never the last one. Raises
    `access.NotAllowed`, :class:`NobodyThere` or :class:`LastRepresentative`.
    """
    require_grantor(actor_id, centre_id)
    with transaction():
        _lock(centre_id)
        membership = _place(membership_id, centre_id)
        if membership.role == LEGAL_REPRESENTATIVE:
            _check_representative_may_go(membership, actor_id)
        for right in RIGHTS:
            granting.put(membership, right, None, actor_id)
        membership.valid_to = clock.today() - timedelta(days=1)
        journal.record(
            "member.ended",
            "membership",
            membership.id,
            actor_id=actor_id,
            centre_id=centre_id,
            before={"person": membership.person_id, "role": membership.role},
            reason=reason,
        )
        telling.of_end(membership)
    outbox.ring()


def refreshed(membership: Membership) -> list[MembershipRight]:
    """Return them as the transaction has written them."""
    db.session.flush()
    db.session.refresh(membership, ["rights"])
    return granting.standing(membership)


def end_on(centre_id: int, membership_id: int, last_day: date | None, actor_id: int) -> bool:
    """Let a place hold until a day, inclusive, or without an end (None); tell whether that changed something.

    Raises `access.NotAllowed`, :class:`NobodyThere`, :class:`LastRepresentative` (nobody else would hold longer), or
    :class:`DayPassed`.
    """
    require_grantor(actor_id, centre_id)
    with transaction():
        _lock(centre_id)
        membership = _place(membership_id, centre_id)
        if membership.valid_to == last_day:
            return False
        if last_day is not None and last_day < clock.today():
            raise DayPassed
        if last_day is not None and membership.role == LEGAL_REPRESENTATIVE:
            _check_representative_may_go(membership, actor_id, last_day)
        before, membership.valid_to = membership.valid_to, last_day
        journal.record(
            "member.until",
            "membership",
            membership.id,
            actor_id=actor_id,
            centre_id=centre_id,
            before={"until": before.isoformat() if before else None},
            after={"until": last_day.isoformat() if last_day else None},
        )
    return True


def _holds_today() -> ColumnElement[bool]:
    return holds_on(clock.today(), Membership.valid_to)


def _lock(centre_id: int) -> None:
    """Let one act at a time change the places of a centre: two who remove each other do not both succeed."""
    db.session.execute(
        update(Membership)
        .where(Membership.centre_id == centre_id)
        .values(centre_id=Membership.centre_id)
        .execution_options(synchronize_session=False)
    )


def _place(membership_id: int, centre_id: int) -> Membership:
    found = place(membership_id, centre_id)
    if found is None:
        raise NobodyThere
    return found


def _check_representative_may_go(membership: Membership, actor_id: int, last_day: date | None = None) -> None:
    """Raise unless another legal representative remains, after ``last_day`` where one is given."""
    if not is_agent(actor_id):
        raise access.NotAllowed("Seul un agent d’IN Groupe retire un représentant légal.")
    others = [
        one
        for one in of_centre(membership.centre_id)
        if one.role == LEGAL_REPRESENTATIVE
        and one.id != membership.id
        and one.person.active
        and (last_day is None or one.valid_to is None or one.valid_to > last_day)
    ]
    if not others:
        raise LastRepresentative
