"""All that hangs on a driver, as an agent is shown it before two are joined, and as the act notes it: ids by kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from app.extensions import db
from app.models import (
    CardRequest,
    CorrectionRequest,
    Driver,
    DriverMerge,
    IdentityCorrection,
    Registration,
    Trainer,
)
from app.models.amendment import OPEN
from app.models.card import DRAFT
from app.models.catalogue import CATEGORIES
from app.models.trainer import REGISTERED
from app.services.core import actor
from app.services.registration import fco_modules
from app.validators.fco import FCO_HOURS, tally

REGISTRATIONS, TRAINERS, CARDS, LED, CORRECTIONS = "registrations", "trainers", "cards", "led", "corrections"


@dataclass(frozen=True, slots=True)
class Ledger:
    """The FCO modules of one category: how many whole FCOs they made, and the hours that count for the next one."""

    category: str
    completed: int
    hours: int

    @property
    def words(self) -> str:
        """Return it in words."""
        made = "aucune FCO complète" if not self.completed else f"{self.completed} FCO complète"
        if self.completed > 1:
            made += "s"
        return f"{self.category} : {made}, {self.hours} h sur {FCO_HOURS} h pour la suivante"


@dataclass(frozen=True)
class Hanging:
    """A driver, and what hangs on it; ``led``: other identities of the same driver."""

    driver: Driver
    registrations: list[Registration]
    trainers: list[Trainer]
    cards: list[CardRequest]
    led: list[Driver]
    corrections: list[IdentityCorrection]
    #: Open requests to correct one of its registrations.
    requests: list[CorrectionRequest]
    ledgers: list[Ledger]

    @property
    def ids(self) -> dict[str, list[int]]:
        """Return kind → the ids of its rows, as they are kept with the act."""
        return {kind: sorted(row.id for row in rows) for kind, rows in self._rows.items()}

    @property
    def _rows(self) -> dict[str, Iterable[Any]]:
        return {
            REGISTRATIONS: self.registrations,
            TRAINERS: self.trainers,
            CARDS: self.cards,
            LED: self.led,
            CORRECTIONS: self.corrections,
        }

    @property
    def names(self) -> set[str]:
        """Return the names under which it was registered."""
        rows: list[Registration | Trainer] = [*self.registrations, *self.trainers]
        return {f"{row.last_name} {row.first_name}" for row in rows}

    def told(self) -> dict[str, Any]:
        """Return what was shown of it, as data: whatever changes of it changes this."""
        driver = self.driver
        return {
            "identity": [driver.last_name, driver.first_name, driver.birth_date, driver.permit_number],
            "account": [driver.person_id, bool(driver.person and driver.person.active)],
            "rows": self.ids,
            "lines": [[row.id, row.cancelled_on, row.withheld] for row in self.registrations],
            "documents": sorted([one.id, one.state] for row in self.registrations for one in row.documents),
            "cards": sorted([card.id, card.state] for card in self.cards),
            "requests": sorted(one.id for one in self.requests),
        }


def of(driver: Driver) -> Hanging:
    """Return all that hangs on a driver, whatever the centre: for agents, and inside the act; some queries."""
    with actor.acting(actor.PROGRAM):
        return Hanging(
            driver,
            _registrations(driver.id),
            _all(select(Trainer).options(joinedload(Trainer.centre)), Trainer, driver.id, Trainer.state == REGISTERED),
            _all(select(CardRequest).options(*_GROUNDS), CardRequest, driver.id),
            _others(driver.id),
            _all(select(IdentityCorrection), IdentityCorrection, driver.id),
            _requests(driver.id),
            ledgers(driver.id),
        )


def drafts(hanging: Hanging) -> list[CardRequest]:
    """Return the requests for a card that were begun and not sent."""
    return [card for card in hanging.cards if card.state == DRAFT]


def ledgers(driver_id: int) -> list[Ledger]:
    """Return a driver's FCO modules, a row a category that has any."""
    found = fco_modules.modules_of([driver_id])
    made = {category: tally(modules) for (_, category), modules in found.items()}
    return [
        Ledger(category, len(made[category].completed), sum(one.hours for one in made[category].waiting))
        for category in CATEGORIES
        if category in made
    ]


def merges(driver_id: int, *, standing: bool = False) -> list[DriverMerge]:
    """Return the mergers that a driver is or was part of, the latest first; ``standing``: not those undone."""
    query = (
        select(DriverMerge)
        .options(*(joinedload(link) for link in (DriverMerge.kept, DriverMerge.joined, DriverMerge.by)))
        .where((DriverMerge.kept_id == driver_id) | (DriverMerge.joined_id == driver_id))
        .order_by(DriverMerge.id.desc())
    )
    return list(db.session.execute(query.where(DriverMerge.undone_at.is_(None)) if standing else query).scalars())


_GROUNDS = (
    joinedload(CardRequest.registration).joinedload(Registration.training),
    joinedload(CardRequest.trainer),
)


def _registrations(driver_id: int) -> list[Registration]:
    r = Registration
    query = (
        select(r)
        .options(
            *(joinedload(link) for link in (r.training, r.centre, r.registered_as, r.batch)), selectinload(r.documents)
        )
        .where(r.driver_id == driver_id)
        .order_by(r.end_date.desc(), r.id.desc())
    )
    return list(db.session.execute(query).scalars())


def _all(query: Any, model: Any, driver_id: int, *conditions: Any) -> list[Any]:
    return list(db.session.execute(query.where(model.driver_id == driver_id, *conditions).order_by(model.id)).scalars())


def _others(driver_id: int) -> list[Driver]:
    query = select(Driver).where(Driver.same_as_id == driver_id).order_by(Driver.id)
    return list(db.session.execute(query).scalars())


def _requests(driver_id: int) -> list[CorrectionRequest]:
    query = (
        select(CorrectionRequest)
        .join(CorrectionRequest.registration)
        .where(Registration.driver_id == driver_id, CorrectionRequest.state == OPEN)
        .order_by(CorrectionRequest.id)
    )
    return list(db.session.execute(query).scalars())
