"""Requests for an account that an agent decides: the name disagrees with the register's, or the driver has an account."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app import roles
from app.extensions import db
from app.models import Driver, Person, SignUp
from app.models.outbox import MAIL
from app.models.person import new_token
from app.models.sign_up import OPENED, REFUSED, WAITING
from app.services.accounts import opening as account_opening
from app.services.core import clock, outbox
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import account_mail, mail

LIMIT = 50
REASON_MAX = 300


class AlreadyDecided(Refusal):
    """Somebody decided before."""

    message = "Cette demande de compte a déjà été décidée."


class AddressTaken(Refusal):
    """An account has this mail address meanwhile."""

    message = "Un compte existe déjà avec cette adresse électronique. Refusez la demande, avec ce motif."


@dataclass(frozen=True, slots=True)
class Request:
    """A sign-up that waits, what the register knows of that driver, and the account the driver has, if any."""

    sign_up: SignUp
    names: list[str]
    account: Person | None


def waiting() -> tuple[list[Request], int]:
    """Return the first requests nobody has decided, the oldest first, and how many there are."""
    rows = db.session.execute(select(SignUp).where(SignUp.state == WAITING).order_by(SignUp.id).limit(LIMIT)).scalars()
    return [_request(row) for row in rows], count_waiting()


def count_waiting() -> int:
    """Return how many requests nobody has decided."""
    return db.session.scalar(select(func.count()).select_from(SignUp).where(SignUp.state == WAITING)) or 0


def accept(sign_up_id: int, actor_id: int) -> None:
    """Open the account, link the driver to it and mail the person; an account the driver had before is closed.

    Raises :class:`AlreadyDecided`, :class:`AddressTaken`, or `Refusal` for a request that never was.
    """
    try:
        with transaction():
            row = _take(sign_up_id, OPENED)
            if account_mail.is_taken(row.email):
                raise AddressTaken
            driver = account_opening.driver_for(row.birth_date, row.permit_number)
            assert driver is not None, "the request was handed over for a driver of the register"
            if driver.person_id is not None:
                _close(driver, actor_id)
            account_opening.open_account(row, driver, actor_id)
            account_opening.mail_certificates(driver)
            _tell(row)
    except IntegrityError:
        raise AddressTaken from None
    outbox.ring()


def refuse(sign_up_id: int, actor_id: int, reason: str) -> None:
    """Refuse the request for a reason that the journal keeps and the person is told; raise `Refusal` without one."""
    reason = " ".join(reason.split())
    if not reason:
        raise Refusal("Dites pourquoi cette demande est refusée : la personne recevra ce motif.")
    if len(reason) > REASON_MAX:
        raise Refusal(f"Le motif fait {REASON_MAX} caractères au plus.")
    with transaction():
        row = _take(sign_up_id, REFUSED)
        row.reason, row.password_hash, row.decided_at = reason, "", clock.now()
        journal.record("account.refused", "sign_up", row.id, actor_id=actor_id, reason=reason)
        _tell(row)
    outbox.ring()


def _request(row: SignUp) -> Request:
    query = select(Driver).where(Driver.birth_date == row.birth_date, Driver.permit_number == row.permit_number)
    driver = db.session.execute(query).scalar_one()
    names = sorted(f"{last} {first}" for last, first in account_opening.known_names(driver.id))
    return Request(row, names, driver.person)


def _take(sign_up_id: int, state: str) -> SignUp:
    """Move the request on, once: of two agents who decide at the same moment, one finds it done."""
    done = db.session.execute(
        update(SignUp).where(SignUp.id == sign_up_id, SignUp.state == WAITING).values(state=state)
    )
    row = db.session.get(SignUp, sign_up_id, populate_existing=True)
    if row is None:
        raise Refusal("Cette demande de compte n’existe pas.")
    if not done.rowcount:  # type: ignore[attr-defined]
        raise AlreadyDecided
    return row


def _close(driver: Driver, actor_id: int) -> None:
    """Take the driver's space from the account it had; an account that served nothing else is closed."""
    before = db.session.get_one(Person, driver.person_id)
    before.roles = [role for role in before.roles if role.name != roles.DRIVER]
    before.active = bool(before.roles)
    before.auth_token = new_token()
    driver.person_id = None
    db.session.flush()
    journal.record(
        "account.closed", "person", before.id, actor_id=actor_id, before={"driver": driver.id},
        after={"active": before.active},
    )  # fmt: skip


def _tell(row: SignUp) -> None:
    due = mail.prepare_account(account_mail.DECISION, row.email, str(row.id))
    outbox.add(MAIL, ({"mail": mail_id} for mail_id in due))
