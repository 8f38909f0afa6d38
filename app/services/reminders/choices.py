"""What a person wants to be reminded of, and the signed link by which a mail lets them say no."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Collection

from flask import current_app
from sqlalchemy import ColumnElement, delete, exists, select

from app.extensions import db
from app.models import Person, ReminderOff
from app.services.core import actor, clock, dialect, vault
from app.services.core.transaction import transaction

#: Kinds of the mails, which are those of the reminders.
CARD, FCO, ACCREDITATION, WAITING, MONTH = (
    "remind_card",
    "remind_fco",
    "remind_accred",
    "remind_waiting",
    "remind_month",
)
#: What a driver chooses, as it is asked.
CHOSEN = {
    CARD: "Certificat qui prend fin sans demande de carte : 30 et 7 jours avant",
    FCO: "Échéance de la FCO : 180, 90 et 30 jours avant",
}
_USE = "reminders"


def wanted(person_id: int) -> set[str]:
    """Return the kinds of :data:`CHOSEN` that a person wants; all of them until they say otherwise."""
    query = select(ReminderOff.kind).where(ReminderOff.person_id == person_id)
    return set(CHOSEN) - set(db.session.execute(query).scalars())


def choose(person_id: int, kinds: Collection[str]) -> None:
    """Keep what a person wants, and nothing else of :data:`CHOSEN`."""
    with transaction():
        db.session.execute(delete(ReminderOff).where(ReminderOff.person_id == person_id))
        for kind in CHOSEN:
            if kind not in kinds:
                _refuse(person_id, kind)


def is_off(person: object, kind: str) -> ColumnElement[bool]:
    """Return, as SQL, whether a person (a column or an id) wants no reminder of a kind."""
    return exists().where(ReminderOff.person_id == person, ReminderOff.kind == kind)


def off_url(person_id: int, kind: str) -> str:
    """Return the address by which whoever got a mail says no to its kind."""
    return f"{current_app.config['BASE_URL']}/rappels/{person_id}-{kind}-{_marks(person_id, kind)[0]}"


def named(token: str) -> tuple[int, str] | None:
    """Return the person and the kind that a link is about; None for one that the program did not make."""
    head, _, rest = token.partition("-")
    kind, _, mark = rest.partition("-")
    if not (head.isascii() and head.isdigit() and len(head) < 11 and kind in CHOSEN):
        return None
    ours = [hmac.compare_digest(mark.encode(), one.encode()) for one in _marks(int(head), kind)]
    return (int(head), kind) if any(ours) else None


@actor.acting(actor.PROGRAM)
def refuse(person_id: int, kind: str) -> None:
    """Keep that a person wants no reminder of a kind; twice is once."""
    if db.session.get(Person, person_id) is not None:
        with transaction():
            _refuse(person_id, kind)


def _refuse(person_id: int, kind: str) -> None:
    dialect.insert_new(ReminderOff, [{"person_id": person_id, "kind": kind, "since": clock.now()}])


def _marks(person_id: int, kind: str) -> list[str]:
    """Return what a link bears, then what it bore under the secrets of before."""
    digests = [hmac.digest(key, f"{person_id}:{kind}".encode(), "sha256") for key in vault.keys(_USE)]
    return [base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in digests]
