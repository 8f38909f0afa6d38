"""Cancelling at the moment of drawing, mailing, or another centre's module: whoever comes first, nothing wrong stands."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.extensions import db
from app.jobs import work
from app.models import Document, Mail, Outbox, Registration
from app.services.amendments import acts
from app.services.cards import requests as card_requests
from app.services.core import actor, clock
from app.services.registration import analysis, confirm
from tests.bases import EVERY
from tests.support import MARIE, draft, drain, person_id, registered, training_id

from .test_acts import again, agent, live, me, mend, one, order

BACKENDS = EVERY
EACH_VALUE = True
#: RACE_ROUNDS=200 for a long run.
ROUNDS = int(os.environ.get("RACE_ROUNDS", "3"))


def at_once(app: Flask, *doings: Callable[[], object]) -> list[str]:
    """Do things at the same moment, each in a thread of its own; return the names of what was raised."""
    gate, raised = threading.Barrier(len(doings)), []

    def run(doing: Callable[[], object]) -> None:
        with app.app_context():
            actor.be(actor.PROGRAM)
            gate.wait()
            try:
                doing()
            except Exception as error:
                raised.append(type(error).__name__)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(doing,)) for doing in doings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.expire_all()
    return raised


def pending() -> Registration:
    batch = registered(MARIE)
    return db.session.execute(select(Registration).where(Registration.batch_id == batch.id)).scalar_one()


def work_due() -> Callable[[], object]:
    """Return what does all the work that is due now."""
    ids = list(db.session.execute(select(Outbox.id).where(Outbox.done_at.is_(None))).scalars())

    def act() -> None:
        for outbox_id in ids:
            work.run(outbox_id)

    return act


def settle() -> None:
    """Do what is left, whatever it was put off to."""
    for _ in range(4):
        db.session.execute(
            update(Outbox).where(Outbox.done_at.is_(None)).values(due_at=clock.machine_now(), attempts=0)
        )
        db.session.commit()
        drain()


def nothing_stands(row: Registration) -> None:
    """Nothing of a cancelled line is available; who was mailed its certificate was told, and nobody else was told."""
    assert not again(row).is_live
    assert {document.state for document in again(row).documents} == {"revoked"}
    mails = db.session.execute(select(Mail).where(Mail.registration_id == row.id)).scalars().all()
    sent = {(mail.kind, mail.recipient) for mail in mails if mail.state == "sent"}
    assert {who for kind, who in sent if kind == "certificate"} == {who for kind, who in sent if kind == "cancelled"}
    assert not [mail for mail in mails if mail.state == "pending"]


@pytest.mark.parametrize("at", range(ROUNDS))
def test_cancelling_and_drawing(app: Flask, at: int) -> None:
    row = pending()
    asked, who, draws = order(row, "duplicate"), me(), work_due()
    assert at_once(app, draws, lambda: acts.amend(asked, who)) in ([], ["OperationalError"])
    if again(row).is_live:  # the base was locked for too long: the person clicks again
        acts.amend(asked, who)
    settle()
    nothing_stands(row)


@pytest.mark.parametrize("at", range(ROUNDS))
def test_cancelling_and_mailing(app: Flask, at: int) -> None:
    row = pending()
    work_due()()
    asked, who, sends = order(row, "duplicate"), me(), work_due()
    assert at_once(app, sends, lambda: acts.amend(asked, who)) == []
    settle()
    nothing_stands(row)


@pytest.mark.parametrize("at", range(ROUNDS))
def test_cancelling_and_asking_for_a_card(app: Flask, at: int) -> None:
    row = one()
    driver, asked, who = again(row).driver_id, order(row, "duplicate"), me()

    def ask() -> None:
        card_requests.begin(db.session.get_one(type(again(row).driver), driver), "formation", row.id)

    raised = at_once(app, ask, lambda: acts.amend(asked, who))
    assert set(raised) <= {"NotOpen"}
    states = [request.state for request in card_requests.of(again(row).driver)]
    assert states == []


@pytest.mark.parametrize("at", range(ROUNDS))
def test_cancelling_a_module_and_registering_the_one_that_completes(app: Flask, at: int) -> None:
    rows = [one(training=training_id("Module FCO"), end_date=f"{day:02d}/06/2021") for day in range(1, 5)]
    batch = draft(MARIE, training=training_id("Module FCO"), end_date="05/06/2021")
    analysis.check(batch)
    asked, who, person = order(rows[0], "duplicate"), agent(), person_id()
    raised = at_once(app, lambda: confirm.register(batch, person), lambda: acts.amend(asked, who))
    assert raised == []
    last = db.session.execute(select(Registration).where(Registration.batch_id == batch)).scalar_one()
    assert "certificate" not in live(last), "four modules complete nothing"
    assert last.end_date == date(2021, 6, 5)
    certificates = db.session.execute(select(Document).where(Document.kind == "certificate")).scalars()
    assert {document.state for document in certificates} <= {"revoked"}


@pytest.mark.parametrize("at", range(ROUNDS))
def test_the_centre_and_an_agent_at_once(app: Flask, at: int) -> None:
    row = one()
    asked, centre, decides = order(row, "duplicate"), me(), agent()
    raised = at_once(app, lambda: acts.amend(asked, centre), lambda: acts.amend(asked, decides))
    assert raised == ["AlreadyCancelled"]
    assert not again(row).is_live


def test_replacing_both_ways_at_once_locks_in_one_order(app: Flask) -> None:
    """Two replacements that swap two drivers take the drivers in the order of their ids: neither waits for the other's."""
    other = {**MARIE, "permit_number": "850492100132"}
    for _ in range(ROUNDS):
        first, second = one(), one(other)
        there = order(first, permit_number="850492100132", end_date="06/01/2022")
        back = order(second, permit_number=MARIE["permit_number"], end_date="05/01/2022")
        who = agent()
        assert at_once(app, lambda: acts.amend(there, who), lambda: acts.amend(back, who)) == []  # noqa: B023
        mend(again(first), who, code="duplicate") if again(first).is_live else None
