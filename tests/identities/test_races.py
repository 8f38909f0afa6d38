"""Joining two drivers while a centre registers one of them, or another agent joins them: nothing hangs on the one that went."""

from __future__ import annotations

import os

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import CardRequest, Driver, DriverMerge, Registration
from app.services.identities import merging
from app.services.registration import analysis, confirm
from tests.amendments.test_races import at_once
from tests.bases import EVERY
from tests.support import draft, person_id, registered, training_id

from .making import NEW, OLD, REASON, agent_id, certified, driver, due, modules

BACKENDS = EVERY
EACH_VALUE = True
#: RACE_ROUNDS=200 for a long run.
ROUNDS = int(os.environ.get("RACE_ROUNDS", "3"))
ALLOWED = {"Busy", "Changed", "DriverMoved", "AlreadyJoined"}


def nothing_is_lost() -> None:
    """Nothing hangs on an identity that is another driver's, and the certificates are those due."""
    db.session.expire_all()
    led = select(Driver.id).where(Driver.same_as_id.is_not(None))
    for table in (Registration, CardRequest):
        assert db.session.scalar(select(table.id).where(table.driver_id.in_(led))) is None
    everybody = list(db.session.execute(select(Driver.id)).scalars())
    assert certified(everybody) == due(everybody)


@pytest.mark.parametrize("at", range(ROUNDS))
def test_registering_while_two_are_joined(app: Flask, at: int) -> None:
    modules(OLD, 1, 2)
    modules(NEW, 3, 4)
    kept, joined = driver(NEW["permit_number"]).id, driver(OLD["permit_number"]).id
    shown, agent, manager = merging.look(kept, joined).version, agent_id(), person_id()
    batch = draft((OLD, NEW)[at % 2], training=training_id("Module FCO"), end_date="05/06/2021")
    analysis.check(batch)
    raised = at_once(
        app,
        lambda: confirm.register(batch, manager),
        lambda: merging.join(kept, joined, agent, REASON, shown=shown),
    )
    assert set(raised) <= ALLOWED
    nothing_is_lost()
    if "DriverMoved" in raised:
        confirm.register(batch, manager)
        nothing_is_lost()


def test_two_agents_at_once_join_once(app: Flask) -> None:
    registered(NEW)
    registered(OLD)
    kept, joined = driver(NEW["permit_number"]).id, driver(OLD["permit_number"]).id
    shown, agent = merging.look(kept, joined).version, agent_id()

    def act() -> None:
        merging.join(kept, joined, agent, REASON, shown=shown)

    raised = at_once(app, act, act)
    assert len(raised) == 1
    assert set(raised) <= ALLOWED
    assert len(db.session.execute(select(DriverMerge)).scalars().all()) == 1
    nothing_is_lost()
