"""The public verification page: what anybody who holds a number may know. Initials only, but to who knows the name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import select

from app.extensions import db
from app.models import Cancellation, Document
from app.models.amendment import REPLACED
from app.models.registration import REVOKED
from app.services.core import actor, clock, numbers, throttle
from app.services.core.throttle import Limit
from app.services.core.transaction import transaction
from app.validators import validity
from app.validators.fields import NAME_MAX, NameKey, name_key, name_words

from .statement import initials

#: Guessing a holder's name and birth date: a few tries a document, whoever tries, and some from one network.
FOR_DOCUMENT, FROM_NETWORK = Limit("holder document", 5), throttle.network("holder network")


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
    revoked_on: date | None = None
    #: The registration was cancelled; and whether another stands in its place (never which: the asker may be a stranger).
    cancelled_on: date | None = None
    is_replaced: bool = False


def verify(text: str) -> Answer:
    """Return what the register says of a number as typed; its file may be gone, the number is known for six years."""
    number = numbers.typed_number(text)
    with actor.acting(actor.public(number)):
        document = _document(number)
        return answer_of(document) if document else Answer(number, State.UNKNOWN)


def answer_of(document: Document) -> Answer:
    """Return what the register says of a document it knows."""
    registration = document.registration
    return Answer(
        document.number,
        state_of(document.state, registration.cancelled_on, document.valid_from, document.valid_until, clock.today()),
        document.kind,
        initials(registration.first_name, registration.last_name),
        registration.training.label,
        registration.training.category,
        document.established_on,
        document.valid_from,
        document.valid_until,
        document.revoked_at.astimezone(clock.PARIS).date() if document.revoked_at else None,
        registration.cancelled_on,
        not registration.is_live and _is_replaced(registration.id),
    )


@actor.acting(actor.PROGRAM)
def _is_replaced(registration_id: int) -> bool:
    query = select(Cancellation.kind).where(Cancellation.registration_id == registration_id)
    return db.session.scalar(query) == REPLACED


def holder(text: str, name: str, birth_date: date | None, network: str) -> str | None:
    """Return the holder's full name to who knows it and the birth date; None whatever is wrong.

    ``name`` may be the whole name in any order, or the last name alone; case, accents and hyphens are forgiven. A good try does
    not count. Raises `throttle.TooOften`.
    """
    number = numbers.typed_number(text)
    throttle.count(FROM_NETWORK, network)
    throttle.count(FOR_DOCUMENT, number)
    with actor.acting(actor.public(number)):
        full_name = _full_name(_document(number), name, birth_date)
    if full_name is not None:
        with transaction():
            throttle.take_back(FROM_NETWORK, network)
            throttle.take_back(FOR_DOCUMENT, number)
    return full_name


def _full_name(document: Document | None, name: str, birth_date: date | None) -> str | None:
    if document is None or document.registration.identity.birth_date != birth_date:
        return None
    last, first = document.registration.last_name, document.registration.first_name
    return f"{last} {first}" if _names(name, name_key(last, first)) else None


def _names(typed: str, holder: NameKey) -> bool:
    """Return whether a text names the holder: the last name alone, or both names in either order, wherever one of them ends."""
    words = name_words(typed) if len(typed) <= 3 * NAME_MAX else ()
    parts = [(words[:at], words[at:]) for at in range(1, len(words) + 1)]
    return any(
        holder.agrees(NameKey(last, first)) if first else "".join(last) == "".join(holder.last)
        for one, other in parts
        for last, first in ((one, other), (other, one))
        if last
    )


def is_known(established_on: date, today: date) -> bool:
    """Tell whether the register still answers for a document: six years from the day it was established."""
    return today <= validity.recap_availability(established_on)[1]


def _document(number: str) -> Document | None:
    document = db.session.execute(select(Document).where(Document.number == number)).scalar_one_or_none()
    return document if document is not None and is_known(document.established_on, clock.today()) else None


def state_of(state: str, cancelled_on: date | None, valid_from: date, valid_until: date, today: date) -> State:
    """Return the state on a day of a document that is known, of a registration cancelled on that day or not at all."""
    if state == REVOKED or cancelled_on is not None:
        return State.REVOKED
    if today > valid_until:
        return State.EXPIRED
    return State.NOT_YET if today < valid_from else State.VALID
