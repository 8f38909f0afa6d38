"""What PostgreSQL itself shows of corrections and mergers: everything to agents and the program, nothing to anybody else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from app.extensions import db
from app.models import Document, Driver, DriverMerge, IdentityCorrection
from app.services.core import actor, clock
from app.services.documents import verification
from app.services.identities import correcting
from app.services.identities.correcting import identity_of, order
from tests.support import MARIE, centre_id, drain, person_id, registered

from .making import REASON, agent_id, driver, join

AGAIN = {**MARIE, "permit_number": "850492199999"}


@pytest.fixture
def backend_name() -> str:
    """Policies hold for the application's role."""
    return "postgresql-role"


def test_corrections_and_mergers_are_the_agents_alone(app: Flask) -> None:
    registered(MARIE)
    registered(AGAIN)
    kept = driver(MARIE["permit_number"])
    asked = order(kept, "change", REASON, replace(identity_of(kept), permit_number="440969300222"))
    correcting.correct(asked, agent_id(), shown=correcting.look(asked).version)
    join(kept.id, driver(AGAIN["permit_number"]))
    people = {
        "centre": actor.centre(person_id(), centre_id()),
        "driver": actor.person(person_id("conducteur@demo.example")),
        "public": actor.public(),
        "nobody": actor.NOBODY,
        "agent": actor.agent(agent_id()),
        "program": actor.PROGRAM,
    }
    seen = {}
    for who, by in people.items():
        with actor.acting(by):
            seen[who] = [
                db.session.scalar(select(func.count()).select_from(model))
                for model in (IdentityCorrection, DriverMerge)
            ]
    assert seen == {**{who: [0, 0] for who in people}, "agent": [1, 1], "program": [1, 1]}
    row = {"kept_id": kept.id, "joined_id": 1, "reason": "x", "at": clock.now(), "by_id": person_id()}
    with pytest.raises(DBAPIError, match="row-level security"), actor.acting(people["centre"]):
        db.session.execute(DriverMerge.__table__.insert().inline().values(**row, hung={}, accounts={}, effects={}))
    db.session.rollback()


def test_a_document_of_a_joined_record_is_verified_by_its_own_identity(app: Flask) -> None:
    registered(MARIE)
    registered(AGAIN)
    drain()
    joined = driver(AGAIN["permit_number"])
    number = db.session.scalar(
        select(Document.number).where(Document.kind == "certificate", Document.registration.has(driver_id=joined.id))
    )
    join(driver(MARIE["permit_number"]), joined)
    assert number
    assert verification.holder(number, "MARTIN", joined.birth_date, "127.0.0.1") == "MARTIN Marie"
    with actor.acting(actor.public(number)):
        assert db.session.execute(select(Driver.permit_number)).scalars().all() == [AGAIN["permit_number"]]
