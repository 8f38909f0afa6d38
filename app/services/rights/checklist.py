"""« Mise en service »: what a centre needs to work, and what it may still set up, each with who can do it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.extensions import db
from app.models import ApiSubscription, Membership, Person
from app.models.centre import LEGAL_REPRESENTATIVE, MANAGER, REGISTER
from app.models.types import holds_on
from app.services.core import actor, clock

from . import access
from .access import AGENT, REPRESENTATIVE, Task

#: Task → the address where a legal representative does it.
ADDRESSES = {
    "contract": "/mon-centre/contrat/",
    "managers": "/mon-centre/droits/",
    "rights": "/mon-centre/droits/",
    "api": "/mon-centre/api/",
}


@actor.acting(actor.PROGRAM)
def tasks(centre_id: int) -> list[Task]:
    """Return the centre's tasks in the order in which they are done; those not needed come last.

    Whoever acts for the centre reads them, with or without a right there: the base shows a person without one no colleague.
    """
    today = clock.today()
    places = _places(centre_id)
    managers = [place for place in places if place.role == MANAGER]
    may_register = [place for place in managers if place.may(REGISTER, today)]
    return [
        Task(
            "representative",
            "Représentant légal nommé",
            any(p.role == LEGAL_REPRESENTATIVE for p in places),
            AGENT,
            "Il signe le contrat, invite les gestionnaires et accorde les droits.",
        ),
        access.contract_task(centre_id),
        access.accreditation_task(centre_id),
        Task(
            "managers",
            "Gestionnaires invités",
            bool(managers),
            REPRESENTATIVE,
            "Chacun travaille sous son propre compte. Un représentant légal peut aussi tout faire lui-même.",
            False,
        ),
        Task(
            "rights",
            "Droit « enregistrement de sessions » accordé à un gestionnaire",
            bool(may_register),
            REPRESENTATIVE,
            "Pour tous les agréments du centre ou pour certains, avec ou sans date de fin.",
            False,
        ),
        Task(
            "api",
            "API souscrite",
            db.session.get(ApiSubscription, centre_id) is not None,
            REPRESENTATIVE,
            "Elle relie votre logiciel de gestion au registre.",
            False,
        ),
    ]


def is_open(found: list[Task]) -> bool:
    """Tell whether all that is needed is done: the centre can register."""
    return all(task.done for task in found if task.needed)


def _places(centre_id: int) -> list[Membership]:
    query = (
        select(Membership)
        .join(Membership.person)
        .options(selectinload(Membership.rights))
        .where(Membership.centre_id == centre_id, Person.active.is_(True))
        .where(holds_on(clock.today(), Membership.valid_to))
    )
    return list(db.session.execute(query).scalars())
