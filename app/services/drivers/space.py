"""The driver's personal space: own trainings, own documents while they are available, nobody else's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased, contains_eager, joinedload

from app.extensions import db
from app.models import Cancellation, Document, Driver, ErrorReport, Registration
from app.models.amendment import REASONS
from app.models.registration import AVAILABLE, CERTIFICATE, PENDING, PURGED
from app.services.amendments import report_mail, reports
from app.services.core import actor, clock


@dataclass(frozen=True, slots=True)
class OwnDocument:
    """A document of the driver, with the days it remains available, today included."""

    document: Document
    days_left: int
    #: Offered for download today.
    is_offered: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """A registration that was cancelled, as its driver is told: ``text``, and the training where it was the driver's own.

    ``registration``: empty where the account held by mistake what is another person's.
    """

    on: date
    text: str
    registration: Registration | None = None
    replaced: bool = False


@dataclass(frozen=True)
class Space:
    """What a driver sees: registrations by date, latest first, and the documents, also those still in preparation."""

    driver: Driver
    registrations: list[Registration]
    documents: list[OwnDocument]
    #: Whose time has passed: no file any more; the latest first.
    ended: list[Document]
    #: What was cancelled, the latest first.
    cancelled: list[Ended]
    #: Registration id → what the driver said last of it (`amendments.reports`).
    reports: dict[int, ErrorReport] = field(default_factory=dict)

    @property
    def is_preparing(self) -> bool:
        """Tell whether a document is still to be drawn: the screen looks again by itself."""
        return any(own.document.state == PENDING for own in self.documents)

    @property
    def certificate(self) -> OwnDocument | None:
        """Return the certificate, downloadable today, that holds longest; None without any."""
        valid = [own for own in self.documents if own.document.kind == CERTIFICATE and own.is_offered]
        return max(valid, key=lambda own: own.document.valid_until, default=None)


def driver_of(person_id: int) -> Driver | None:
    """Return the driver whose account this is, or None."""
    return db.session.execute(select(Driver).where(Driver.person_id == person_id)).scalar_one_or_none()


def space(driver: Driver) -> Space:
    """Return a driver's space, four queries; registrations withheld for an agent's decision are not in it."""
    query = (
        select(Registration)
        .join(Registration.training)
        .join(Registration.centre)
        .options(contains_eager(Registration.training), contains_eager(Registration.centre))
        .where(Registration.driver_id == driver.id, Registration.withheld.is_(False), Registration.live())
        .order_by(Registration.end_date.desc(), Registration.id.desc())
    )
    today = clock.today()
    documents = _documents(driver)
    listed = [OwnDocument(d, days_left(d, today), may_download(d, today)) for d in documents if d.valid_until >= today]
    registrations = list(db.session.execute(query).scalars())
    return Space(
        driver,
        registrations,
        [own for own in listed if own.document.state != PURGED],
        [document for document in documents if document.valid_until < today],
        cancelled(driver),
        reports.last_of(driver.person_id, [row.id for row in registrations]) if driver.person_id else {},
    )


def cancelled(driver: Driver) -> list[Ended]:
    """Return what a driver is told of registrations that were cancelled, the latest first.

    Of one that was another person's, by a wrong permit number or birth date, nothing is told but that it was cancelled.
    """
    with actor.acting(actor.PROGRAM):
        rows = db.session.execute(_cancelled(driver)).tuples().all()
    return [_ended(registration, reason, new_driver) for registration, reason, new_driver in rows]


def _cancelled(driver: Driver) -> Any:
    new = aliased(Registration)
    return (
        select(Registration, Cancellation.reason_code, new.driver_id)
        .join(Cancellation, Cancellation.registration_id == Registration.id)
        .outerjoin(new, new.id == Cancellation.replaced_by_id)
        .options(joinedload(Registration.training), joinedload(Registration.centre))
        .where(Registration.driver_id == driver.id, Registration.withheld.is_(False))
        .order_by(Registration.cancelled_on.desc(), Registration.id.desc())
    )


def _ended(registration: Registration, reason: str, new_driver: int | None) -> Ended:
    on = registration.cancelled_on
    assert on is not None
    if not report_mail.is_own(registration.driver_id, reason, new_driver):
        return Ended(on, f"Un enregistrement établi par erreur a été annulé le {on:%d/%m/%Y}.")
    text = f"Annulé par {registration.centre.name} le {on:%d/%m/%Y} : {REASONS[reason].lower()}."
    return Ended(on, text, registration, new_driver is not None)


def _documents(driver: Driver) -> list[Document]:
    """Return every document of the driver that the register may speak of."""
    query = (
        select(Document)
        .join(Document.registration)
        .where(
            Registration.driver_id == driver.id,
            Registration.withheld.is_(False),
            Registration.live(),
        )
        .order_by(Registration.end_date.desc(), Document.kind, Document.id.desc())
    )
    return list(db.session.execute(query).scalars())


def may_download(document: Document, today: date) -> bool:
    """Tell whether the file is offered today: the certificate through its validity, the récapitulatif for six years.

    A minor's certificate is there before it begins to hold.
    """
    return document.state == AVAILABLE and today <= document.valid_until


def offered(driver: Driver) -> frozenset[int]:
    """Return the ids of the driver's documents that are offered today."""
    today = clock.today()
    return frozenset(document.id for document in _documents(driver) if may_download(document, today))


def days_left(document: Document, today: date) -> int:
    """Return how many days the document remains, today included."""
    return (document.valid_until - today).days + 1


def own_document(driver: Driver, document_id: int) -> Document | None:
    """Return the driver's own document when it is offered today; None otherwise, whatever the reason."""
    query = (
        select(Document)
        .join(Document.registration)
        .where(Document.id == document_id, Registration.driver_id == driver.id, Registration.withheld.is_(False))
        .where(Registration.live())
    )
    document = db.session.execute(query).scalar_one_or_none()
    return document if document is not None and may_download(document, clock.today()) else None
