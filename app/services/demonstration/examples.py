"""Examples on top of the bare demonstration: a driver's space and the agents' queue of card requests that are not empty.

They are asked for (`flask seed examples`), never loaded by themselves; the year (`year`) holds as much already.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from sqlalchemy import select

from app.extensions import db
from app.models import Batch, CardRequest, Centre, Driver, Person, Training
from app.services.cards import grounds as card_grounds
from app.services.cards import payment
from app.services.cards import requests as card_requests
from app.services.cards.requests import Postal
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.registration import analysis, confirm, drafts
from app.services.storage import pictures

from . import demonstration, drawings

CENTRE, MANAGER, DRIVER, HOLDER = "12345678200010", "gestionnaire@demo.example", "850492100123", "22225465545"
#: permit number, label, category, days before today
TRAININGS = (
    (DRIVER, "Module FCO", "Marchandises", 95),
    (DRIVER, "Module FCO", "Marchandises", 60),
    (DRIVER, "Passerelle Voyageurs", "Voyageurs", 20),
    (HOLDER, "Passerelle Marchandises", "Marchandises", 25),
)
HOME = Postal("", "8 quai des Bateliers", "67000", "STRASBOURG")


class NotTheDemonstration(Refusal):
    """The base holds no demonstration data, or the examples already."""

    message = "Les exemples se posent une fois, sur une base de démonstration."


def load(do_work: Callable[[], object]) -> CardRequest:
    """Register a few trainings and send one card request; ``do_work`` does what is due (documents). Returns the request.

    Raises :class:`NotTheDemonstration`, `demonstration.NotInProduction`.
    """
    demonstration.refuse_in_production()
    drivers = {permit: _driver(permit) for permit in (DRIVER, HOLDER)}
    if any(
        driver is None or card_requests.of(driver) or card_grounds.grounds_of(driver) for driver in drivers.values()
    ):
        raise NotTheDemonstration
    for permit, label, category, days in TRAININGS:
        _register(drivers[permit], label, category, clock.today() - timedelta(days=days))
    do_work()
    holder = _driver(HOLDER)
    assert holder is not None
    [ground] = card_grounds.grounds_of(holder)
    request = card_requests.begin(holder, ground.kind, ground.id)
    card_requests.set_address(request, HOME)
    card_requests.set_picture(request, pictures.PHOTO, drawings.portrait())
    card_requests.set_picture(request, pictures.SIGNATURE, drawings.signature())
    card_requests.set_means(request, payment.Simulated.ACCEPTED)
    sent = card_requests.submit(request.id, holder.person_id or 0)
    do_work()
    return sent


def _driver(permit: str) -> Driver | None:
    query = select(Driver).where(Driver.permit_number == permit, Driver.person_id.is_not(None))
    return db.session.execute(query).scalar_one_or_none()


def _register(driver: Driver | None, label: str, category: str, end_date: date) -> Batch:
    assert driver is not None
    centre_id = db.session.execute(select(Centre.id).where(Centre.siret == CENTRE)).scalar_one()
    manager = db.session.execute(select(Person.id).where(Person.username == MANAGER)).scalar_one()
    wanted = select(Training.id).where(Training.label == label, Training.category == category)
    line = {
        "reference": "EXEMPLE",
        "order_number": "DEMO",
        "first_name": driver.first_name,
        "last_name": driver.last_name,
        "birth_date": f"{driver.birth_date:%d/%m/%Y}",
        "permit_number": driver.permit_number,
    }
    batch = drafts.start(centre_id, manager)
    drafts.choose_training(batch.id, db.session.execute(wanted).scalar_one(), f"{end_date:%d/%m/%Y}")
    drafts.add_rows(batch.id, [line])
    analysis.check(batch.id)
    confirm.register(batch.id, manager)
    return batch
