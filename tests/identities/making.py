"""Drivers who are one person, as tests of identities begin with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.models import Document, Driver, Registration, Training
from app.models.catalogue import FCO_MODULE
from app.models.registration import CERTIFICATE, REVOKED
from app.services.identities import effects, merging, parting
from app.services.registration import fco_modules
from app.validators.fco import completing
from tests.support import PIERRE, person_id, registered, training_id

AGENT = "agent@demo.example"
#: The same person, once under the permit before it was renewed, once under the new one.
OLD = {
    **PIERRE,
    "first_name": "Nadia",
    "last_name": "ROUSSEL",
    "birth_date": "14/02/1988",
    "permit_number": "880269200041",
}
NEW = {**OLD, "permit_number": "210969300777"}
REASON = "permis renouvelé, vu la copie des deux"


def agent_id() -> int:
    """Return the agent's id."""
    return person_id(AGENT)


def driver(permit_number: str) -> Driver:
    """Return the row of a permit number, be it a driver or a former identity."""
    return db.session.execute(select(Driver).where(Driver.permit_number == permit_number)).scalar_one()


def modules(who: dict[str, str], *days: int, month: int = 6) -> list[Registration]:
    """Register FCO modules of a driver on these days; return the registrations in their order."""
    made = []
    for day in days:
        batch = registered(who, training=training_id("Module FCO"), end_date=f"{day:02d}/{month:02d}/2021")
        made.append(db.session.execute(select(Registration).where(Registration.batch_id == batch.id)).scalar_one())
    return made


def join(kept: Driver | int, joined: Driver | int) -> int:
    """Join two drivers as an agent who was shown the effects."""
    kept_id, joined_id = (one if isinstance(one, int) else one.id for one in (kept, joined))
    shown = merging.look(kept_id, joined_id).version
    return merging.join(kept_id, joined_id, agent_id(), REASON, shown=shown)


def part(merge_id: int) -> None:
    """Undo a merger as an agent who was shown the effects."""
    parting.part(merge_id, agent_id(), "ce sont deux sœurs", shown=looked(merge_id).version)


def looked(merge_id: int) -> effects.Parting:
    """Return what undoing a merger would bring about."""
    merge = parting.find(merge_id)
    assert merge is not None
    return parting.look(merge)


def certified(driver_ids: Iterable[int]) -> set[int]:
    """Return the modules of drivers that have a certificate, each one."""
    query = (
        select(Document.registration_id)
        .join(Document.registration)
        .join(Registration.training)
        .where(Document.kind == CERTIFICATE, Document.state != REVOKED, Registration.driver_id.in_(list(driver_ids)))
        .where(Registration.live(), Training.price_class == FCO_MODULE)
    )
    found = list(db.session.execute(query).scalars())
    assert len(found) == len(set(found))
    return set(found)


def due(driver_ids: Iterable[int]) -> set[Any]:
    """Return the modules of drivers that complete an FCO."""
    return {key for placed in fco_modules.modules_of(driver_ids).values() for key in completing(placed)}


def again(row: Any) -> Any:
    """Return a row as the base holds it now."""
    db.session.expire_all()
    return db.session.get_one(type(row), row.id)
