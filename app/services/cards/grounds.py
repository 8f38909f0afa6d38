"""What entitles a person to ask for a card: a training with a certificate that holds today, or a trainer's right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload

from app.extensions import db
from app.models import CardRequest, Document, Driver, IdentityCorrection, Registration, Trainer
from app.models.card import CENTRE, GIVEN_UP, HOLDER
from app.models.driver import Change
from app.models.registration import AVAILABLE, CERTIFICATE, PURGED
from app.services.core import actor, clock
from app.services.trainers import registration as trainer_registration
from app.validators.fields import name_key

FORMATION, RIGHT = "formation", "formateur"


@dataclass(frozen=True, slots=True)
class Ground:
    """A training or a trainer's right of one driver.

    ``opens_on``: the day from which the card may be asked for (a minor's: the 18th birthday); ``closes_on``: the last
    one, None without end. ``request``: the one begun on this ground, if any.
    """

    registration: Registration | None
    trainer: Trainer | None
    opens_on: date | None
    closes_on: date | None
    request: CardRequest | None = None

    @property
    def kind(self) -> str:
        """Return the word that names this kind of ground in addresses."""
        return FORMATION if self.registration is not None else RIGHT

    @property
    def id(self) -> int:
        """Return the id of the training's registration, or of the right."""
        return self._row.id

    @property
    def label(self) -> str:
        """Return what the card would be asked for."""
        if self.registration is not None:
            return self.registration.training.full_label
        assert self.trainer is not None
        return ", ".join([self.trainer.profile_name, *self.trainer.sectors])

    @property
    def centre(self) -> str:
        """Return the name of the centre that registered it."""
        return self._row.centre.name

    @property
    def payer(self) -> str:
        """Return who pays the card's fee: the centre only where it bore it at the registration of a trainer."""
        return CENTRE if self.trainer is not None and self.trainer.fee_borne else HOLDER

    @property
    def names(self) -> tuple[str, str]:
        """Return last name and first name as registered."""
        return self._row.last_name, self._row.first_name

    @property
    def _row(self) -> Registration | Trainer:
        row = self.registration or self.trainer
        assert row is not None
        return row

    def is_open(self, today: date) -> bool:
        """Tell whether a card may be asked for on that day; both limits are inclusive."""
        if self.opens_on is not None and today < self.opens_on:
            return False
        return self.closes_on is None or today <= self.closes_on


def grounds_of(driver: Driver) -> list[Ground]:
    """Return a driver's grounds that are open today or will be, the latest first, with the request begun on each."""
    today = clock.today()
    requests = _requests(driver)
    found = [
        Ground(d.registration, None, d.valid_from, d.valid_until, requests.get((FORMATION, d.registration_id)))
        for d in _certificates(driver)
        if d.valid_until >= today
    ]
    rights = trainer_registration.rights_of(driver.person_id) if driver.person_id is not None else []
    return found + [Ground(None, right, None, None, requests.get((RIGHT, right.id))) for right in rights]


def find(driver: Driver, kind: str, ground_id: int) -> Ground | None:
    """Return one ground of a driver; None where there is none, whatever the reason."""
    return next((ground for ground in grounds_of(driver) if (ground.kind, ground.id) == (kind, ground_id)), None)


def holds(request: CardRequest) -> bool:
    """Tell whether what a request leans on stands: the certificate was not revoked, nothing waits for a decision."""
    if request.trainer is not None:
        return not request.trainer.withheld and request.trainer.cancelled_on is None
    query = (
        select(Document.id)
        .join(Document.registration)
        .where(
            Document.registration_id == request.registration_id,
            Document.kind == CERTIFICATE,
            Document.state.in_((AVAILABLE, PURGED)),
            Registration.withheld.is_(False),
            Registration.live(),
        )
    )
    return db.session.execute(query).first() is not None


def still_counts(driver: Driver, ground: Ground) -> bool:
    """Tell, inside a transaction that has written, whether a ground's registration counts and is this driver's: who cancels it
    at this moment, or finds the driver to be another one, comes before, and is seen, or after, and sees what was written.
    """
    table = Registration if ground.registration is not None else Trainer
    own = table.id == ground.id, table.driver_id == driver.id
    query = select(table.id).where(*own, table.live())
    return db.session.execute(query.with_for_update(read=True)).first() is not None


@actor.acting(actor.PROGRAM)
def names_today(driver: Driver, ground: Ground) -> tuple[str, str]:
    """Return last name and first name for a card: those of the ground, or the driver's where an agent noted that they changed
    since (a marriage).
    """
    c = IdentityCorrection
    query = select(c.last_name, c.first_name).where(c.driver_id == driver.id, c.kind == Change.CHANGE)
    own, today = name_key(*ground.names), name_key(driver.last_name, driver.first_name)
    before = [name_key(last, first) for last, first in db.session.execute(query)]
    changed = not own.agrees(today) and any(own.agrees(former) for former in before)
    return (driver.last_name, driver.first_name) if changed else ground.names


def _certificates(driver: Driver) -> list[Document]:
    r = Registration
    query = (
        select(Document)
        .join(Document.registration)
        .join(r.training)
        .join(r.centre)
        .options(
            contains_eager(Document.registration).contains_eager(r.training),
            contains_eager(Document.registration).contains_eager(r.centre),
        )
        .where(
            r.driver_id == driver.id,
            r.withheld.is_(False),
            r.live(),
            Document.kind == CERTIFICATE,
            Document.state == AVAILABLE,
        )
        .order_by(r.end_date.desc(), r.id.desc())
    )
    return list(db.session.execute(query).scalars())


def _requests(driver: Driver) -> dict[tuple[str, int], CardRequest]:
    query = (
        select(CardRequest)
        .options(
            joinedload(CardRequest.registration).joinedload(Registration.training), joinedload(CardRequest.trainer)
        )
        .where(CardRequest.driver_id == driver.id, CardRequest.state.not_in(GIVEN_UP))
    )
    found = {}
    for request in db.session.execute(query).scalars():
        key = (FORMATION, request.registration_id) if request.registration_id else (RIGHT, request.trainer_id)
        found[(key[0], int(key[1] or 0))] = request
    return found
