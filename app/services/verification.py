"""The public verification page: what anybody who holds a document's number may know; initials only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import select

from app.extensions import db
from app.models import Document
from app.models.registration import REVOKED

from . import clock, numbers


class State(StrEnum):
    """The answers there are. A certificate that does not hold yet (a minor's) says so."""

    VALID = "valid"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the register answers; everything but ``number`` and ``state`` is empty when unknown."""

    number: str
    state: State
    kind: str = ""
    initials: str = ""
    training: str = ""
    category: str = ""
    established_on: date | None = None
    valid_from: date | None = None
    valid_until: date | None = None


def verify(text: str) -> Answer:
    """Return what the register says of a number as typed."""
    number = numbers.typed_number(text)
    document = db.session.execute(select(Document).where(Document.number == number)).scalar_one_or_none()
    if document is None:
        return Answer(number, State.UNKNOWN)
    registration = document.registration
    return Answer(
        number, _state(document, clock.today()), document.kind,
        f"{registration.first_name[:1]}. {registration.last_name[:1]}.".upper(), registration.training.label,
        registration.training.category, document.established_on, document.valid_from, document.valid_until,
    )  # fmt: skip


def _state(document: Document, today: date) -> State:
    if document.state == REVOKED:
        return State.REVOKED
    if today > document.valid_until:
        return State.EXPIRED
    return State.NOT_YET if today < document.valid_from else State.VALID
