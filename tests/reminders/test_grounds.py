"""Grounds of reminders: whoever no longer acts for a centre has none, a driver whose record changed has no second one."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from flask import Flask
from sqlalchemy import exists, select, update

from app.extensions import db
from app.models import Accreditation, Batch, Driver, Mail, Membership, Person, Registration
from app.models.outbox import MAIL_DROPPED
from app.services.core import clock
from app.services.reminders import choices, grounds, mails
from tests.support import MARIE, centre_id, draft, many, person_id, registered, statements

from .test_reminders import OWNER, night, said, state_on


def test_an_fco_is_told_once_though_the_account_moves_to_another_record(app: Flask) -> None:
    registered(MARIE)
    db.session.execute(update(Registration).values(end_date=date(2017, 4, 1)))
    db.session.commit()
    assert night(date(2022, 1, 10)) == 1
    row = db.session.execute(select(Mail).where(Mail.kind == choices.FCO)).scalar_one()
    old = db.session.execute(select(Driver).where(Driver.person_id == person_id(OWNER))).scalar_one()
    values = {column.name: getattr(old, column.key) for column in Driver.__table__.columns if column.name != "id"}
    old.person_id = None
    db.session.flush()
    new = Driver(**values | {"permit_number": "850492100199"})
    db.session.add(new)
    db.session.flush()
    db.session.execute(update(Registration).values(driver_id=new.id))
    db.session.commit()
    assert night(date(2022, 1, 11)) == 0
    with clock.moved(datetime(2022, 1, 11, 9, tzinfo=clock.PARIS)):
        assert "01/04/2022" in str(said(row).subject)


def test_drivers_are_read_some_at_a_time_and_all_of_them(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(MARIE, *many(3))
    db.session.execute(update(Registration).values(end_date=date(2017, 4, 1)))
    people = db.session.scalars(
        select(Person).where(Person.active.is_(True), ~exists().where(Driver.person_id == Person.id))
    )
    without = db.session.scalars(
        select(Driver).where(
            Driver.person_id.is_(None), Driver.permit_number.in_([one["permit_number"] for one in many(3)])
        )
    )
    for driver, person in zip(without, people, strict=False):
        driver.person = person
    db.session.commit()
    read = []
    monkeypatch.setattr(grounds, "DRIVERS", 2)
    whole = grounds.dues
    monkeypatch.setattr(grounds, "dues", lambda *words, among: read.append(len(among)) or whole(*words, among=among))
    told = list(grounds.next_fcos(date(2022, 1, 10), grounds.drivers_beyond(0, 100)))
    assert len({one.person_id for one in told}) == len(told) == 4
    assert len(read) > 1
    assert max(read) == 2


@pytest.mark.parametrize("how", ["membership over", "closed account"])
def test_who_no_longer_acts_for_the_centre_is_told_nothing(app: Flask, how: str) -> None:
    own = db.session.execute(select(Accreditation).where(Accreditation.centre_id == centre_id())).scalars().first()
    assert own is not None
    own.valid_to = date(2022, 1, 20)
    batch_id = draft(MARIE)
    old = datetime(2022, 1, 6, 9, tzinfo=clock.PARIS)
    db.session.execute(update(Batch).where(Batch.id == batch_id).values(updated_at=old))
    db.session.commit()
    night(date(2022, 1, 10))
    rows = [row for row in db.session.execute(select(Mail)).scalars() if row.kind != choices.MONTH]
    assert len(rows) == 2
    people = [row.values["person_id"] for row in rows]
    if how == "closed account":
        db.session.execute(update(Person).where(Person.id.in_(people)).values(active=False))
    else:
        db.session.execute(update(Membership).where(Membership.person_id.in_(people)).values(valid_to=date(2022, 1, 9)))
    db.session.commit()
    assert [state_on(row, date(2022, 1, 10)) for row in rows] == [MAIL_DROPPED, MAIL_DROPPED]


def test_the_month_asks_once_for_all_and_says_how_many_it_does_not_name(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = db.session.execute(select(Accreditation)).scalars().all()
    assert len(some) > 2
    for one in some:
        one.valid_to = date(2022, 1, 20)
    db.session.commit()
    night(date(2022, 1, 10))
    row = db.session.execute(select(Mail).where(Mail.kind == choices.MONTH)).scalars().first()
    assert row is not None
    monkeypatch.setattr(mails, "LISTED", 2)
    db.session.expire_all()
    with clock.moved(datetime(2022, 1, 10, 9, tzinfo=clock.PARIS)):
        with statements() as seen:
            body = str(said(row).body)
        assert not [one for one in seen if one.startswith("SELECT centre.")]
    assert f"Et {len(some) - 2} autre" in body.replace("\u00a0", " ")
