"""Who may do what at which centre, judged today; and what is still missing before a centre can register."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Exists, exists, select
from sqlalchemy.orm import InstrumentedAttribute, contains_eager, selectinload

from app.extensions import db
from app.models import Accreditation, Centre, Membership, ServiceContract
from app.models.centre import RIGHTS, SIGNED, SUSPENDED

from . import clock
from .refusal import Refusal

NO_CONTRACT = "Le contrat de service de ce centre n’est pas en vigueur."


class NotAllowed(Refusal):
    """The person may not do this at this centre; ``message`` says what is missing."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing needed before sessions can be registered, and who can do it."""

    title: str
    done: bool
    who: str
    text: str


def memberships(person_id: int) -> list[Membership]:
    """Return the person's places at centres that hold today, with centre and rights, by name of centre."""
    today = clock.today()
    query = (
        select(Membership)
        .join(Membership.centre)
        .options(contains_eager(Membership.centre), selectinload(Membership.rights))
        .where(Membership.person_id == person_id, (Membership.valid_to.is_(None)) | (Membership.valid_to >= today))
        .order_by(Centre.name)
    )
    return list(db.session.execute(query).scalars())


def contract_clause(centre_id: int | InstrumentedAttribute[int]) -> Exists:
    """Return, as SQL, whether a signed contract binds a centre (by id, or by a column) to the operator today."""
    today = clock.today()
    contract = ServiceContract
    in_force = (
        (contract.state == SIGNED)
        & (contract.signed_on <= today)
        & ((contract.valid_to.is_(None)) | (contract.valid_to >= today))
    )
    return exists().where(contract.centre_id == centre_id, in_force)


def contract_in_force(centre_id: int) -> bool:
    """Tell whether a signed contract binds the centre to the operator today."""
    return bool(db.session.scalar(select(contract_clause(centre_id))))


def require(person_id: int, centre_id: int, right: str) -> Membership:
    """Return the person's membership; raise :class:`NotAllowed` unless it holds the right under a contract in force."""
    membership = next((m for m in memberships(person_id) if m.centre_id == centre_id), None)
    if membership is None:
        raise NotAllowed("Vous n’intervenez pas pour ce centre.")
    if not membership.may(right, clock.today()):
        raise NotAllowed(f"Le droit « {RIGHTS[right].lower()} » ne vous est pas accordé pour ce centre.")
    if not contract_in_force(centre_id):
        raise NotAllowed(NO_CONTRACT)
    return membership


def tasks(membership: Membership, right: str) -> list[Task]:
    """Return what « Mes sessions » needs, each thing done or not; all done means that registering is open."""
    today = clock.today()
    centre_id = membership.centre_id
    suspended = db.session.scalar(
        select(exists().where(ServiceContract.centre_id == centre_id, ServiceContract.state == SUSPENDED))
    )
    accredited = db.session.scalar(
        select(
            exists().where(
                Accreditation.centre_id == centre_id, Accreditation.valid_from <= today,
                (Accreditation.valid_to.is_(None)) | (Accreditation.valid_to >= today),
                (Accreditation.withdrawn_on.is_(None)) | (Accreditation.withdrawn_on > today),
            )
        )
    )  # fmt: skip
    contract_text = (
        "Le contrat est suspendu par IN Groupe : votre représentant légal doit prendre contact avec l’exploitant."
        if suspended
        else "Il relie votre centre de formation à IN Groupe et fixe les modalités de facturation."
    )
    return [
        Task("Contrat de service signé", contract_in_force(centre_id), "Représentant légal", contract_text),
        Task(
            f"Droit « {RIGHTS[right].lower()} » accordé", membership.may(right, today), "Représentant légal",
            "Votre représentant légal l’accorde à chaque gestionnaire, depuis les droits du centre.",
        ),
        Task(
            "Agrément actif enregistré", bool(accredited), "Agent IN Groupe",
            "Seules les formations couvertes par un agrément actif peuvent être enregistrées.",
        ),
    ]  # fmt: skip
