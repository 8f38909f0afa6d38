"""What the operator does with money, and the night, as scenarios: issuing, depositing, statements, reminding, purging."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import BillingProfile, Invoice, Registration
from app.services.core import clock
from app.services.deposits import acts as deposit_acts
from app.services.invoicing import asked, reference, running
from app.services.operations import nightly
from tests.invoicing.making import JANUARY
from tests.payments.statements import Move, statement
from tests.support import MARIE, centre_id, drain, many, person_id, registered

from .centre_days import AGENT, answered, at_the_desk, subscribe
from .living import Act, Life, Scenario, wait, work_off
from .points import Plan

FEBRUARY = datetime(2022, 2, 3, tzinfo=clock.PARIS)


def _drafted() -> None:
    """Have three registrations of January billed in a draft, to a centre whose accounts have an address."""
    subscribe()
    registered(MARIE, *many(2))
    drain()
    for one in db.session.execute(select(Registration)).scalars():
        one.registered_on = date(2022, 1, 28)
    profile = db.session.execute(select(BillingProfile).where(BillingProfile.centre_id == centre_id())).scalar_one()
    profile.accounts_email = "compta@demo.example"
    db.session.commit()
    running.build(JANUARY)
    drain()


def _issued() -> Invoice:
    """Have it issued, deposited, and read what the platform says."""
    _drafted()
    asked.ask(person_id(AGENT), month=JANUARY)
    life = Life(Plan(), offset=timedelta())
    with life.begun():
        life.recover()
    return db.session.execute(select(Invoice).where(Invoice.state == "issued")).scalar_one()


def _issuing(app: Flask) -> Sequence[Act]:
    _drafted()
    agent = person_id(AGENT)

    def issue() -> None:
        asked.ask(agent, month=JANUARY)

    def insist() -> None:
        if db.session.scalar(select(Invoice.id).where(Invoice.state == "draft")):  # the proof did not answer
            issue()

    return issue, work_off, issue, work_off, *((insist, work_off, wait) * 3)


def _crediting(app: Flask) -> Sequence[Act]:
    invoice_id, agent = _issued().id, person_id(AGENT)

    def undo() -> None:
        if not db.session.scalar(select(Invoice.id).where(Invoice.corrects_id == invoice_id)):
            deposit_acts.bill_again(invoice_id, "essai", agent)

    def insist() -> None:
        waiting = select(Invoice.id).where(Invoice.state == "draft", Invoice.kind == "credit_note")
        if credit := db.session.scalar(waiting):  # the proof did not answer
            asked.ask(agent, invoice_id=credit)

    return undo, work_off, wait, *((insist, work_off, wait) * 2)


def _paying(app: Flask) -> Sequence[Act]:
    invoice = _issued()
    data = statement(Move(str(invoice.total), structured=reference.of(invoice.public_number or "")))
    client = at_the_desk(app, AGENT)

    def read_in() -> None:
        sent = {"file": (io.BytesIO(data), "releve.xml")}
        assert answered(client.post("/encaissements/importer", data=sent)).status_code == 302

    return read_in, read_in, work_off, wait


def _night(day: date) -> Callable[[Flask], Sequence[Act]]:
    def ground(app: Flask) -> Sequence[Act]:
        _issued()
        app.config["TODAY"] = day

        def fall() -> None:
            nightly.make_due(clock.machine_now().astimezone(clock.PARIS).replace(hour=4))

        return fall, work_off, wait, fall, work_off

    return ground


#: What counts the times that something was looked at.
_LOOKS = frozenset(
    {"journal", "journal_link", "journal:documents.verified", "journal:document.*", "journal:register.checked"}
)
DAYS = (
    Scenario("issuing", _issuing, day=FEBRUARY),
    Scenario("crediting", _crediting, day=FEBRUARY),
    Scenario("paying", _paying, day=FEBRUARY),
    Scenario("night of reminders", _night(date(2022, 5, 3)), day=FEBRUARY, leaves=_LOOKS),
    Scenario("night of purges", _night(date(2022, 6, 10)), day=FEBRUARY, leaves=_LOOKS),
)
