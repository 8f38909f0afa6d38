"""Who of a centre is told of what concerns it: its legal representatives, or who registered, while they still act for it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import Membership, Person
from app.models.centre import LEGAL_REPRESENTATIVE, REGISTER
from app.models.types import holds_on
from app.services.core import actor, clock

from . import access

#: A person's id and address.
Told = tuple[int, str]


@actor.acting(actor.PROGRAM)
def representatives(centre_id: int) -> list[Told]:
    """Return the legal representatives of a centre whose account is open, in the order of their accounts."""
    query = (
        select(Person.id, Person.email)
        .join(Membership, Membership.person_id == Person.id)
        .where(Membership.centre_id == centre_id, Membership.role == LEGAL_REPRESENTATIVE)
        .where(holds_on(clock.today(), Membership.valid_to), Person.active.is_(True))
        .order_by(Person.id)
    )
    return list(db.session.execute(query).tuples())


@actor.acting(actor.PROGRAM)
def of_registration(centre_id: int, author_id: int) -> list[Told]:
    """Return who registered, or, where that person may no more, the legal representatives."""
    m = aliased(Membership)
    holders = (
        select(Person.id, Person.email, m.role)
        .join(m, m.person_id == Person.id)
        .where(m.centre_id == centre_id, access.holder_clause(m.person_id, m.centre_id, REGISTER))
        .order_by(Person.id)
    )
    found = {id_: (email, role) for id_, email, role in db.session.execute(holders).tuples()}
    chosen = (
        [author_id] if author_id in found else [i for i, (_, role) in found.items() if role == LEGAL_REPRESENTATIVE]
    )
    return [(id_, found[id_][0]) for id_ in chosen]


@actor.acting(actor.PROGRAM)
def names(told: list[Told]) -> list[str]:
    """Return first name and last name of each."""
    people = select(Person).where(Person.id.in_([id_ for id_, _ in told])).order_by(Person.id)
    return [person.full_name for person in db.session.execute(people).scalars()]
