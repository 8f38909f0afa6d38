"""Documents withheld because the line's name disagrees with the account: an agent hands them over, or keeps them back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import contains_eager, selectinload

from app.extensions import db
from app.models import Driver, Registration
from app.models.decision import Outcome
from app.models.registration import AVAILABLE, CERTIFICATE, PENDING
from app.services.core import case, clock, outbox
from app.services.core.case import Case
from app.services.core.reason import reason as reason_of
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import certificate_mail, webhook_events

from . import mail as decision_mail

SUBJECT, KEPT, RELEASED = "registration", "withheld.kept", "withheld.released"


class AlreadyDecided(case.AlreadyDecided):
    """The documents are with the driver already, or hold no more: somebody decided before."""

    message = "Ces documents ont déjà été remis au conducteur, ou l’enregistrement est annulé."


class StillDrawn(Refusal):
    """The documents are not there yet; the mail of the certificate is decided with them."""

    message = "Ces documents sont encore en préparation. Décidez dans quelques instants."


def waiting() -> tuple[list[Case[Registration]], int]:
    """Return the first cases nobody has decided, the oldest first, and how many there are."""
    return DESK.waiting()


def count_waiting() -> int:
    """Return how many cases nobody has decided."""
    return DESK.count()


def counting() -> Select[Any]:
    """Return the query of :func:`count_waiting`."""
    return DESK.counting()


def kept() -> list[Case[Registration]]:
    """Return the last cases an agent decided to keep back, with the decision; they may still be handed over."""
    return DESK.kept()


def release(registration_id: int, actor_id: int) -> None:
    """Hand the documents to the driver and make the certificate's mail due.

    Raises :class:`AlreadyDecided`, :class:`StillDrawn`, or `Refusal` for a registration that never was.
    """
    with transaction():
        registration = _get(registration_id)
        if any(document.state == PENDING for document in registration.documents):
            raise StillDrawn
        if not case.take(Registration, registration_id, *DESK.waits, withheld=False):
            raise AlreadyDecided
        if _is_mail_due(registration):
            certificate_mail.make_due([registration])
        webhook_events.available([registration])
        case.decide(registration, Outcome.RELEASED, actor_id)
        _record(RELEASED, registration, actor_id, withheld=False)
    outbox.ring()


def keep(registration_id: int, actor_id: int, reason: str) -> None:
    """Keep the documents back, for a reason that stays with the decision and is mailed to the centre; `Refusal` without one."""
    reason = reason_of(reason, "Dites pourquoi ces documents restent retenus.")
    with transaction():
        registration = _get(registration_id)
        if not registration.withheld or not registration.is_live:
            raise AlreadyDecided
        decision = case.decide(registration, Outcome.KEPT, actor_id, reason)
        decision_mail.tell_centre(registration, decision)
        _record(KEPT, registration, actor_id, withheld=True, reason=reason)
    outbox.ring()


def _get(registration_id: int) -> Registration:
    registration = db.session.get(Registration, registration_id, populate_existing=True)
    if registration is None:
        raise Refusal("Cet enregistrement n’existe pas.")
    return registration


def _is_mail_due(registration: Registration) -> bool:
    today = clock.today()
    return any(
        document.kind == CERTIFICATE and document.state == AVAILABLE and document.valid_until >= today
        for document in registration.documents
    )


def _record(act: str, registration: Registration, actor_id: int, *, withheld: bool, reason: str = "") -> None:
    journal.record(
        act,
        SUBJECT,
        registration.id,
        actor_id=actor_id,
        centre_id=registration.centre_id,
        before={"withheld": True},
        after={"withheld": withheld},
        reason=reason,
    )


def _rows() -> Select[Registration]:
    r = Registration
    return (
        select(r)
        .join(r.driver)
        .join(r.centre)
        .join(r.training)
        .options(
            contains_eager(r.driver).joinedload(Driver.person),
            contains_eager(r.centre),
            contains_eager(r.training),
            selectinload(r.documents),
        )
    )


DESK = case.Desk(Registration, (Registration.withheld.is_(True), Registration.live()), _rows)
