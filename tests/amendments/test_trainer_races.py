"""Cancelling a trainer's right at the moment of a second click, of an agent, of the notice, of a card, of the drafts."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.extensions import db
from app.models import CardRequest, InvoiceItem, Mail, Trainer, TrainerCancellation
from app.services.amendments import trainer_rights
from app.services.billing import drafts
from app.services.cards import grounds
from app.services.cards import requests as card_requests
from app.services.drivers import space
from tests.bases import EVERY
from tests.cards import making
from tests.support import LEGAL, MARIE, person_id, registered_trainer

from .test_races import at_once, settle, work_due

BACKENDS = EVERY
EACH_VALUE = True
#: RACE_ROUNDS=200 for a long run.
ROUNDS = int(os.environ.get("RACE_ROUNDS", "3"))
AGENT = "agent@demo.example"
OF_MARIE = {key: MARIE[key] for key in ("first_name", "last_name", "birth_date", "permit_number")}


def cancelling(row: Trainer, email: str = LEGAL) -> Callable[[], object]:
    """Return what cancels a right, as it was shown."""
    shown, id_, who = trainer_rights.look(row).version, row.id, person_id(email)
    return lambda: trainer_rights.cancel(id_, "duplicate", "", who, shown=shown, agent=email == AGENT)


def closed_once(row_id: int) -> None:
    """The right is closed, by one act, and opens nothing."""
    db.session.expire_all()
    assert db.session.get_one(Trainer, row_id).cancelled_on is not None
    assert db.session.scalar(select(func.count()).select_from(TrainerCancellation)) == 1
    driver = space.driver_of(person_id("conducteur@demo.example"))
    assert driver is not None
    assert [ground for ground in grounds.grounds_of(driver) if ground.trainer is not None] == []


def sent() -> list[str]:
    return list(db.session.scalars(select(Mail.kind).where(Mail.state == "sent").order_by(Mail.id)))


@pytest.mark.parametrize("at", range(ROUNDS))
def test_a_double_click(app: Flask, at: int) -> None:
    row = registered_trainer(**OF_MARIE)
    raised = at_once(app, cancelling(row), cancelling(row), cancelling(row))
    assert raised == ["AlreadyCancelled"] * 2
    closed_once(row.id)
    settle()
    assert sent().count("right_closed") == 1


@pytest.mark.parametrize("at", range(ROUNDS))
def test_the_centre_and_an_agent(app: Flask, at: int) -> None:
    row = registered_trainer(**OF_MARIE)
    assert at_once(app, cancelling(row), cancelling(row, AGENT)) == ["AlreadyCancelled"]
    closed_once(row.id)


@pytest.mark.parametrize("at", range(ROUNDS))
def test_an_agent_takes_the_request_that_waits_and_another_refuses_it(app: Flask, at: int) -> None:
    row = registered_trainer(**OF_MARIE)
    app.config["TODAY"] = date(2022, 2, 1)
    asked, agent = trainer_rights.ask(row.id, "duplicate", "", person_id(LEGAL)).id, person_id(AGENT)
    raised = at_once(app, cancelling(row, AGENT), lambda: trainer_rights.refuse(asked, agent, "Pas de preuve"))
    db.session.expire_all()
    state = db.session.get_one(TrainerCancellation, asked).state
    is_closed = db.session.get_one(Trainer, row.id).cancelled_on is not None
    settle()
    if raised == ["AlreadyDecided"]:
        assert (state, is_closed, sent().count("right_answer")) == ("accepted", True, 1)
    else:  # refused first: the agent who cancels all the same does so on their own
        assert raised in ([], ["AlreadyDecided"], ["AlreadyCancelled"])
        assert (state, sent().count("right_answer")) == ("refused", 1)


@pytest.mark.parametrize("at", range(ROUNDS))
def test_the_notice_that_the_right_is_open(app: Flask, at: int) -> None:
    row = registered_trainer(**OF_MARIE)
    assert at_once(app, work_due(), cancelling(row)) in ([], ["OperationalError"])
    db.session.expire_all()
    if db.session.get_one(Trainer, row.id).cancelled_on is None:  # the base was locked for too long: a second click
        cancelling(db.session.get_one(Trainer, row.id))()
    closed_once(row.id)
    settle()
    states = dict(db.session.execute(select(Mail.kind, Mail.state)).tuples().all())
    assert states["right_open"] in ("sent", "dropped")
    assert states["right_closed"] == "sent"


@pytest.mark.parametrize("at", range(ROUNDS))
def test_a_card_asked_for(app: Flask, at: int) -> None:
    row = registered_trainer(**OF_MARIE)
    driver = space.driver_of(person_id("conducteur@demo.example"))
    assert driver is not None
    driver_id, kind = driver.id, type(driver)

    def asks() -> None:
        card_requests.begin(db.session.get_one(kind, driver_id), grounds.RIGHT, row_id)

    row_id = row.id
    raised = at_once(app, asks, cancelling(row))
    assert raised in ([], ["NotOpen"], ["Changed"])
    if raised == ["Changed"]:  # the request came first: the centre is shown the effects anew
        cancelling(db.session.get_one(Trainer, row_id))()
    closed_once(row_id)
    assert [one for one in db.session.scalars(select(CardRequest)) if one.state != "cancelled"] == []


@pytest.mark.parametrize("at", range(ROUNDS))
def test_a_card_sent_in(app: Flask, at: int) -> None:
    row = registered_trainer(**OF_MARIE)
    begun, holder = making.filled(row.id, grounds.RIGHT).id, person_id(making.HOLDER)
    raised = at_once(app, lambda: card_requests.submit(begun, holder), cancelling(row))
    db.session.expire_all()
    state, closed = db.session.get_one(CardRequest, begun).state, db.session.get_one(Trainer, row.id).cancelled_on
    assert len(raised) == 1
    if closed is None:  # it came first: the centre is shown again what changed
        assert (state, raised) == ("submitted", ["Changed"])
    else:
        assert state == "cancelled"


@pytest.mark.parametrize("at", range(ROUNDS))
def test_the_drafts_of_the_month(app: Flask, at: int) -> None:
    row = registered_trainer(**OF_MARIE)
    app.config["TODAY"] = date(2022, 2, 1)
    raised = at_once(app, lambda: drafts.build(date(2022, 1, 1)), cancelling(row, AGENT))
    assert raised == []
    drafts.build(date(2022, 1, 1))
    assert db.session.scalar(select(func.count()).select_from(InvoiceItem)) == 0
    closed_once(row.id)
