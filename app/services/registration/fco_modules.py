"""The FCO modules that drivers followed, read from the base; what they make is a rule (`validators.fco`)."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Integer, cast, select

from app.extensions import db
from app.models import Registration, Training
from app.models.catalogue import FCO_MODULE
from app.services.core import actor, bulk
from app.validators.fco import Module


def modules_of(driver_ids: Iterable[int]) -> dict[tuple[int, str], list[Module]]:
    """Return driver and category → modules registered so far by any centre, in the order of registration; one query."""
    with actor.acting(actor.PROGRAM):
        return _modules_of(driver_ids)


def _modules_of(driver_ids: Iterable[int]) -> dict[tuple[int, str], list[Module]]:
    wanted = bulk.text_table(map(str, driver_ids))
    query = (
        select(Registration.id, Registration.driver_id, Training.category, Registration.end_date, Training.hours)
        .join(Training, Training.id == Registration.training_id)
        .join(wanted, Registration.driver_id == cast(wanted.c.value, Integer))
        .where(Training.price_class == FCO_MODULE)
        .order_by(Registration.id)
    )
    found: dict[tuple[int, str], list[Module]] = {}
    for id_, driver_id, category, end_date, hours in db.session.execute(query):
        found.setdefault((driver_id, category), []).append(Module(id_, end_date, hours or 0))
    return found
