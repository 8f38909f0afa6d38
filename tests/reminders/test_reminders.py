"""Reminders: each once over two years of nights, none once its ground has gone, none to who said no."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_mail import Message
from sqlalchemy import func, insert, select, update

from app.extensions import db
from app.jobs import work
from app.models import (
    Accreditation,
    Batch,
    CardRequest,
    Document,
    Driver,
    Mail,
    Outbox,
    Person,
    Registration,
    Reminder,
)
from app.models.outbox import MAIL_DROPPED, MAIL_PENDING, NIGHTLY, REMINDERS
from app.models.registration import AVAILABLE, CERTIFICATE, PENDING, REVOKED
from app.services.core import clock, outbox
from app.services.core.transaction import transaction
from app.services.drivers import data_gathered
from app.services.notifications import mail
from app.services.reminders import choices, mails, nightly
from tests.bases import on_both
from tests.support import MARIE, centre_id, draft, many, person_id, registered, statements
from tests.walls.spaces import breaks, words_of

DRIVERS, NIGHTS = 500, 731
FIRST = date(2022, 1, 10)
OWNER = "conducteur@demo.example"


def night(on: date) -> int:
    with clock.moved(datetime(on.year, on.month, on.day, 3, tzinfo=clock.PARIS)), transaction():
        return nightly.make_due_in_turn({})


def nights() -> list[date]:
    """Return two years of nights: each one around a step, and every sixth of the others, as if those between were missed."""
    steps = [date(2022, 4, 10), date(2022, 5, 3), date(2022, 7, 19), date(2022, 10, 17), date(2022, 12, 16)]
    days = [FIRST + timedelta(days=at) for at in range(NIGHTS)]
    return [day for at, day in enumerate(days) if at % 6 == 0 or any(abs((day - one).days) < 2 for one in steps)]


def available() -> None:
    """Take the certificates for drawn."""
    db.session.execute(
        update(Document).where(Document.state == PENDING).values(state=AVAILABLE, path="x", sha256="0" * 64)
    )
    db.session.commit()


def accounts(drivers: list[int]) -> None:
    names = [f"d{at}@demo.example" for at in drivers]
    rows = [
        {"username": n, "email": n, "first_name": "J", "last_name": "N", "active": True, "password": ""} for n in names
    ]
    db.session.execute(insert(Person), rows)
    ids = dict(db.session.execute(select(Person.email, Person.id)).tuples().all())
    for driver, name in zip(drivers, names, strict=True):
        db.session.execute(update(Driver).where(Driver.id == driver).values(person_id=ids[name]))
    db.session.commit()


def test_over_two_years_each_is_told_once_and_nothing_that_has_gone(app: Flask) -> None:
    registered(*many(DRIVERS))
    available()
    rows = db.session.execute(select(Registration).order_by(Registration.id)).scalars().all()
    accounts([row.driver_id for row in rows])
    # A FIMO that ended in January 2018 makes an FCO due in January 2023.
    db.session.execute(update(Registration).values(end_date=date(2018, 1, 15)))
    revoked, off, done, cancelled, closed = rows[:20], rows[20:40], rows[40:60], rows[60:80], rows[80:100]
    gone = {row.driver_id for row in (*revoked, *off, *done, *cancelled, *closed)}
    ids = {name: [row.id for row in some] for name, some in (("revoked", revoked), ("done", done), ("gone", cancelled))}
    db.session.execute(update(Document).where(Document.registration_id.in_(ids["revoked"])).values(state=REVOKED))
    db.session.execute(
        update(Registration).where(Registration.id.in_(ids["gone"])).values(cancelled_on=date(2022, 1, 11))
    )
    people = dict(db.session.execute(select(Driver.id, Driver.person_id)).tuples().all())
    db.session.execute(
        update(Person).where(Person.id.in_([people[row.driver_id] for row in closed])).values(active=False)
    )
    db.session.commit()
    for row in off:
        choices.choose(people[row.driver_id] or 0, ())
    told: Counter[date] = Counter()
    for day in nights():
        if day == FIRST + timedelta(days=324):  # trained again before the last step
            db.session.execute(update(Registration).where(Registration.id.in_(ids["done"])).values(end_date=day))
            db.session.commit()
        if count := night(day):
            told[day] += count
    mails_of = Counter(
        (row.kind, row.values["person_id"], row.values["step"])
        for row in db.session.execute(select(Mail).where(Mail.kind.in_(choices.CHOSEN))).scalars()
    )
    whole = [people[row.driver_id] for row in rows if row.driver_id not in gone]
    assert len(whole) == DRIVERS - 100
    assert set(mails_of.values()) == {1}
    steps = {(choices.CARD, 30), (choices.CARD, 7), (choices.FCO, 180), (choices.FCO, 90), (choices.FCO, 30)}
    for person in whole:
        assert {(kind, at) for kind, who, at in mails_of if who == person} == steps
    for some, expected in (
        (off, set()), (cancelled, set()), (closed, set()),
        (revoked, {one for one in steps if one[0] == choices.FCO}),
        (done, {(choices.CARD, 30), (choices.CARD, 7), (choices.FCO, 180), (choices.FCO, 90)}),
    ):  # fmt: skip
        for row in some:
            got = {(kind, at) for kind, who, at in mails_of if who == people[row.driver_id]}
            assert got == expected
    assert told[date(2022, 4, 10)] >= 400  # 30 days before the 10th of May


@on_both
def test_a_night_is_a_few_statements_and_a_second_one_tells_nothing(app: Flask) -> None:
    registered(*many(30))
    available()
    accounts(list(db.session.execute(select(Registration.driver_id)).scalars()))
    with statements() as seen:
        assert night(date(2022, 4, 15)) == 30
    assert len(seen) < 25
    assert night(date(2022, 4, 15)) == 0
    assert night(date(2022, 4, 16)) == 0
    # A night that was missed is made up for by the step that has come, once.
    assert night(date(2022, 5, 9)) == 30
    assert db.session.query(Reminder).count() == 60


def test_a_night_of_many_drivers_is_several_jobs(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job is stopped after 110 s: no number of drivers makes one that long."""
    monkeypatch.setattr(nightly, "A_JOB", 2)
    registered(*many(5))
    available()
    accounts(list(db.session.execute(select(Registration.driver_id)).scalars()))
    db.session.execute(update(Registration).values(end_date=date(2018, 1, 15)))
    db.session.commit()
    own = Outbox.kind == NIGHTLY, Outbox.done_at.is_(None)
    jobs, on = 0, date(2022, 12, 16)
    with clock.moved(datetime(on.year, on.month, on.day, 3, tzinfo=clock.PARIS)):
        with transaction():
            outbox.add(NIGHTLY, [{"task": REMINDERS}])
        while job := db.session.execute(select(Outbox).where(*own)).scalar_one_or_none():
            work.run(job.id)
            assert db.session.get_one(Outbox, job.id).done_at is not None
            jobs += 1
    told = [row.values["person_id"] for row in db.session.scalars(select(Mail).where(Mail.kind == choices.FCO))]
    drivers = db.session.scalar(select(func.count()).where(Driver.person_id.is_not(None))) or 0
    assert jobs == drivers // 2 + 1 > 3
    assert len(told) == len(set(told)) == 5


@pytest.fixture
def reminded(app: Flask) -> Mail:
    """Give the mail that reminds MARTIN Marie of the certificate's end."""
    registered(MARIE)
    available()
    assert night(date(2022, 4, 15)) == 1
    return db.session.execute(select(Mail).where(Mail.kind == choices.CARD)).scalar_one()


def said(row: Mail) -> Message:
    """Return what a mail says; no line of it breaks at a French mark."""
    message = mail._message(row)
    assert not [
        words for part in (message.subject, message.body, words_of(message.html)) for words in breaks(str(part))
    ]
    return message


def test_an_fco_is_named_with_its_day(app: Flask) -> None:
    registered(MARIE)
    db.session.execute(update(Registration).values(end_date=date(2017, 4, 1)))
    db.session.commit()
    assert night(date(2022, 1, 10)) == 1
    row = db.session.execute(select(Mail).where(Mail.kind == choices.FCO)).scalar_one()
    with clock.moved(datetime(2022, 1, 10, 9, tzinfo=clock.PARIS)):
        message = said(row)
    assert "01/04/2022" in str(message.subject)
    assert "Marchandises" in str(message.body)
    assert b"20220401" in message.attachments[0].data
    db.session.execute(update(Registration).values(end_date=date(2022, 1, 9)))
    db.session.commit()
    assert state_on(row, date(2022, 1, 11)) == MAIL_DROPPED


def state_on(row: Mail, on: date = date(2022, 4, 15)) -> str:
    with clock.moved(datetime(on.year, on.month, on.day, 9, tzinfo=clock.PARIS)), transaction():
        mail.send(row.id)
    db.session.refresh(row)
    return row.state


def test_the_mail_says_the_day_with_a_calendar_and_a_link_that_stops_it(client: FlaskClient, reminded: Mail) -> None:
    with clock.moved(datetime(2022, 4, 15, 9, tzinfo=clock.PARIS)):
        message = said(reminded)
        assert "10/05/2022" in str(message.subject)
        [file] = message.attachments
        assert b"DTSTART;VALUE=DATE:20220510\r\n" in file.data
        link = re.search(r"/rappels/[\w-]+", str(message.body))
    assert link is not None
    headers = message.extra_headers or {}
    assert headers["List-Unsubscribe"].endswith(f"{link[0]}>")
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "Ne plus recevoir ce rappel ?" in client.get(link[0]).text.replace("\u00a0", " ").replace("\u202f", " ")
    assert choices.wanted(person_id(OWNER)) == set(choices.CHOSEN)
    assert client.get(link[0][:-1] + ("A" if link[0][-1] != "A" else "B")).status_code == 404
    for _ in range(2):
        assert "Vous ne recevrez plus ce rappel" in client.post(link[0]).text
    assert choices.wanted(person_id(OWNER)) == {choices.FCO}
    assert state_on(reminded) == MAIL_DROPPED


def test_a_mail_program_stops_it_by_one_click(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    link = choices.off_url(person_id(OWNER), choices.CARD).removeprefix(app.config["BASE_URL"])
    assert client.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert choices.wanted(person_id(OWNER)) == {choices.FCO}


@pytest.mark.parametrize("how", ["revoked", "cancelled", "asked", "over", "closed account"])
def test_what_has_gone_since_is_not_sent(reminded: Mail, how: str) -> None:
    document = db.session.execute(select(Document).where(Document.kind == CERTIFICATE)).scalar_one()
    if how == "revoked":
        document.state = REVOKED
    elif how == "cancelled":
        document.registration.cancelled_on = date(2022, 4, 15)
    elif how == "asked":
        driver = db.session.get_one(Driver, document.registration.driver_id)
        row = CardRequest(
            driver_id=driver.id, registration_id=document.registration_id, state="submitted", last_name="MARTIN",
            first_name="Marie", birth_date=driver.birth_date, permit_number=driver.permit_number, payer="centre",
            created_at=clock.now(), updated_at=clock.now(), submitted_at=clock.now(), number="DC-1", street="1 rue",
            postcode="75001", city="Paris", fee=1, vat_rate=20,
        )  # fmt: skip
        db.session.add(row)
    elif how == "closed account":
        db.session.execute(update(Person).where(Person.username == OWNER).values(active=False))
    db.session.commit()
    assert state_on(reminded, date(2022, 5, 11) if how == "over" else date(2022, 4, 15)) == MAIL_DROPPED


def test_a_centre_is_told_of_an_accreditation_and_of_what_it_left(app: Flask) -> None:
    own = db.session.execute(select(Accreditation).where(Accreditation.centre_id == centre_id())).scalars().first()
    assert own is not None
    own.valid_to = date(2022, 1, 20)
    batch_id = draft(MARIE)
    old = datetime(2022, 1, 6, 9, tzinfo=clock.PARIS)
    db.session.execute(update(Batch).where(Batch.id == batch_id).values(updated_at=old))
    db.session.commit()
    night(date(2022, 1, 10))
    kinds = Counter(db.session.execute(select(Mail.kind)).scalars())
    assert kinds == {choices.ACCREDITATION: 1, choices.WAITING: 1, choices.MONTH: 1}
    by_kind = {row.kind: row for row in db.session.execute(select(Mail)).scalars()}
    with clock.moved(datetime(2022, 1, 10, 9, tzinfo=clock.PARIS)):
        for kind, words in (
            (choices.ACCREDITATION, "20/01/2022"), (choices.WAITING, "rien n’en est enregistré"), (choices.MONTH, own.number)
        ):  # fmt: skip
            assert words in str(said(by_kind[kind]).body)
    assert by_kind[choices.ACCREDITATION].state == MAIL_PENDING
    own.valid_to = date(2023, 1, 20)
    db.session.execute(
        update(Batch).where(Batch.id == batch_id).values(updated_at=datetime(2022, 1, 10, 8, tzinfo=clock.PARIS))
    )
    db.session.commit()
    for row in by_kind.values():
        assert state_on(row, date(2022, 1, 10)) == MAIL_DROPPED
    night(date(2022, 1, 11))
    assert len(list(db.session.execute(select(Mail)).scalars())) == 3


def test_the_space_keeps_what_is_chosen(client: FlaskClient, sign_in: object) -> None:
    sign_in(client, OWNER)  # type: ignore[operator]
    assert client.get("/mon-espace/rappels/").text.count(" checked") == 2
    client.post("/mon-espace/rappels/", data={"kinds": choices.FCO})
    assert choices.wanted(person_id(OWNER)) == {choices.FCO}
    assert client.post("/mon-espace/rappels/", data={"kinds": "nothing"}).status_code == 422
    client.post("/mon-espace/rappels/", data={})
    assert choices.wanted(person_id(OWNER)) == set()
    told = data_gathered.gather(person_id(OWNER))["Rappels refusés"]
    assert [one["Rappel"] for one in told] == ["Rappel : demander sa carte", "Rappel : FCO à venir"]
    assert mails.calendar("a@b", date(2022, 1, 2), "a, b; c").count(b"\\") == 4
