"""Any sequence of registering, cancelling, replacing, completing and opening an account, beside a model that is simple enough
to be believed.

The model knows live lines only, in the order of the first line of each chain. What it says is compared with the base after
every step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.extensions import db
from app.models import Document, Driver, Mail, Registration, Training
from app.services.accounts import identity
from app.services.accounts.link import Identity
from app.services.amendments import acts, orders
from app.services.cards import grounds
from app.services.core import actor
from app.services.core.transaction import transaction
from app.services.documents import drawing, verification
from app.services.drivers import space
from app.services.notifications import certificate_mail, mail
from app.services.storage import store
from tests.support import code_of, drain, person_id, registered, training_id

from .test_acts import agent

MODULE, COMPLETE = "Module FCO", "FIMO Marchandises"
#: Two people, the first with an account, each of whom the other is easily taken for.
PEOPLE = (
    {"first_name": "Marie", "last_name": "MARTIN", "birth_date": "12/04/1985", "permit_number": "850492100123"},
    {"first_name": "Marie", "last_name": "MARTIN", "birth_date": "12/04/1985", "permit_number": "850492100132"},
)
FIRST = date(2021, 1, 4)
#: Who opens the second person's account.
SECOND = "sansdroit@demo.example"


@dataclass
class Line:
    """A live line of the model: its registration, its place, whose it is, its training, its day."""

    id: int
    place: int
    person: int
    training: str
    day: date


@dataclass
class Model:
    """The live lines, and every registration that was cancelled."""

    lines: list[Line] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    #: People who have an account.
    accounts: set[int] = field(default_factory=lambda: {0})

    def certified(self) -> set[int]:
        """Return the registrations that bear a certificate: whole trainings, and each fifth module of a person.

        Modules of seven hours, all within five years, one a day: the fifth since the last certificate completes.
        """
        bearing = {line.id for line in self.lines if line.training == COMPLETE}
        for person in range(len(PEOPLE)):
            days: list[date] = []
            modules = [line for line in self.lines if line.person == person and line.training == MODULE]
            for line in sorted(modules, key=lambda line: line.place):
                if line.day in days:
                    continue
                days.append(line.day)
                if len(days) == 5:
                    bearing.add(line.id)
                    days = []
        return bearing


STEPS = st.one_of(
    st.tuples(
        st.just("register"), st.integers(0, 1), st.sampled_from([MODULE, MODULE, MODULE, COMPLETE]), st.integers(0, 7)
    ),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("replace"), st.integers(0, 9), st.integers(0, 1), st.integers(0, 7)),
    st.tuples(st.just("draw")),
    st.tuples(st.just("open")),
)
#: Six modules to begin with, so that completions move.
BEGIN = st.integers(0, 6)


@pytest.fixture
def reset(app: Flask, backends: Any) -> Any:
    """Give the base anew before each example."""

    def act() -> None:
        db.session.remove()
        backends("sqlite").reset()
        actor.be(actor.PROGRAM)

    return act


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(begin=BEGIN, steps=st.lists(STEPS, max_size=9))
def test_the_base_says_what_the_model_says(reset: Any, begin: int, steps: list[tuple[Any, ...]]) -> None:
    reset()
    model = Model()
    for at in range(begin):
        _register(model, 0, MODULE, at)
    for step in steps:
        _do(model, step)
        _compare(model)
    drain()
    _compare(model)
    _told(model)


def _do(model: Model, step: tuple[Any, ...]) -> None:
    if step[0] == "register":
        _register(model, *step[1:])
    elif step[0] == "draw":
        drain()
    elif step[0] == "open":
        _open(model)
    elif model.lines:
        line = model.lines[step[1] % len(model.lines)]
        if step[0] == "cancel":
            _amend(model, line, "duplicate")
        else:
            _amend(model, line, "wrong_permit", step[2], step[3])


def _register(model: Model, person: int, training: str, day: int) -> None:
    row = {"reference": "", "order_number": "COM1", **PEOPLE[person]}
    end = FIRST + timedelta(days=day)
    batch = registered(row, training=training_id(training), end_date=f"{end:%d/%m/%Y}")
    id_ = db.session.scalar(select(Registration.id).where(Registration.batch_id == batch.id))
    model.lines.append(Line(id_ or 0, id_ or 0, person, training, end))


def _open(model: Model) -> None:
    """Let the second person open an account, once, by the code that the centre handed out with a line that counts."""
    if 1 in model.accounts or not any(line.person == 1 for line in model.lines):
        return
    holder, named = person_id(SECOND), PEOPLE[1]
    day, month, year = map(int, named["birth_date"].split("/"))
    with transaction():
        identity.new_claim(
            holder, Identity(named["last_name"], named["first_name"], date(year, month, day), named["permit_number"])
        )
    identity.prove(holder, code_of(named["permit_number"]), "192.0.2.1")
    model.accounts.add(1)


def _amend(model: Model, line: Line, code: str, person: int | None = None, day: int = 0) -> None:
    row = db.session.get_one(Registration, line.id)
    end = FIRST + timedelta(days=day)
    typed = None
    if person is not None:
        typed = {**orders.as_typed(row).values(), **PEOPLE[person], "end_date": f"{end:%d/%m/%Y}"}
    if typed == orders.as_typed(row).values():
        return
    outcome = acts.amend(orders.order(row, code, "", typed), agent())
    model.lines.remove(line)
    model.cancelled.append(line.id)
    if outcome.new is not None and person is not None:
        model.lines.append(Line(outcome.new.id, line.place, person, line.training, end))


def _compare(model: Model) -> None:
    db.session.expire_all()
    rows = db.session.execute(select(Registration)).scalars().all()
    assert {row.id for row in rows if row.is_live} == {line.id for line in model.lines}
    live = [d for d in db.session.execute(select(Document)).scalars() if d.state != "revoked"]
    assert sorted(d.registration_id for d in live if d.kind == "recap") == sorted(line.id for line in model.lines)
    assert sorted(d.registration_id for d in live if d.kind == "certificate") == sorted(model.certified())
    for row in rows:
        if not row.is_live:
            _nothing_holds(row)
    _spaces_hold_live_lines_only()


def _told(model: Model) -> None:
    """Each certificate that counts was mailed to who has an account; who was mailed one that does not, was told."""
    sent: dict[int, set[str]] = {}
    for row in db.session.execute(select(Mail).where(Mail.state == "sent")).scalars():
        sent.setdefault(row.registration_id or 0, set()).add(row.kind)
    for line in model.lines:
        certified = line.id in model.certified() and line.person in model.accounts
        assert not certified or "certificate" in sent.get(line.id, ()), line
        assert line.person in model.accounts or "certificate" not in sent.get(line.id, ())
    for id_ in model.cancelled:
        assert ("certificate" in sent.get(id_, ())) == ("cancelled" in sent.get(id_, ()))


def _nothing_holds(row: Registration) -> None:
    """Nothing of a cancelled line is available, verifiable as valid, mailable, or a ground for a card."""
    for document in row.documents:
        assert verification.verify(document.number).state == "revoked"
        with pytest.raises(store.Missing):
            drawing.content(document)
    assert certificate_mail.make_due([row]) == []
    for due in db.session.execute(
        select(Mail).where(Mail.registration_id == row.id, Mail.state == "pending")
    ).scalars():
        if due.kind == "certificate":
            with pytest.raises(mail.Void):
                mail.KINDS["certificate"].content(due)


def _spaces_hold_live_lines_only() -> None:
    for driver in db.session.execute(select(Driver)).scalars():
        held = space.space(driver)
        assert all(one.is_live for one in held.registrations)
        assert all(own.document.registration.is_live for own in held.documents)
        for ground in grounds.grounds_of(driver):
            assert ground.registration is None or ground.registration.is_live


def test_the_modules_of_the_demonstration_last_seven_hours(app: Flask) -> None:
    assert app is not None
    hours = db.session.execute(select(Training.hours).where(Training.label == MODULE)).scalars().all()
    assert set(hours) == {7}
