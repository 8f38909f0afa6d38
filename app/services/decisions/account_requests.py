"""Requests for an account, made before identities were proved, that an agent decides; none is made any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.models import Decision, Mail, Person, SignUp
from app.models.decision import Outcome
from app.models.sign_up import OPENED, REFUSED, WAITING
from app.services.accounts import link as account_link
from app.services.accounts import mail as account_mail
from app.services.accounts import opening as account_opening
from app.services.core import case, clock, outbox
from app.services.core.reason import reason as reason_of
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import mail
from app.services.notifications.mail import Content

DECISION_MAIL = "decision"


class AlreadyDecided(case.AlreadyDecided):
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
    cases, count = DESK.waiting()
    return [_request(one.about) for one in cases], count


def count_waiting() -> int:
    """Return how many requests nobody has decided."""
    return DESK.count()


def counting() -> Select[Any]:
    """Return the query of :func:`count_waiting`."""
    return DESK.counting()


def accept(sign_up_id: int, actor_id: int) -> None:
    """Open the account, which its person has yet to prove (decision 16), and mail the person.

    Raises :class:`AlreadyDecided`, :class:`AddressTaken`, or `Refusal` for a request that never was.
    """
    try:
        with transaction():
            row = _take(sign_up_id, OPENED)
            if account_mail.is_taken(row.email):
                raise AddressTaken
            account_opening.open_account(row, actor_id)
            _tell(row, case.decide(row, Outcome.ACCEPTED, actor_id))
    except IntegrityError:
        raise AddressTaken from None
    outbox.ring()


def refuse(sign_up_id: int, actor_id: int, reason: str) -> None:
    """Refuse the request for a reason that the person is told; raise `Refusal` without one."""
    reason = reason_of(reason, "Dites pourquoi cette demande est refusée : la personne recevra ce motif.")
    with transaction():
        row = _take(sign_up_id, REFUSED)
        row.password_hash, row.decided_at = "", clock.now()
        journal.record("account.refused", "sign_up", row.id, actor_id=actor_id, reason=reason)
        _tell(row, case.decide(row, Outcome.REFUSED, actor_id, reason))
    outbox.ring()


def _request(row: SignUp) -> Request:
    driver = account_link.find(row.birth_date, row.permit_number)
    known = account_link.known_names(driver.id) if driver else set()
    return Request(row, sorted(f"{last} {first}" for last, first in known), driver.person if driver else None)


def _take(sign_up_id: int, state: str) -> SignUp:
    """Move the request on, once: of two agents who decide at the same moment, one finds it done."""
    taken = case.take(SignUp, sign_up_id, *DESK.waits, state=state)
    row = db.session.get(SignUp, sign_up_id)
    if row is None:
        raise Refusal("Cette demande de compte n’existe pas.")
    if not taken:
        raise AlreadyDecided
    return row


def _tell(row: SignUp, decision: Decision) -> None:
    mail.make_due(DECISION_MAIL, row.email, {"decision": decision.id})


@mail.says(DECISION_MAIL, "Décision sur une demande de compte")
def _decision(row: Mail) -> Content:
    decision = db.session.get_one(Decision, row.values["decision"])
    assert decision.sign_up is not None
    values: dict[str, object] = {"first_name": decision.sign_up.first_name, "reason": decision.reason}
    if decision.outcome == Outcome.ACCEPTED:
        return Content("decisions/mail/decision_accepted", "Votre compte est ouvert", values)
    return Content("decisions/mail/decision_refused", "Votre demande de compte", values)


DESK = case.Desk(SignUp, (SignUp.state == WAITING,), lambda: select(SignUp))
