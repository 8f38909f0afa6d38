"""What a centre may not mend alone (situation B): it asks, an agent accepts or refuses, and the asker is answered by mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import CorrectionRequest, Driver, Mail, Registration
from app.models.amendment import ACCEPTED, OPEN, REASONS, REFUSED, WITHDRAWN
from app.services.core import case, clock, outbox
from app.services.core.reason import REASON_MAX, reason
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import mail
from app.services.notifications.mail import Content
from app.validators.line import RawLine

from . import acts, orders
from .acts import Who
from .effects import Effects
from .orders import Order

#: Kind of the mail that answers; its values hold the ``request``, by its id.
ANSWER = "correction"
SUBJECT = "registration"
#: A centre sees the answer to a request for so long among what it has to handle.
ANSWERED = timedelta(days=30)


class AlreadyAsked(Refusal):
    """One request a registration is open at a time."""

    message = "Une demande de correction est déjà en attente pour cet enregistrement."


class AlreadyDecided(case.AlreadyDecided):
    """Another agent was quicker, or the centre took its request back."""

    message = "Cette demande de correction n’attend plus : elle a été décidée ou retirée entre-temps."


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits: the old line, the new one where one is proposed, what accepting it would bring about, or why it
    cannot be accepted any more.
    """

    request: CorrectionRequest
    old: RawLine
    new: RawLine | None
    effects: Effects | None
    obstacle: str = ""

    @property
    def reason(self) -> str:
        """Return the reason in words."""
        return REASONS[self.request.reason_code]


def ask(order: Order, who: Who) -> CorrectionRequest:
    """Open a request for an agent and return it.

    Raises :class:`AlreadyAsked`, and what `acts.look` raises: a line that the rules refuse is not asked for either.
    """
    registration = db.session.get_one(Registration, order.registration_id)
    acts.look(registration, order, who)
    row = CorrectionRequest(
        registration_id=registration.id,
        asked_by_id=who.person_id,
        asked_at=clock.now(),
        state=OPEN,
        reason_code=order.reason_code,
        reason=order.reason,
        proposed=order.line.values() if order.line else None,
    )
    try:
        with transaction():
            db.session.add(row)
            db.session.flush()
            journal.record(
                "correction.requested",
                SUBJECT,
                registration.id,
                actor_id=who.person_id,
                centre_id=registration.centre_id,
                after={"reason_code": order.reason_code},
                reason=order.reason,
            )
    except IntegrityError:
        raise AlreadyAsked from None
    return row


def open_of(registration_id: int) -> CorrectionRequest | None:
    """Return the request that waits about a registration, None without any."""
    query = select(CorrectionRequest).where(CorrectionRequest.registration_id == registration_id, *_OPEN)
    return db.session.execute(query).scalar_one_or_none()


def last_of(registration_id: int) -> CorrectionRequest | None:
    """Return the last request about a registration, whatever became of it."""
    query = select(CorrectionRequest).where(CorrectionRequest.registration_id == registration_id)
    return db.session.execute(query.order_by(CorrectionRequest.id.desc()).limit(1)).scalar_one_or_none()


def of_centre(centre_id: int) -> list[CorrectionRequest]:
    """Return the last requests of a centre that wait, or were answered not long ago, the latest first."""
    since = clock.now() - ANSWERED
    recent = or_(CorrectionRequest.state == OPEN, CorrectionRequest.decided_at >= since)
    query = (
        _with_lines()
        .join(CorrectionRequest.registration)
        .where(Registration.centre_id == centre_id, CorrectionRequest.state != WITHDRAWN, recent)
        .order_by(CorrectionRequest.id.desc())
        .limit(case.LIMIT)
    )
    return list(db.session.execute(query).scalars())


def waiting() -> tuple[list[CorrectionRequest], int]:
    """Return the first requests that nobody has decided, the oldest first, and how many there are."""
    query = _with_lines().where(*_OPEN).order_by(CorrectionRequest.id).limit(case.LIMIT)
    return list(db.session.execute(query).scalars()), count_waiting()


def find(request_id: int) -> Waiting | None:
    """Return a request that waits, with what accepting it would bring about; None where it does not wait."""
    row = db.session.execute(_with_lines().where(CorrectionRequest.id == request_id, *_OPEN)).scalar_one_or_none()
    return _waiting(row) if row is not None else None


def _with_lines() -> Select[CorrectionRequest]:
    r = Registration
    return select(CorrectionRequest).options(
        joinedload(CorrectionRequest.asked_by),
        joinedload(CorrectionRequest.registration).options(
            joinedload(r.driver).joinedload(Driver.person), joinedload(r.training), joinedload(r.centre)
        ),
    )


def count_waiting() -> int:
    """Return how many requests nobody has decided."""
    return db.session.scalar(counting()) or 0


def counting() -> Select[Any]:
    """Return the query of :func:`count_waiting`."""
    return select(func.count()).select_from(CorrectionRequest).where(*_OPEN)


def accept(
    request_id: int, agent_id: int, answer: str = "", *, shown: str | None = None, credit: bool | None = None
) -> acts.Outcome:
    """Do what was asked for, answer the asker, and return what was done; all or nothing. ``credit``: as `acts.Who`.

    Raises :class:`AlreadyDecided`, and what `acts.amend` raises.
    """
    with transaction(durable=True):
        row = _take(request_id, ACCEPTED, agent_id, " ".join(answer.split())[:REASON_MAX])
        outcome = acts.carry_out(order_of(row), Who(row.asked_by_id, agent_id, credit=credit), shown)
        _tell(request_id, "correction.accepted")
    outbox.ring()
    return outcome


def refuse(request_id: int, agent_id: int, answer: str) -> None:
    """Refuse a request for a reason, which is mailed to the asker; raise :class:`AlreadyDecided`, `Refusal` without reason."""
    kept = reason(answer, "Dites au centre pourquoi cette correction est refusée.")
    with transaction():
        _take(request_id, REFUSED, agent_id, kept)
        _tell(request_id, "correction.refused")
    outbox.ring()


def withdraw(request_id: int, person_id: int) -> None:
    """Take a request back; raise :class:`AlreadyDecided`."""
    with transaction():
        if not case.take(CorrectionRequest, request_id, *_OPEN, state=WITHDRAWN, decided_at=clock.now()):
            raise AlreadyDecided
        row = db.session.get_one(CorrectionRequest, request_id)
        journal.record(
            "correction.withdrawn",
            SUBJECT,
            row.registration_id,
            actor_id=person_id,
            centre_id=row.registration.centre_id,
        )


def order_of(row: CorrectionRequest) -> Order:
    """Return what a request asks for."""
    line = orders.raw_line(row.proposed) if row.proposed else None
    return Order(row.registration_id, row.reason_code, row.reason, line)


_OPEN: tuple[ColumnElement[bool], ...] = (CorrectionRequest.state == OPEN,)


def _waiting(row: CorrectionRequest) -> Waiting:
    order, registration = order_of(row), row.registration
    who = Who(row.asked_by_id, row.asked_by_id)
    try:
        effects, obstacle = acts.look(registration, order, who), ""
    except Refusal as refusal:
        effects, obstacle = None, refusal.message
    return Waiting(row, orders.as_typed(registration), order.line, effects, obstacle)


def _take(request_id: int, state: str, agent_id: int, answer: str) -> CorrectionRequest:
    values = {"state": state, "agent_id": agent_id, "answer": answer, "decided_at": clock.now()}
    if not case.take(CorrectionRequest, request_id, *_OPEN, **values):
        raise AlreadyDecided
    return db.session.get_one(CorrectionRequest, request_id)


def _tell(request_id: int, act: str) -> None:
    row = db.session.get_one(CorrectionRequest, request_id)
    journal.record(
        act,
        SUBJECT,
        row.registration_id,
        actor_id=row.agent_id,
        centre_id=row.registration.centre_id,
        reason=row.answer,
    )
    mail.make_due(ANSWER, row.asked_by.email, {"request": row.id})


@mail.says(ANSWER, "Réponse à une demande de correction")
def _answer(about: Mail) -> Content:
    row = db.session.get_one(CorrectionRequest, about.values["request"])
    words = "acceptée" if row.state == ACCEPTED else "refusée"
    values: dict[str, object] = {
        "first_name": row.asked_by.first_name,
        "words": words,
        "receipt": row.registration.batch.receipt_number,
        "line": row.registration.line_number,
        "answer": row.answer,
        "reason": REASONS[row.reason_code],
    }
    return Content("amendments/mail/correction_answer", f"Votre demande de correction est {words}", values)
