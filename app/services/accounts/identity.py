"""What links an account to a driver's record: a proof (decision 16). Until then the account claims an identity, no more.

Nothing that is answered here depends on whether the register knows the identity, but to who holds a proof.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ScalarResult, select, update
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import Driver, IdentityCheck, IdentityClaim, Registration, Trainer
from app.models.driver import standing
from app.models.identity import CODE, INVITATION, REPLACED, WAITING
from app.services.core import actor, clock, outbox, throttle
from app.services.core.refusal import Refusal
from app.services.core.throttle import Limit
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.storage import store
from app.validators.fields import NameKey, name_key

from . import activation
from . import link as account_link
from .link import Identity

SUBJECT = "identity_claim"
BY_PERSON, BY_NETWORK = Limit("identity code", 5), throttle.network("identity code network")


class CodeRefused(Refusal):
    """The code opens nothing for this identity: mistyped, used, replaced, another's. Which one is not said."""

    message = (
        "Ce code n’est pas reconnu pour cette identité. Vérifiez le code, votre date de naissance et votre N° de permis, "
        "ou demandez un nouveau code à votre centre."
    )


class NameDiffers(Refusal):
    """The code is the right one, but the centre registered that driver under another name: an agent has to decide."""

    message = "Le centre a enregistré ce code sous un autre nom. Envoyez une pièce d’identité : un agent décidera."


class AlreadyProved(Refusal):
    """The account is linked to the driver's record."""

    message = "Votre identité est déjà vérifiée."


class CheckWaits(Refusal):
    """An agent looks at the identity as it was declared."""

    message = "Un agent examine votre pièce d’identité : attendez sa réponse avant de corriger votre identité."


@dataclass(frozen=True, slots=True)
class _Issued:
    """A code that stands today for an identity: for which driver, by which centre, under which names it registered them."""

    driver_id: int
    centre_id: int
    series: int
    names: frozenset[NameKey]


#: Compared with where no code stands, so that every refusal takes the same steps.
_NOBODY = _Issued(0, 0, 0, frozenset())


def claim_of(person_id: int) -> IdentityClaim | None:
    """Return what a person's account claims, None where it never did (an account of the operator's, or from before)."""
    return db.session.execute(select(IdentityClaim).where(IdentityClaim.person_id == person_id)).scalar_one_or_none()


def new_claim(person_id: int, identity: Identity) -> IdentityClaim:
    """Write what an account claims; no commit."""
    now = clock.machine_now()
    claim = IdentityClaim(person_id=person_id, **identity.values, created_at=now, updated_at=now)
    db.session.add(claim)
    db.session.flush()
    return claim


@actor.acting(actor.PROGRAM)
def declare(person_id: int, identity: Identity) -> None:
    """Correct what an account without proof claims; raises :class:`AlreadyProved` or :class:`CheckWaits`."""
    with transaction():
        claim = lock(person_id)
        if claim is None:
            claim = new_claim(person_id, identity)
        elif _waiting(claim).first():
            raise CheckWaits
        for name, value in identity.values.items():
            setattr(claim, name, value)
        journal.record("identity.declared", SUBJECT, claim.id, actor_id=person_id)


@actor.acting(actor.PROGRAM)
def prove(person_id: int, proof: str, network: str) -> None:
    """Link the account to the driver's record by an activation code or an invitation's token, sent from ``network``.

    Raises `throttle.TooOften`, :class:`CodeRefused`, :class:`NameDiffers` or :class:`AlreadyProved`.
    """
    throttle.count(BY_NETWORK, network)
    throttle.count(BY_PERSON, str(person_id))
    with transaction():
        claim = lock(person_id)
        refusal = try_proof(claim, activation.hash_of(proof)) if claim else CodeRefused()
        useless = set_aside(claim) if claim and refusal is None else []
        if refusal is None:
            throttle.forget(BY_PERSON, str(person_id))
            throttle.take_back(BY_NETWORK, network)
    for path in useless:
        store.remove(path)
    outbox.ring()
    if refusal is not None:
        raise refusal


def set_aside(claim: IdentityClaim) -> list[str]:
    """Take back the document that waits for an agent, and return where its picture lay, to be removed; no commit."""
    paths = []
    for check in _waiting(claim).all():
        paths.append(str(check.path))
        check.state, check.path, check.sha256 = REPLACED, None, None
    db.session.flush()
    return paths


def try_proof(claim: IdentityClaim, proof_hash: str) -> Refusal | None:
    """Link the claim's account to its driver where the proof is one, and return None; else why not, which is journalled.

    No commit. ``proof_hash`` is of a code or of an invitation's token (`activation.hash_of`).
    """
    found = _find(claim, proof_hash)
    if found is None:
        return _refused(claim, CodeRefused())
    kind, one = found
    claimed = name_key(claim.last_name, claim.first_name)
    if not any(claimed.agrees(known) for known in one.names):
        return _refused(claim, NameDiffers())
    driver = account_link.driver_for(claim.birth_date, claim.permit_number)
    # Asked again under the driver's lock: of two who hold the same code, the second finds it used.
    if driver is None or driver.has_account or driver.code_series != one.series:
        return _refused(claim, CodeRefused())
    account_link.link(claim, driver, kind, None)
    account_link.withhold_other_names(claim, driver)
    account_link.mail_certificates(driver)
    return None


def _refused(claim: IdentityClaim, refusal: Refusal) -> Refusal:
    """Note in the journal that a proof was none, and return why."""
    after = {"why": refusal.message}
    journal.record("identity.code_refused", SUBJECT, claim.id, actor_id=claim.person_id, after=after)
    return refusal


def lock(person_id: int) -> IdentityClaim | None:
    """Return the claim of a person without proof, locked for the transaction; raise :class:`AlreadyProved`."""
    db.session.execute(
        update(IdentityClaim)
        .where(IdentityClaim.person_id == person_id)
        .values(updated_at=clock.machine_now())
        .execution_options(synchronize_session=False)
    )
    db.session.expire_all()
    if db.session.scalar(select(Driver.id).where(Driver.person_id == person_id)):
        raise AlreadyProved
    return claim_of(person_id)


def _issued(claim: IdentityClaim) -> list[_Issued]:
    """Return the codes that stand for the identity claimed; one query, and none where an account was proved."""
    d, r, t, known = Driver, Registration, Trainer, aliased(Driver)
    claimed = (known.birth_date == claim.birth_date, known.permit_number == claim.permit_number)
    this = (*claimed, d.id == standing(known), d.person_id.is_(None))
    lines = (
        select(d.id, r.centre_id, d.code_series, r.last_name, r.first_name)
        .join(r, r.driver_id == d.id)
        .where(*this, r.live())
    )
    rights = (
        select(d.id, t.centre_id, d.code_series, t.last_name, t.first_name)
        .join(t, t.driver_id == d.id)
        .where(*this, t.live())
    )
    names: dict[tuple[int, int, int], set[NameKey]] = {}
    for driver_id, centre_id, series, last_name, first_name in db.session.execute(lines.union(rights)):
        names.setdefault((driver_id, centre_id, series), set()).add(name_key(last_name, first_name))
    return [_Issued(*key, frozenset(known)) for key, known in names.items()]


def _find(claim: IdentityClaim, proof_hash: str) -> tuple[str, _Issued] | None:
    """Return by which kind of proof, and whose, the hash is one for the identity claimed; None where it is none."""
    looks = {INVITATION: activation.is_link_token, CODE: activation.is_code}
    for one in _issued(claim) or [_NOBODY]:
        for kind, is_one in looks.items():
            if is_one(proof_hash, one.driver_id, one.centre_id, one.series) and one is not _NOBODY:
                return kind, one
    return None


def _waiting(claim: IdentityClaim) -> ScalarResult[IdentityCheck]:
    query = select(IdentityCheck).where(IdentityCheck.claim_id == claim.id, IdentityCheck.state == WAITING)
    return db.session.execute(query).scalars()
