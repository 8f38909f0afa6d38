"""The FCO modules that drivers followed, read from the base; what they make is a rule (`validators.fco`)."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from app.extensions import db
from app.models import Driver, Registration, Training
from app.models.catalogue import FCO_MODULE
from app.services.core import actor, bulk
from app.validators.fco import Module


def lock(driver_ids: Iterable[int]) -> None:
    """Take the drivers' locks in the order of their ids, until the end of the transaction.

    What completes an FCO depends on all modules of a driver: two who register or cancel one at once come one after the
    other. On SQLite the transaction's first write has locked the base already.
    """
    query = select(Driver.id).where(Driver.id.in_(sorted(driver_ids))).order_by(Driver.id)
    with actor.acting(actor.PROGRAM):
        db.session.execute(query.with_for_update(key_share=True)).all()


def modules_of(driver_ids: Iterable[int]) -> dict[tuple[int, str], list[Module]]:
    """Return driver and category → modules that count, registered by any centre, in the order of registration; one query.

    A registration that replaces another stands in its place.
    """
    return {key: [module for _, module in placed] for key, placed in ledgers_of(driver_ids).items()}


def ledgers_of(driver_ids: Iterable[int]) -> dict[tuple[int, str], list[tuple[int, Module]]]:
    """Return as :func:`modules_of`, each module with its place: the id of the first registration of its chain."""
    with actor.acting(actor.PROGRAM):
        return _ledgers_of(driver_ids)


def _ledgers_of(driver_ids: Iterable[int]) -> dict[tuple[int, str], list[tuple[int, Module]]]:
    place = Registration.root_id
    query = (
        select(place, Registration.id, Registration.driver_id, Training.category, Registration.end_date, Training.hours)
        .join(Training, Training.id == Registration.training_id)
        .where(
            bulk.among(Registration.driver_id, list(driver_ids)),
            Training.price_class == FCO_MODULE,
            Registration.live(),
        )
        .order_by(place)
    )
    found: dict[tuple[int, str], list[tuple[int, Module]]] = {}
    for at, id_, driver_id, category, end_date, hours in db.session.execute(query):
        found.setdefault((driver_id, category), []).append((at, Module(id_, end_date, hours or 0)))
    return found
