"""Identity documents that drivers send as proof: kept privately until an agent decides, then gone whatever was decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import contains_eager

from app import roles
from app.extensions import db
from app.models import Driver, IdentityCheck, IdentityClaim, Mail, Person
from app.models.identity import ACCEPTED, AGENT, REFUSED, WAITING
from app.models.person import new_token
from app.services.accounts import identity
from app.services.accounts import link as account_link
from app.services.accounts.link import Identity
from app.services.core import actor, clock, outbox, throttle
from app.services.core.reason import reason as reason_of
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.throttle import Limit
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import mail
from app.services.notifications.mail import Content
from app.services.storage import pictures, store

#: Kind of the mails that answer; their values hold the ``check``, by its id.
IDENTITY_MAIL = "identity"

SUBJECT = "identity_check"
LIMIT = 50
SENDING = Limit("identity document", 5)
_NO_PICTURE = {"path": None, "sha256": None}


class AlreadyDecided(Refusal):
    """Somebody decided before, or the person sent another document."""

    message = "Cette pièce d’identité a déjà été décidée ou remplacée par une autre."


class AlreadyProved(Refusal):
    """The person proved the identity by a code meanwhile."""

    message = "Cette personne a prouvé son identité entre-temps : il n’y a plus rien à décider."


@dataclass(frozen=True, slots=True)
class Case:
    """A document that waits, what the register knows of the identity claimed, and the account it has, if any."""

    check: IdentityCheck
    driver: Driver | None
    names: list[str]

    @property
    def former(self) -> Person | None:
        """Return the account that accepting closes, None where the driver has none."""
        return self.driver.person if self.driver else None


@actor.acting(actor.PROGRAM)
def send(person_id: int, stream: IO[bytes]) -> None:
    """Keep the picture of an identity document for an agent; one that waited already is replaced.

    Raises `pictures.PictureRefused`, `throttle.TooOften` or `identity.AlreadyProved`.
    """
    throttle.count(SENDING, str(person_id))
    kept = pictures.keep(pictures.redraw(stream, pictures.IDENTITY), pictures.IDENTITY)
    try:
        with transaction():
            claim = identity.lock(person_id)
            if claim is None:
                raise Refusal("Indiquez d’abord votre identité.")
            before = identity.set_aside(claim)
            check = IdentityCheck(claim_id=claim.id, path=kept.path, sha256=kept.sha256, sent_at=clock.now())
            db.session.add(check)
            db.session.flush()
            journal.record("identity.asked", SUBJECT, check.id, actor_id=person_id)
    except Refusal:  # of any other failure nobody knows whether the row stands: the purge does
        store.remove(kept.path)
        raise
    for path in before:
        store.remove(path)


def sent(claim_id: int) -> list[IdentityCheck]:
    """Return the documents sent for a claim, the first first."""
    query = select(IdentityCheck).where(IdentityCheck.claim_id == claim_id).order_by(IdentityCheck.id)
    return list(db.session.execute(query).scalars())


def last(claim_id: int) -> IdentityCheck | None:
    """Return the last document sent for a claim, None where there is none."""
    return next(iter(reversed(sent(claim_id))), None)


def waiting() -> tuple[list[IdentityCheck], int]:
    """Return the first documents nobody has decided, the oldest first, and how many there are."""
    query = (
        select(IdentityCheck)
        .join(IdentityCheck.claim)
        .join(IdentityClaim.person)
        .options(contains_eager(IdentityCheck.claim).contains_eager(IdentityClaim.person))
        .where(IdentityCheck.state == WAITING)
        .order_by(IdentityCheck.id)
        .limit(LIMIT)
    )
    return list(db.session.execute(query).scalars()), count_waiting()


def count_waiting() -> int:
    """Return how many documents nobody has decided."""
    return db.session.scalar(counting()) or 0


def counting() -> Select[Any]:
    """Return the query of :func:`count_waiting`."""
    return select(func.count()).select_from(IdentityCheck).where(IdentityCheck.state == WAITING)


def case(check_id: int) -> Case | None:
    """Return a document with what the register knows of the identity claimed; None for one that never was."""
    check = db.session.get(IdentityCheck, check_id)
    if check is None:
        return None
    claim = check.claim
    driver = account_link.find(claim.birth_date, claim.permit_number)
    names = account_link.known_names(driver.id) if driver else set()
    return Case(check, driver, sorted(f"{last_name} {first_name}" for last_name, first_name in names))


def picture(check: IdentityCheck) -> bytes:
    """Return the picture of a document that waits; raise `store.Missing` once it is decided."""
    if not check.path or not check.sha256:
        raise store.Missing(SUBJECT)
    return store.get(check.path, check.sha256)


def accept(check_id: int, actor_id: int) -> None:
    """Link the account to the driver's record, mail the person and remove the picture; an account the driver had before is
    closed.

    Raises :class:`AlreadyDecided`, :class:`AlreadyProved`, or `Refusal` for a document that never was.
    """
    with transaction():
        check, path = _take(check_id, ACCEPTED, actor_id)
        claim = check.claim
        driver = account_link.driver_or_new(
            Identity(claim.last_name, claim.first_name, claim.birth_date, claim.permit_number)
        )
        if db.session.scalar(select(Driver.id).where(Driver.person_id == claim.person_id)):
            raise AlreadyProved
        if driver.person_id is not None:
            _close_former(driver, actor_id)
        account_link.link(claim, driver, AGENT, actor_id)
        account_link.mail_certificates(driver)
        _tell(check)
    store.remove(path)
    outbox.ring()


def refuse(check_id: int, actor_id: int, reason: str) -> None:
    """Refuse the document for a reason that the journal keeps and the person is told, and remove the picture.

    Raises as :func:`accept`, and `Refusal` without a reason.
    """
    reason = reason_of(reason, "Dites pourquoi cette pièce est refusée : la personne recevra ce motif.")
    with transaction():
        check, path = _take(check_id, REFUSED, actor_id)
        check.reason = reason
        journal.record("identity.refused", SUBJECT, check.id, actor_id=actor_id, reason=reason)
        _tell(check)
    store.remove(path)
    outbox.ring()


def _take(check_id: int, state: str, actor_id: int) -> tuple[IdentityCheck, str]:
    """Move a document on, once: of two agents who decide at the same moment, one finds it done. Return where it lay, too."""
    path = db.session.scalar(select(IdentityCheck.path).where(IdentityCheck.id == check_id))
    decided = {"state": state, "decided_at": clock.now(), "decided_by_id": actor_id, **_NO_PICTURE}
    done = taken(
        update(IdentityCheck).where(IdentityCheck.id == check_id, IdentityCheck.state == WAITING).values(**decided)
    )
    check = db.session.get(IdentityCheck, check_id, populate_existing=True)
    if check is None:
        raise Refusal("Cette pièce d’identité n’existe pas.")
    if not done or path is None:
        raise AlreadyDecided
    return check, path


def _close_former(driver: Driver, actor_id: int) -> None:
    """Take the driver's space from the account it had; an account that served nothing else is closed."""
    before = db.session.get_one(Person, driver.person_id)
    before.roles = [role for role in before.roles if role.name != roles.DRIVER]
    before.active = bool(before.roles)
    before.auth_token = new_token()
    account_link.unlink(driver)
    journal.record(
        "account.closed",
        "person",
        before.id,
        actor_id=actor_id,
        before={"driver": driver.id},
        after={"active": before.active},
    )


def _tell(check: IdentityCheck) -> None:
    mail.make_due(IDENTITY_MAIL, check.claim.person.email, {"check": check.id})


@mail.says(IDENTITY_MAIL, "Décision sur une pièce d’identité")
def _decision(row: Mail) -> Content:
    check = db.session.get_one(IdentityCheck, row.values["check"])
    values: dict[str, object] = {"first_name": check.claim.first_name, "reason": check.reason}
    if check.state == ACCEPTED:
        return Content("decisions/mail/identity_accepted", "Votre identité est vérifiée", values)
    return Content("decisions/mail/identity_refused", "Votre pièce d’identité", values)
