"""Who may do what at which centre, judged today; and what is still missing before a centre can register."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Exists, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, contains_eager, joinedload

from app.extensions import db
from app.models import (
    Accreditation,
    Centre,
    Membership,
    MembershipRight,
    Person,
    ServiceContract,
    Suspension,
    membership_right_accreditation,
)
from app.models.centre import LEGAL_REPRESENTATIVE, OFFERED, REGISTER, RIGHTS, SIGNED, SUSPENDED, TRAINERS
from app.models.types import holds_on
from app.services.core import clock
from app.services.core.refusal import Refusal

#: Who does a task, in words.
REPRESENTATIVE, AGENT = "Représentant légal", "Agent IN Groupe"
NO_CONTRACT = "Le contrat de service de ce centre n’est pas en vigueur."
NO_ACCREDITATION = "Ce centre n’a pas d’agrément actif : il ne peut enregistrer ni formateur ni moniteur."


class NotAllowed(Refusal):
    """The person may not do this at this centre; ``message`` says what is missing."""


@dataclass(frozen=True, slots=True)
class Reach:
    """For whom accreditations are judged: the person, and the rights of which one must cover an accreditation."""

    person_id: int
    rights: tuple[str, ...] = (REGISTER,)


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do before a centre, or a person there, can work, and who can do it. ``needed``: nothing opens without."""

    key: str
    title: str
    done: bool
    who: str
    text: str
    needed: bool = True


def memberships(person_id: int) -> list[Membership]:
    """Return the person's places at centres that hold today, with centre and rights, by name of centre."""
    return [place for place, _ in places(person_id)]


def places(person_id: int) -> list[tuple[Membership, bool]]:
    """Return what :func:`memberships` does, each with whether a contract binds its centre today; one query."""
    query = (
        select(Membership, contract_clause(Membership.centre_id))
        .join(Membership.centre)
        .options(contains_eager(Membership.centre), joinedload(Membership.rights))
        .where(Membership.person_id == person_id, holds_on(clock.today(), Membership.valid_to))
        .order_by(Centre.name)
    )
    return [(place, bool(bound)) for place, bound in db.session.execute(query).unique()]


def contract_clause(centre_id: int | InstrumentedAttribute[int]) -> Exists:
    """Return, as SQL, whether a signed contract binds a centre (by id, or by a column) to the operator today."""
    today = clock.today()
    contract = ServiceContract
    in_force = (contract.state == SIGNED) & holds_on(today, contract.valid_to, contract.signed_on)
    return exists().where(contract.centre_id == centre_id, in_force)


def contract_in_force(centre_id: int) -> bool:
    """Tell whether a signed contract binds the centre to the operator today."""
    return bool(db.session.scalar(select(contract_clause(centre_id))))


def accredited_clause(centre_id: int | InstrumentedAttribute[int]) -> Exists:
    """Return, as SQL, whether a centre (by id, or by a column) holds an accreditation in force today, not suspended."""
    today = clock.today()
    paused = exists().where(
        Suspension.accreditation_id == Accreditation.id,
        holds_on(today, Suspension.ends_on, Suspension.starts_on),
    )
    in_force = (
        holds_on(today, Accreditation.valid_to, Accreditation.valid_from)
        & ((Accreditation.withdrawn_on.is_(None)) | (Accreditation.withdrawn_on > today))
        & ~paused.correlate(Accreditation)
    )
    return exists().where(Accreditation.centre_id == centre_id, in_force)


def accredited(centre_id: int) -> bool:
    """Tell whether the centre holds an accreditation in force today, not suspended, whatever the trainings it is for."""
    return bool(db.session.scalar(select(accredited_clause(centre_id))))


def not_granted(right: str) -> str:
    """Return the sentence that says which right is missing."""
    told = f"Le droit « {RIGHTS[right].lower()} » ne vous est pas accordé pour ce centre"
    return f"{told} : un représentant légal du centre peut vous l’accorder."


def require(person_id: int, centre_id: int, right: str) -> Membership:
    """Return the person's membership, read now; raise :class:`NotAllowed` unless it holds the right, as `judge` says."""
    found = next((place for place in places(person_id) if place[0].centre_id == centre_id), None)
    if found is None:
        raise NotAllowed("Vous n’intervenez pas pour ce centre.")
    judge(*found, right)
    return found[0]


def judge(membership: Membership, bound: bool, right: str) -> None:
    """Raise :class:`NotAllowed` unless a place read already holds the right today under a contract in force (``bound``).

    Trainers are those of an accredited centre: for them an accreditation in force is needed too.
    """
    if not membership.may(right, clock.today()):
        raise NotAllowed(not_granted(right))
    if not bound:
        raise NotAllowed(NO_CONTRACT)
    if right == TRAINERS and not accredited(membership.centre_id):  # a session's accreditation is judged line by line
        raise NotAllowed(NO_ACCREDITATION)


def _grant_clause(rights: tuple[str, ...]) -> ColumnElement[bool]:
    """Return, as SQL, whether a grant gives one of these rights today."""
    grant = MembershipRight
    return grant.right.in_(rights) & grant.withdrawn_at.is_(None) & holds_on(clock.today(), grant.ends_on)


def reach_clause(reach: Reach) -> Exists:
    """Return, as SQL about a row of `Accreditation`, whether the person's rights at its centre extend to it today.

    A legal representative's extend to all, a manager's to all or to the ones named. In one statement with what it
    narrows, so that rights withdrawn a moment ago are gone.
    """
    grant, named = MembershipRight, membership_right_accreditation
    # Correlated by name: by itself SQLAlchemy looks one statement up only, and the condition would ask of any row.
    is_named = (
        exists()
        .where(named.c.membership_right_id == grant.id, named.c.accreditation_id == Accreditation.id)
        .correlate(grant, Accreditation)
    )
    granted = (
        exists()
        .where(grant.membership_id == Membership.id, _grant_clause(reach.rights))
        .where(or_(grant.all_accreditations, is_named))
        .correlate(Membership, Accreditation)
    )
    return (
        exists()
        .where(Membership.person_id == reach.person_id, Membership.centre_id == Accreditation.centre_id)
        .where(holds_on(clock.today(), Membership.valid_to))
        .where(or_(Membership.role == LEGAL_REPRESENTATIVE, granted))
        .correlate(Accreditation)
    )


def holder_clause(person_id: InstrumentedAttribute[int], centre_id: InstrumentedAttribute[int], right: str) -> Exists:
    """Return, as SQL, whether the person of a column has an open account and this right at the centre today."""
    granted = exists().where(MembershipRight.membership_id == Membership.id, _grant_clause((right,)))
    return exists(Membership.id).where(
        Membership.person_id == person_id,
        Membership.centre_id == centre_id,
        holds_on(clock.today(), Membership.valid_to),
        or_(Membership.role == LEGAL_REPRESENTATIVE, granted),
        Person.id == Membership.person_id,
        Person.active.is_(True),
    )


def require_representative(person_id: int, centre_id: int) -> Membership:
    """Return the person's place as legal representative of the centre, under contract or not; raise :class:`NotAllowed`."""
    place = next((m for m in memberships(person_id) if m.centre_id == centre_id), None)
    if place is None or place.role != LEGAL_REPRESENTATIVE:
        raise NotAllowed("Seul un représentant légal du centre peut faire cela.")
    return place


def holder(person_id: int, centre_id: int, right: str) -> Membership:
    """Return the person's place at the centre if it holds the right today, contract or not; raise :class:`NotAllowed`."""
    place = next((m for m in memberships(person_id) if m.centre_id == centre_id), None)
    if place is None or not place.may(right, clock.today()):
        raise NotAllowed(not_granted(right))
    return place


def limited_to(membership: Membership, right: str) -> list[Accreditation] | None:
    """Return the accreditations to which a member's right is limited today, None where it extends to all of the centre's."""
    today = clock.today()
    if membership.role == LEGAL_REPRESENTATIVE:
        return None
    grants = [grant for grant in membership.rights if grant.holds(right, today)]
    if any(grant.all_accreditations for grant in grants):
        return None
    return [accreditation for grant in grants for accreditation in grant.accreditations]


def tasks(membership: Membership, right: str) -> list[Task]:
    """Return what a person needs for a right at a centre, each thing done or not; all done means that the door is open.

    « Mise en service » (`opening`) shows the same tasks of the centre.
    """
    return [
        contract_task(membership.centre_id),
        right_task(membership, right),
        accreditation_task(membership.centre_id, right),
    ]


def right_task(membership: Membership, right: str) -> Task:
    """Return the task of the person's own right at a centre."""
    return Task(
        "own_right",
        f"Droit « {RIGHTS[right].lower()} » accordé",
        membership.may(right, clock.today()),
        REPRESENTATIVE,
        "Votre représentant légal l’accorde à chaque gestionnaire, depuis les droits du centre.",
    )


def contract_task(centre_id: int) -> Task:
    """Return the task of the service contract: to be offered, signed, or taken up again."""
    query = select(ServiceContract.state).where(ServiceContract.centre_id == centre_id)
    states = set(db.session.execute(query).scalars())
    text, who = "Il relie votre centre de formation à IN Groupe et fixe les modalités de facturation.", REPRESENTATIVE
    done = contract_in_force(centre_id)
    if SUSPENDED in states:
        text = (
            "Le contrat est suspendu par IN Groupe : votre représentant légal doit prendre contact avec l’exploitant."
        )
    elif not done and OFFERED in states:
        text = "IN Groupe l’a proposé : il reste à le lire et à le signer à l’écran."
    elif not done:
        text, who = "IN Groupe doit d’abord le proposer au centre ; un représentant légal le signe ensuite.", AGENT
    return Task("contract", "Contrat de service signé", done, who, text)


def accreditation_task(centre_id: int, right: str = REGISTER) -> Task:
    """Return the task of the accreditations: one must hold today."""
    return Task(
        "accreditation",
        "Agrément actif enregistré",
        accredited(centre_id),
        AGENT,
        "Un centre agréé enregistre ses formateurs et ses moniteurs."
        if right == TRAINERS
        else "Seules les formations couvertes par un agrément actif peuvent être enregistrées.",
    )
