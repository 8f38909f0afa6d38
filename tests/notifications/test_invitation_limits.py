"""Mails to addresses of one's choice are limited by who sends them and by the centre they are sent for, at every door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.extensions import db
from app.models import Attempt, Batch, Mail, Membership
from app.services.core.throttle import TooOften
from app.services.drivers import account_invitations
from app.services.notifications import invitation_limits
from app.services.notifications.invitation_limits import Limits
from app.services.rights import invitations as member_invitations
from app.services.trainers import notices as trainer_notices
from tests.bases import BOTH
from tests.support import centre_id, drain, many, person_id, registered, registered_trainer

BACKENDS = BOTH
EACH_VALUE = True

LEGAL, AGENT, MANAGER = "representant@demo.example", "agent@demo.example", "gestionnaire@demo.example"
NEIGHBOUR = "98765432400019"


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let three mails pass a person, five a centre."""
    for name in ("MEMBERS", "DRIVERS", "TRAINERS"):
        real: Limits = getattr(invitation_limits, name)
        monkeypatch.setattr(invitation_limits, name, replace(real, by_sender=3, by_centre=5))


def member(at: int, who: str) -> None:
    member_invitations.invite(centre_id(), f"m{at}@mail.example", "manager", person_id(who))


def driver(at: int, who: str) -> None:
    batch = db.session.execute(select(Batch.id)).scalar_one_or_none() or registered(*many(12)).id
    account_invitations.invite(batch, at + 1, f"d{at}@mail.example", person_id(who))


def trainer(at: int, who: str) -> None:
    row = registered_trainer(permit_number=f"9000000{at:02}", birth_date="03/05/1980")
    drain()
    trainer_notices.send_again(row.id, f"t{at}@mail.example", person_id(who))


DOORS = pytest.mark.parametrize("door", [member, driver, trainer], ids=lambda door: door.__name__)


@DOORS
def test_who_sends_waits_then_goes_on(app: Flask, door: Callable[[int, str], None]) -> None:
    for at in range(3):
        door(at, LEGAL)
    with pytest.raises(TooOften, match="Réessayez dans 1 minute"):
        door(3, LEGAL)
    before = db.session.query(Mail).count()
    for row in db.session.execute(select(Attempt)).scalars():
        row.free_at -= timedelta(minutes=2)
    db.session.commit()
    door(4, LEGAL)
    assert db.session.query(Mail).count() > before


@DOORS
def test_a_centre_s_people_are_counted_together(app: Flask, door: Callable[[int, str], None]) -> None:
    db.session.execute(
        update(Membership).where(Membership.centre_id == centre_id()).values(role="legal_representative")
    )
    db.session.commit()
    for at, who in enumerate((LEGAL, LEGAL, LEGAL, MANAGER, MANAGER)):
        door(at, who)
    with pytest.raises(TooOften):
        door(5, "sansdroit@demo.example")


def test_an_agent_s_other_centres_are_not_kept_waiting_by_one(app: Flask) -> None:
    for at in range(3):
        member(at, LEGAL)
    other = centre_id(NEIGHBOUR)
    member_invitations.invite(other, "v@mail.example", "manager", person_id(AGENT))


def test_sending_again_counts_too(app: Flask) -> None:
    for at in range(2):
        member(at, LEGAL)
    first, second = member_invitations.waiting(centre_id())
    member_invitations.resend(centre_id(), first.id, person_id(LEGAL))
    with pytest.raises(TooOften):
        member_invitations.resend(centre_id(), second.id, person_id(LEGAL))


def test_what_is_refused_for_its_address_is_not_counted(app: Flask) -> None:
    for _ in range(6):
        with pytest.raises(Exception, match="adresse électronique"):
            member_invitations.invite(centre_id(), "pas une adresse", "manager", person_id(LEGAL))
    member(0, LEGAL)
