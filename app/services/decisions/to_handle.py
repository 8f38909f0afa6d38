"""What somebody must look at: work that failed or waits too long, refused mails, altered files, invariants that do not hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import contains_eager

from app.extensions import db
from app.models import Breach, Document, Driver, Mail, Outbox, Registration
from app.models.outbox import MAIL_REFUSED
from app.services.core import clock, outbox
from app.services.core.dialect import found_first
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal

LIMIT = 50
#: Undone for longer than this, work is shown even if it never failed (nothing may be forgotten in silence).
PATIENCE = timedelta(minutes=10)


def failed_work() -> tuple[list[Outbox], int]:
    """Return the first rows of work that failed or waits too long, the oldest first, and how many there are."""
    rows = db.session.execute(select(Outbox).where(_undone()).order_by(Outbox.id).limit(LIMIT)).scalars()
    return list(rows), count_failed()


def count_failed() -> int:
    """Return how many rows of work failed or wait too long."""
    return db.session.scalar(counting_failed()) or 0


def count_refused() -> int:
    """Return how many mails were refused for good."""
    return db.session.scalar(counting_refused()) or 0


def count_faulty() -> int:
    """Return how many documents have a file that is no longer what was sealed."""
    return db.session.scalar(counting_faulty()) or 0


def counting_failed() -> Select[Any]:
    """Return the query of :func:`count_failed`."""
    return select(func.count()).select_from(Outbox).where(_undone())


def counting_refused() -> Select[Any]:
    """Return the query of :func:`count_refused`."""
    return select(func.count()).select_from(Mail).where(Mail.state == MAIL_REFUSED)


def counting_faulty() -> Select[Any]:
    """Return the query of :func:`count_faulty`."""
    return select(func.count()).select_from(Document).where(Document.fault.is_not(None))


def refused_mails() -> tuple[list[Mail], int]:
    """Return the last mails whose recipient was refused for good, with registration and driver, and how many there are.

    A mail about an account has no registration.
    """
    last = select(Mail.id).where(Mail.state == MAIL_REFUSED).order_by(Mail.id.desc()).limit(LIMIT)
    query = (
        select(Mail)
        .outerjoin(Mail.registration)
        .outerjoin(Registration.driver)
        .options(contains_eager(Mail.registration).contains_eager(Registration.driver).joinedload(Driver.person))
        .where(found_first(Mail.id, last))  # not all that were refused are joined, to show the last
        .order_by(Mail.id.desc())
    )
    return list(db.session.execute(query).scalars()), count_refused()


def faulty_documents() -> tuple[list[Document], int]:
    """Return the first documents whose file is not what was sealed, by fault, with registration, and how many there are."""
    query = (
        select(Document)
        .join(Document.registration)
        .join(Registration.training)
        .options(contains_eager(Document.registration).contains_eager(Registration.training))
        .where(Document.fault.is_not(None))
        # By fault first, as the index stands: by number alone, SQLite would walk all documents to find none.
        .order_by(Document.fault, Document.id)
        .limit(LIMIT)
    )
    return list(db.session.execute(query).scalars()), count_faulty()


def breaches() -> list[Breach]:
    """Return the invariants that did not hold in the last night's look, the oldest first; there are few of them."""
    return list(db.session.execute(select(Breach).order_by(Breach.since, Breach.code)).scalars())


def counting_breaches() -> Select[Any]:
    """Return the query of how many invariants do not hold."""
    return select(func.count()).select_from(Breach)


def retry(outbox_id: int, actor_id: int) -> None:
    """Make a row due now and ring; raise `Refusal` when it was done meanwhile.

    The row starts afresh: past its 48 hours it would never be rung again.
    """
    now = clock.machine_now()
    with transaction():
        done = taken(
            update(Outbox)
            .where(Outbox.id == outbox_id, Outbox.done_at.is_(None))
            .values(due_at=now, rung_at=None, created_at=now)
        )
        if not done:
            raise Refusal("Ce travail est déjà fait.")
        journal.record("outbox.retried", "outbox", outbox_id, actor_id=actor_id)
    outbox.ring()


def _undone() -> ColumnElement[bool]:
    return Outbox.done_at.is_(None) & or_(Outbox.last_error.is_not(None), Outbox.created_at < clock.ago(PATIENCE))
