"""« Mise en service »: what a centre needs to work, and what it may still set up, each with who can do it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy import case as sql_case
from sqlalchemy.orm import selectinload

from app.extensions import db
from app.models import ApiSubscription, Centre, MemberInvitation, Membership, Person, ServiceContract
from app.models.centre import LEGAL_REPRESENTATIVE, MANAGER, OFFERED, REGISTER, SUSPENDED
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


@dataclass(frozen=True, slots=True)
class Step:
    """What an agent does next for a centre to work. ``key``: its task; ``waits``: somebody else's turn, nothing to do here."""

    key: str
    title: str
    text: str
    waits: bool = False


_STEPS = {
    "representative": Step(
        "representative", "Inviter le représentant légal", "Il signe le contrat et accorde les droits."
    ),
    "accreditation": Step(
        "accreditation", "Ajouter un agrément", "Le centre n’enregistre que les formations couvertes par un agrément."
    ),
    "contract": Step(
        "contract", "Proposer le contrat", "Un représentant légal du centre le lit et le signe à l’écran."
    ),
}
_SUSPENDED = Step("suspended", "Rétablir le contrat", "Il est suspendu : plus aucune session ne s’enregistre.")
_WAITING_STEPS = {
    "representative": Step(
        "representative",
        "Le représentant légal est invité",
        "Il n’a pas encore accepté l’invitation ; elle se renvoie depuis « Personnes et droits ».",
        True,
    ),
    "contract": Step("contract", "Le contrat est proposé", "Il attend la signature d’un représentant légal.", True),
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


def next_step(centre_id: int, found: list[Task]) -> Step | None:
    """Return the one next step of a centre's agent; None once the centre can register. What waits for others comes last."""
    if is_open(found):
        return None
    left = [task.key for task in found if task.needed and not task.done]
    asked = [key for key in left if _is_asked(key, centre_id)]
    key = next((key for key in left if key not in asked), left[0])
    if key == "contract" and _has_contract(centre_id, SUSPENDED):
        return _SUSPENDED
    return _WAITING_STEPS[key] if key in asked else _STEPS[key]


def _is_asked(key: str, centre_id: int) -> bool:
    """Tell whether what is left of a task is somebody else's: an invitation or an offer waits for an answer."""
    if key == "representative":
        open_invitation = (
            exists()
            .where(MemberInvitation.centre_id == centre_id, MemberInvitation.role == LEGAL_REPRESENTATIVE)
            .where(MemberInvitation.accepted_at.is_(None), MemberInvitation.cancelled_at.is_(None))
            .where(MemberInvitation.expires_at > clock.machine_now())
        )
        return bool(db.session.scalar(select(open_invitation)))
    return key == "contract" and _has_contract(centre_id, OFFERED)


def _has_contract(centre_id: int, state: str) -> bool:
    query = select(exists().where(ServiceContract.centre_id == centre_id, ServiceContract.state == state))
    return bool(db.session.scalar(query))


#: First task that is missing → what the list of centres says; '' for a centre that can register.
STATES = {
    "open": "En service",
    "representative": "Sans représentant légal",
    "contract": "Sans contrat signé",
    "accreditation": "Sans agrément actif",
}


def state_clauses() -> dict[str, ColumnElement[bool]]:
    """Return, as SQL about a row of `Centre`, when it is in each state of :data:`STATES`; the first task missing is named."""
    represented = (
        exists(Membership.id)  # a column by name: those of the account are not all to be read
        .where(Membership.centre_id == Centre.id, Membership.role == LEGAL_REPRESENTATIVE)
        .where(holds_on(clock.today(), Membership.valid_to))
        .where(Person.id == Membership.person_id, Person.active.is_(True))
    )
    contract, accredited = access.contract_clause(Centre.id), access.accredited_clause(Centre.id)
    return {
        "open": represented & contract & accredited,
        "representative": ~represented,
        "contract": represented & ~contract,
        "accreditation": represented & contract & ~accredited,
    }


def states(centre_ids: Sequence[int]) -> dict[int, str]:
    """Return id of a centre → its state's key in :data:`STATES`; one query."""
    which = sql_case(*((clause, key) for key, clause in state_clauses().items()), else_="open")
    query = select(Centre.id, which).where(Centre.id.in_(centre_ids))
    return dict(db.session.execute(query).tuples().all())


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
