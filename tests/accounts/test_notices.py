"""Whoever's password or second factor changes is told so by mail; a reset link dies with the address it went to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pyotp
import pytest
from flask import Flask
from flask_appbuilder.cli import fab
from sqlalchemy import select

from app.extensions import db
from app.french.spaces import plain
from app.models import AccountLink, Mail, Person
from app.models.sign_up import ADDRESS, RESET
from app.services.accounts import address_change, password_change, second_factor
from app.services.core import links
from tests.bases import BOTH
from tests.conftest import PASSWORD
from tests.support import drain, person_id

BACKENDS = BOTH

OWNER, AGENT = "representant@demo.example", "agent@demo.example"
NEW = "girafe-lampe-nuage-72"


def reset_link(email: str = OWNER) -> str:
    link = links.issue(RESET, email, timedelta(minutes=5))
    link.person_id = person_id(email)
    db.session.commit()
    return links.token(RESET, link.nonce)


def owner() -> Person:
    return db.session.get_one(Person, person_id(OWNER))


def mails(app: Flask) -> list[tuple[str, str, str]]:
    """Return recipient, subject and text of the mails sent."""
    drain()
    found = [
        message_from_bytes(file.read_bytes(), policy=policy.default)
        for file in (Path(app.config["DATA_DIR"]) / "mails").glob("*.eml")
    ]
    return [
        (str(one["To"]), plain(str(one["Subject"])), plain(one.get_body(("plain",)).get_content())) for one in found
    ]


def by_change(app: Flask) -> None:
    password_change.change(person_id(OWNER), PASSWORD, NEW)


def by_reset(app: Flask) -> None:
    password_change.reset(reset_link(), NEW)


def by_command(app: Flask) -> None:
    done = app.test_cli_runner().invoke(fab, ["reset-password", "--username", OWNER, "--password", NEW])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("act", [by_change, by_reset, by_command], ids=lambda act: act.__name__)
def test_a_new_password_is_told(app: Flask, act: Callable[[Flask], None]) -> None:
    act(app)
    [(to, subject, text)] = mails(app)
    assert (to, subject) == (OWNER, "Votre mot de passe est changé")
    assert "10/01/2022" in text
    assert "/mot-de-passe/" in text
    assert NEW not in text


def test_each_change_is_told_anew(app: Flask) -> None:
    password_change.change(person_id(OWNER), PASSWORD, NEW)
    password_change.change(person_id(OWNER), NEW, PASSWORD)
    assert len(mails(app)) == 2


def test_nothing_is_told_of_a_change_that_is_refused(app: Flask) -> None:
    with pytest.raises(password_change.WrongPassword):
        password_change.change(person_id(OWNER), "pas le bon", NEW)
    assert mails(app) == []


def test_every_change_of_the_second_factor_is_told(app: Flask) -> None:
    phone = pyotp.TOTP(second_factor.start(owner()).secret.replace(" ", ""))
    codes = second_factor.confirm(owner(), PASSWORD, phone.now())
    codes = second_factor.renew_codes(owner(), PASSWORD, codes[0])
    second_factor.turn_off(owner(), PASSWORD, codes[0])
    told = mails(app)
    assert {(to, subject) for to, subject, _ in told} == {
        (OWNER, "Votre double authentification est activée"),
        (OWNER, "Vos codes de secours sont remplacés"),
        (OWNER, "Votre double authentification est désactivée"),
    }
    assert all("10/01/2022" in text for *_, text in told)
    assert not any(code in text for code in codes for *_, text in told)


def test_a_second_factor_taken_away_by_an_agent_is_told(app: Flask) -> None:
    phone = pyotp.TOTP(second_factor.start(owner()).secret.replace(" ", ""))
    second_factor.confirm(owner(), PASSWORD, phone.now())
    second_factor.reset(person_id(OWNER), person_id(AGENT), "Téléphone perdu")
    assert "Votre double authentification a été réinitialisée" in {subject for _, subject, _ in mails(app)}


class TestALinkAndTheAddressItWentTo:
    """A link to choose a password, mailed to an address that is the account's no more."""

    def moved(self, email: str) -> None:
        """Change the owner's address as the owner does."""
        address_change.ask(person_id(OWNER), PASSWORD, email)
        self.confirm_move(email)

    def confirm_move(self, email: str) -> None:
        link = db.session.execute(
            select(AccountLink).where(AccountLink.kind == ADDRESS, AccountLink.email == email)
        ).scalar_one()
        address_change.confirm(links.token(ADDRESS, link.nonce))

    def dead(self, token: str) -> bool:
        with pytest.raises(links.LinkSpent):
            password_change.check_link(token)
        with pytest.raises(links.LinkSpent):
            password_change.reset(token, NEW)
        return True

    def test_it_dies_with_the_change(self, app: Flask) -> None:
        token = reset_link()
        password_change.check_link(token)
        self.moved("ailleurs@mail.example")
        assert self.dead(token)

    def test_it_stays_dead_when_the_address_comes_back(self, app: Flask) -> None:
        who, token = person_id(OWNER), reset_link()
        self.moved("ailleurs@mail.example")
        address_change.ask(who, PASSWORD, OWNER)
        self.confirm_move(OWNER)
        assert self.dead(token)

    def test_it_is_dead_however_the_address_was_changed(self, app: Flask) -> None:
        token = reset_link()
        owner().email = "autre@mail.example"
        db.session.commit()
        assert self.dead(token)

    def test_one_asked_for_before_and_not_sent_yet_is_not_sent(self, app: Flask) -> None:
        password_change.ask(OWNER, "192.0.2.1")
        owner().email = "autre@mail.example"
        db.session.commit()
        drain()
        assert db.session.execute(select(Mail).where(Mail.kind == "reset")).first() is None

    def test_one_sent_to_the_new_address_works(self, app: Flask) -> None:
        who = person_id(OWNER)
        self.moved("ailleurs@mail.example")
        password_change.ask("ailleurs@mail.example", "192.0.2.1")
        drain()
        link = db.session.execute(select(AccountLink).where(AccountLink.kind == RESET)).scalar_one()
        assert link.person_id == who
        password_change.reset(links.token(RESET, link.nonce), NEW)
