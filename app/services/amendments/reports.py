"""« Signaler une erreur » (situation C): what a driver says of an own registration, until the centre corrects it or answers.

What is said asks the register nothing: no answer depends on who bears another permit number. The centre learns what the
driver wrote for it, and nothing of the account.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import Accreditation, Driver, ErrorReport, LookAlike, Registration
from app.models.amendment import (
    NOT_ATTENDED,
    WRONG_BIRTH_DATE,
    WRONG_END_DATE,
    WRONG_NAME,
    WRONG_PERMIT,
    WRONG_TRAINING,
)
from app.models.amendment import ReportState as State
from app.services.core import actor, case, clock, outbox, throttle
from app.services.core.reason import REASON_MAX, reason
from app.services.core.refusal import Refusal
from app.services.core.throttle import Limit
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.rights import access
from app.services.rights.access import Reach
from app.validators.validity import add_months

from . import orders, report_mail
from .effects import YEARS
from .sayings import Saying

SUBJECT = "registration"
#: Without an answer for so long, agents see to it as well.
PATIENCE = timedelta(days=5)
#: Of one account: an error is said now and then.
SAYING = Limit("error report", 5)
_OPEN: tuple[ColumnElement[bool], ...] = (ErrorReport.state == State.OPEN,)
#: Field that a driver says is not exact → the reason for which the centre would correct it; the first one said leads.
REASON_OF = {
    "permit_number": WRONG_PERMIT,
    "birth_date": WRONG_BIRTH_DATE,
    "last_name": WRONG_NAME,
    "first_name": WRONG_NAME,
    "training_label": WRONG_TRAINING,
    "category": WRONG_TRAINING,
    "end_date": WRONG_END_DATE,
}


class NotThere(Refusal):
    """The registration is not among the driver's own, or counts no more."""

    message = "Cet enregistrement ne figure plus dans votre espace : il a été annulé entre-temps."


class AlreadySaid(Refusal):
    """One report a registration is open at a time: a second click, another tab."""

    message = "Vous avez déjà signalé une erreur sur cet enregistrement : le centre doit encore vous répondre."


class AlreadyClosed(Refusal):
    """Somebody answered, the registration was corrected, or the driver took it back."""

    message = "Ce signalement n’attend plus de réponse : il a été traité ou retiré entre-temps."


def own(person_id: int, registration_id: int) -> Registration:
    """Return a registration as its driver sees it in the space; raise :class:`NotThere` for any other."""
    query = (
        select(Registration)
        .join(Registration.driver)
        .options(joinedload(Registration.training), joinedload(Registration.centre), joinedload(Registration.driver))
        .where(Registration.id == registration_id, Driver.person_id == person_id)
        .where(Registration.withheld.is_(False), Registration.live())
    )
    row = db.session.execute(query).scalar_one_or_none()
    if row is None:
        raise NotThere
    return row


def say(person_id: int, registration_id: int, saying: Saying) -> ErrorReport:
    """Tell the centre what is not exact, and return the report.

    Raises :class:`NotThere`, :class:`AlreadySaid` or `throttle.TooOften`.
    """
    if open_of(own(person_id, registration_id).id) is not None:
        raise AlreadySaid
    throttle.count(SAYING, str(person_id))
    try:
        with transaction():
            row = _write(person_id, registration_id, saying)
    except IntegrityError:
        raise AlreadySaid from None
    outbox.ring()
    return row


def _write(person_id: int, registration_id: int, saying: Saying) -> ErrorReport:
    registration = own(person_id, registration_id)
    row = ErrorReport(
        registration_id=registration_id,
        person_id=person_id,
        said_at=clock.now(),
        said=saying.fields,
        not_attended=saying.not_attended,
        text=saying.text,
        state=State.OPEN,
    )
    db.session.add(row)
    db.session.flush()
    # Who cancels it at this moment comes before, and is seen here, or after, and settles what was just written.
    query = select(Registration.cancelled_on).where(Registration.id == registration_id)
    if db.session.execute(query.with_for_update(read=True)).scalar_one() is not None:
        raise NotThere
    _note(row, "report.made", person_id, fields=[*saying.fields, *["not_attended"] * saying.not_attended])
    report_mail.tell_centre(row, registration)
    return row


def withdraw(person_id: int, report_id: int) -> None:
    """Take an own report back; raise :class:`AlreadyClosed`."""
    with transaction():
        mine = (*_OPEN, ErrorReport.person_id == person_id)
        if not case.take(ErrorReport, report_id, *mine, state=State.WITHDRAWN, closed_at=clock.now()):
            raise AlreadyClosed
        _note(db.session.get_one(ErrorReport, report_id), "report.withdrawn", person_id)


def answer(report_id: int, actor_id: int, text: str) -> None:
    """Answer that the data are exact, for the reason given, and tell the driver by mail.

    Whether the person may is for the caller to ask (`acts.require`). Raises :class:`AlreadyClosed` or `ReasonNeeded`.
    """
    too_long = f"La réponse fait {REASON_MAX} caractères au plus."
    kept = reason(text, "Dites au conducteur pourquoi les données sont exactes.", too_long)
    values = {"state": State.EXACT, "answered_by_id": actor_id, "answer": kept, "closed_at": clock.now()}
    with transaction():
        if not case.take(ErrorReport, report_id, *_OPEN, **values):
            raise AlreadyClosed
        row = db.session.get_one(ErrorReport, report_id)
        _note(row, "report.answered", actor_id, why=kept)
        report_mail.tell_driver(row)
    outbox.ring()


@actor.acting(actor.PROGRAM)
def settle(registration_id: int, actor_id: int) -> None:
    """Close the report on a registration that is cancelled or replaced, in the caller's transaction, and tell its driver."""
    row = open_of(registration_id)
    if row is None:
        return
    if case.take(ErrorReport, row.id, *_OPEN, state=State.SETTLED, closed_at=clock.now()):
        row = db.session.get_one(ErrorReport, row.id)
        _note(row, "report.settled", actor_id)
        report_mail.tell_driver(row)


def open_of(registration_id: int) -> ErrorReport | None:
    """Return the report that waits about a registration, None without any."""
    query = select(ErrorReport).where(ErrorReport.registration_id == registration_id, *_OPEN)
    return db.session.execute(query).scalar_one_or_none()


def last_of(person_id: int, registration_ids: Collection[int]) -> dict[int, ErrorReport]:
    """Return registration id → the last report that a person made about it; one query."""
    query = select(ErrorReport).where(
        ErrorReport.person_id == person_id, ErrorReport.registration_id.in_(registration_ids)
    )
    rows = db.session.execute(query.order_by(ErrorReport.id)).scalars()
    return {row.registration_id: row for row in rows}


def all_of(person_id: int) -> list[ErrorReport]:
    """Return every report that a person made, in their order, with its registration."""
    query = _with_rows().where(ErrorReport.person_id == person_id)
    return list(db.session.execute(query.order_by(ErrorReport.id)).scalars())


def find(report_id: int) -> ErrorReport | None:
    """Return a report that waits, with its registration; None where it does not wait."""
    query = _with_rows().where(ErrorReport.id == report_id, *_OPEN)
    return db.session.execute(query).scalar_one_or_none()


def of_centre(centre_id: int, person_id: int) -> tuple[list[ErrorReport], int]:
    """Return the first reports that wait at a centre for a person whose right extends to them, and how many there are."""
    within = (*_OPEN, *reach_to(centre_id, person_id))
    rows = _with_rows().join(ErrorReport.registration).where(*within).order_by(ErrorReport.id).limit(case.LIMIT)
    count = select(func.count()).select_from(ErrorReport).join(ErrorReport.registration).where(*within)
    return list(db.session.execute(rows).scalars()), db.session.scalar(count) or 0


def reach_to(centre_id: int, person_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return, as SQL about registrations, those of a centre to whose accreditation a person's right extends."""
    reached = select(Accreditation.id).where(
        Accreditation.centre_id == centre_id, access.reach_clause(Reach(person_id))
    )
    return Registration.centre_id == centre_id, Registration.accreditation_id.in_(reached)


def unanswered() -> tuple[list[ErrorReport], int]:
    """Return the first reports that centres left without an answer for too long, the oldest first, and how many there are."""
    query = _with_rows().where(*_late()).order_by(ErrorReport.id).limit(case.LIMIT)
    return list(db.session.execute(query).scalars()), count_unanswered()


def count_unanswered() -> int:
    """Return how many reports wait for too long."""
    return db.session.scalar(counting()) or 0


def counting() -> Select[Any]:
    """Return the query of :func:`count_unanswered`."""
    return select(func.count()).select_from(ErrorReport).where(*_late())


def proposed(row: ErrorReport) -> tuple[dict[str, str], str]:
    """Return what the correction's form begins with: the nine fields as the driver says they are right, and the reason."""
    typed = {**orders.as_typed(row.registration).values(), **row.said}
    code = NOT_ATTENDED if row.not_attended else next((c for f, c in REASON_OF.items() if f in row.said), "")
    return typed, code


def forget(*, dry_run: bool = False) -> int:
    """Delete what was said of registrations whose documents are gone, and what was to be checked of them; return how many."""
    over = select(Registration.id).where(add_months(clock.today(), -12 * YEARS) > Registration.registered_on)
    old = ErrorReport.registration_id.in_(over), LookAlike.registration_id.in_(over)
    total = sum(db.session.scalar(select(func.count()).where(condition)) or 0 for condition in old)
    if total and not dry_run:
        with transaction():
            for condition, table in zip(old, (ErrorReport, LookAlike), strict=True):
                db.session.execute(delete(table).where(condition).execution_options(synchronize_session=False))
    return total


def _late() -> tuple[ColumnElement[bool], ...]:
    return (*_OPEN, ErrorReport.said_at <= clock.ago(PATIENCE, clock.now))


def _with_rows() -> Select[ErrorReport]:
    r = Registration
    links = joinedload(r.driver), joinedload(r.training), joinedload(r.centre), joinedload(r.batch)
    return select(ErrorReport).options(joinedload(ErrorReport.registration).options(*links))


def _note(row: ErrorReport, act: str, actor_id: int, *, why: str = "", fields: list[str] | None = None) -> None:
    journal.record(
        act,
        SUBJECT,
        row.registration_id,
        actor_id=actor_id,
        centre_id=row.registration.centre_id,
        reason=why,
        **({"after": {"fields": fields}} if fields else {}),
    )
