"""What stands after the day, beside what was acknowledged: nothing lost, nothing doubled, every document, every mail once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select

from app.extensions import db
from app.models import Batch, Document, Driver, Mail, Outbox, Registration
from app.models.outbox import CERTIFICATE_MAIL, DOCUMENTS, MAIL_SENT, NIGHTLY
from app.models.registration import AVAILABLE

from .book import Receipt

#: Documents of a registration: récapitulatif and certificate.
DOCUMENTS_EACH = 2


@dataclass(frozen=True, slots=True)
class Proof:
    """Counts of rows. ``lost``: permits acknowledged that stand nowhere; ``doubled``: permits registered more than once;
    ``astray``: receipts whose batch does not hold their very lines; ``missing``, ``unmailed``, ``mailed_twice``: documents not
    available, certificates of drivers with an account that were mailed never, or more than once.
    """

    registrations: int
    acknowledged: int
    lost: int
    doubled: int
    astray: int
    documents: int
    missing: int
    mails: int
    unmailed: int
    mailed_twice: int

    @property
    def holds(self) -> bool:
        """Tell whether all was kept that was promised."""
        wrong = (self.lost, self.doubled, self.astray, self.missing, self.unmailed, self.mailed_twice)
        return not any(wrong) and self.registrations >= self.acknowledged


def left() -> int:
    """Return how many documents are not drawn yet and rows of the outbox not done, the night's own left out."""
    pending = _count(Document.id, Document.state != AVAILABLE)
    return pending + _count(Outbox.id, Outbox.done_at.is_(None), Outbox.kind != NIGHTLY)


def drawn() -> int:
    """Return how many documents are available."""
    return _count(Document.id, Document.state == AVAILABLE)


def of(receipts: Iterable[Receipt]) -> Proof:
    """Compare the base with the receipts of the day."""
    told = list(receipts)
    promised = [permit for receipt in told for permit in receipt.permits]
    standing = Counter(_permits())
    batches = _batches()
    mailed = _mailed()
    owed = _owed()
    return Proof(
        registrations=sum(standing.values()),
        acknowledged=len(promised),
        lost=sum(not standing[permit] for permit in promised),
        doubled=sum(count > 1 for count in standing.values()),
        astray=sum(batches.get(one.batch) != (one.number, sorted(one.permits)) for one in told if one.number)
        + sum(sorted(one.permits) != batches.get(one.batch, ("", []))[1] for one in told if not one.number),
        documents=drawn(),
        missing=DOCUMENTS_EACH * sum(standing.values()) - drawn(),
        mails=sum(mailed.values()),
        unmailed=sum(not mailed[id_] for id_ in owed),
        mailed_twice=sum(count > 1 for count in mailed.values()),
    )


def _count(column: ColumnElement[int] | object, *conditions: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count(column)).where(*conditions)) or 0  # type: ignore[arg-type]


def _permits() -> Iterable[str]:
    return db.session.scalars(select(Driver.permit_number).join(Registration, Registration.driver_id == Driver.id))


def _batches() -> dict[str, tuple[str, list[str]]]:
    """Return key of a registered batch → its receipt's number, the permits of its registrations in their order."""
    query = (
        select(Batch.key, Batch.receipt_number, Driver.permit_number)
        .join(Registration, Registration.batch_id == Batch.id)
        .join(Driver, Registration.driver_id == Driver.id)
        .order_by(Driver.permit_number)
    )
    found: dict[str, tuple[str, list[str]]] = {}
    for key, number, permit in db.session.execute(query):
        found.setdefault(key, (number, []))[1].append(permit)
    return found


def _owed() -> list[int]:
    """Return the registrations of drivers who have an account."""
    query = select(Registration.id).join(Driver, Registration.driver_id == Driver.id)
    return list(db.session.scalars(query.where(Driver.person_id.is_not(None))))


def _mailed() -> Counter[int]:
    """Return registration → certificates mailed; two rows of one Message-ID cannot be."""
    query = select(Mail.registration_id).where(Mail.kind == CERTIFICATE_MAIL, Mail.state == MAIL_SENT)
    return Counter(id_ for id_ in db.session.scalars(query) if id_)


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds from a registration to its documents: half of them, all but one in twenty, the last."""

    median: float
    p95: float
    longest: float


def delays() -> Delays:
    """Return how long documents were waited for, by the outbox: made due with the registration, done with the document."""
    query = select(Outbox.done_at, Outbox.created_at).where(Outbox.kind == DOCUMENTS, Outbox.done_at.is_not(None))
    taken = sorted((done - made for done, made in db.session.execute(query).tuples()), key=timedelta.total_seconds)
    if not taken:
        return Delays(0, 0, 0)
    places = (len(taken) // 2, len(taken) * 95 // 100, len(taken) - 1)
    return Delays(*(taken[place].total_seconds() for place in places))
