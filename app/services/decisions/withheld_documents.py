"""Documents withheld because the line's name disagrees with the account: an agent hands them over, or keeps them back."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, String, cast, exists, func, select, update
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from app.extensions import db
from app.models import Driver, JournalEntry, Registration
from app.models.outbox import MAIL
from app.models.registration import AVAILABLE, CERTIFICATE, PENDING
from app.services.core import clock, outbox
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import mail, webhook_events

SUBJECT, KEPT, RELEASED = "registration", "withheld.kept", "withheld.released"
LIMIT = 50
REASON_MAX = 300


class AlreadyDecided(Refusal):
    """The documents are with the driver already: somebody decided before."""

    message = "Ces documents ont déjà été remis au conducteur."


class StillDrawn(Refusal):
    """The documents are not there yet; the mail of the certificate is decided with them."""

    message = "Ces documents sont encore en préparation. Décidez dans quelques instants."


@dataclass(frozen=True, slots=True)
class Case:
    """A registration whose documents are withheld; ``kept``: the decision to keep them back, if one was taken."""

    registration: Registration
    kept: JournalEntry | None = None


def waiting() -> tuple[list[Case], int]:
    """Return the first cases nobody has decided, the oldest first, and how many there are."""
    found = db.session.execute(_withheld(~_was_kept()).order_by(Registration.id).limit(LIMIT)).scalars()
    return [Case(registration) for registration in found], count_waiting()


def count_waiting() -> int:
    """Return how many cases nobody has decided."""
    total = select(func.count()).select_from(Registration).where(Registration.withheld.is_(True), ~_was_kept())
    return db.session.scalar(total) or 0


def kept() -> list[Case]:
    """Return the last cases an agent decided to keep back, with the decision; they may still be handed over."""
    query = _withheld(_was_kept()).order_by(Registration.id.desc()).limit(LIMIT)
    registrations = list(db.session.execute(query).scalars())
    decisions = _decisions([registration.id for registration in registrations])
    return [Case(registration, decisions.get(str(registration.id))) for registration in registrations]


def release(registration_id: int, actor_id: int) -> None:
    """Hand the documents to the driver and make the certificate's mail due.

    Raises :class:`AlreadyDecided`, :class:`StillDrawn`, or `Refusal` for a registration that never was.
    """
    with transaction():
        registration = _get(registration_id)
        if any(document.state == PENDING for document in registration.documents):
            raise StillDrawn
        _open(registration)
        if _is_mail_due(registration):
            outbox.add(MAIL, ({"mail": mail_id} for mail_id in mail.prepare_certificates([registration])))
        webhook_events.available([registration])
        _record(RELEASED, registration, actor_id, withheld=False)
    outbox.ring()


def keep(registration_id: int, actor_id: int, reason: str) -> None:
    """Keep the documents back, for a reason that the journal holds; raise `Refusal` without one."""
    reason = " ".join(reason.split())
    if not reason:
        raise Refusal("Dites pourquoi ces documents restent retenus.")
    if len(reason) > REASON_MAX:
        raise Refusal(f"Le motif fait {REASON_MAX} caractères au plus.")
    with transaction():
        registration = _get(registration_id)
        if not registration.withheld:
            raise AlreadyDecided
        _record(KEPT, registration, actor_id, withheld=True, reason=reason)


def _get(registration_id: int) -> Registration:
    registration = db.session.get(Registration, registration_id, populate_existing=True)
    if registration is None:
        raise Refusal("Cet enregistrement n’existe pas.")
    return registration


def _open(registration: Registration) -> None:
    """Clear the mark, once: of two agents who decide at the same moment, one finds it done."""
    done = db.session.execute(
        update(Registration)
        .where(Registration.id == registration.id, Registration.withheld.is_(True))
        .values(withheld=False)
    )
    if not done.rowcount:  # type: ignore[attr-defined]
        raise AlreadyDecided
    db.session.refresh(registration)


def _is_mail_due(registration: Registration) -> bool:
    today = clock.today()
    return any(
        document.kind == CERTIFICATE and document.state == AVAILABLE and document.valid_until >= today
        for document in registration.documents
    )


def _record(act: str, registration: Registration, actor_id: int, *, withheld: bool, reason: str = "") -> None:
    journal.record(
        act, SUBJECT, registration.id, actor_id=actor_id, centre_id=registration.centre_id,
        before={"withheld": True}, after={"withheld": withheld}, reason=reason,
    )  # fmt: skip


def _was_kept() -> ColumnElement[bool]:
    entry = JournalEntry
    return exists().where(
        entry.subject_type == SUBJECT, entry.subject_id == cast(Registration.id, String), entry.action == KEPT
    )


def _withheld(condition: ColumnElement[bool]):  # type: ignore[no-untyped-def]
    r = Registration
    return (
        select(r)
        .join(r.driver).join(r.centre).join(r.training)
        .options(
            contains_eager(r.driver).joinedload(Driver.person), contains_eager(r.centre), contains_eager(r.training),
            selectinload(r.documents),
        )
        .where(r.withheld.is_(True), condition)
    )  # fmt: skip


def _decisions(registration_ids: list[int]) -> dict[str, JournalEntry]:
    """Return registration id → its last decision to keep, with the agent who took it."""
    query = (
        select(JournalEntry)
        .options(joinedload(JournalEntry.actor))
        .where(
            JournalEntry.subject_type == SUBJECT, JournalEntry.action == KEPT,
            JournalEntry.subject_id.in_([str(one) for one in registration_ids]),
        )
        .order_by(JournalEntry.id)
    )  # fmt: skip
    return {entry.subject_id: entry for entry in db.session.execute(query).scalars()}


__all__ = ["AlreadyDecided", "Case", "StillDrawn", "keep", "kept", "release", "waiting"]
