"""Strangers who try an account's password or ask for its reset keep its owner out of new browsers only, and not for good."""

from __future__ import annotations

from datetime import timedelta
from http.cookies import SimpleCookie

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.models import AccountLink, Person
from app.models.sign_up import RESET
from app.services.accounts import known_browser, password_change, second_factor, sign_in
from app.services.core import links
from app.views.shell import sign_ins
from tests.bases import UNDER_THE_ROLE
from tests.conftest import PASSWORD
from tests.support import drain, person_id

BACKENDS = UNDER_THE_ROLE

MANAGER, OTHER, AGENT = "gestionnaire@demo.example", "representant@demo.example", "agent@demo.example"
NEW = "girafe-lampe-nuage-72"
WRONG = "pas le bon mot"


def enter(browser: FlaskClient, email: str = MANAGER, password: str = PASSWORD) -> int:
    """Return the status of a try to sign in: 302 in, 422 wrong, 429 to wait."""
    return browser.post("/login/", data={"username": email, "password": password}).status_code


def ask_reset(browser: FlaskClient, email: str = MANAGER) -> int:
    return browser.post("/mot-de-passe/", data={"email": email}).status_code


@pytest.fixture
def known(app: Flask) -> FlaskClient:
    """Give a browser that was signed in from, and out again."""
    browser = app.test_client()
    assert enter(browser) == 302
    browser.post("/logout/")
    return browser


def locked_out(app: Flask, email: str = MANAGER) -> None:
    """Try wrong passwords from a stranger's browser until the account waits."""
    stranger = app.test_client()
    while enter(stranger, email, WRONG) != 429:
        pass
    assert enter(app.test_client(), email) == 429


def test_a_stranger_s_wrong_passwords_do_not_keep_the_owner_out(app: Flask, known: FlaskClient) -> None:
    locked_out(app)
    assert enter(known) == 302
    assert enter(app.test_client()) == 429  # the strangers wait on


def test_a_known_browser_is_limited_itself(app: Flask, known: FlaskClient) -> None:
    assert [enter(known, password=WRONG) for _ in range(sign_in.FOR_ACCOUNT.free + 1)] == [422] * 5 + [429]
    assert enter(known) == 429
    assert enter(app.test_client()) == 302  # and keeps nobody else out


def test_copies_of_its_cookie_are_counted_together(app: Flask, known: FlaskClient) -> None:
    kept = known.get_cookie(sign_ins.BROWSER)
    assert kept is not None
    copies = []
    for _ in range(sign_in.FOR_ACCOUNT.free + 1):
        copy = app.test_client()
        copy.set_cookie(sign_ins.BROWSER, kept.value)
        copies.append(enter(copy, password=WRONG))
    assert copies == [422] * 5 + [429]


def test_the_cookie_is_for_the_account_alone(app: Flask, known: FlaskClient) -> None:
    locked_out(app, OTHER)
    assert enter(known, OTHER) == 429


@pytest.mark.parametrize("forged", ["", "x", "{cookie}x", "x{cookie}"])
def test_a_forged_cookie_is_a_stranger_s(app: Flask, known: FlaskClient, forged: str) -> None:
    kept = known.get_cookie(sign_ins.BROWSER)
    assert kept is not None
    known.set_cookie(sign_ins.BROWSER, forged.format(cookie=kept.value))
    locked_out(app)
    assert enter(known) == 429


def test_it_is_kept_from_scripts_and_says_nothing(app: Flask) -> None:
    answer = app.test_client().post("/login/", data={"username": MANAGER, "password": PASSWORD})
    [text] = [one for one in answer.headers.getlist("Set-Cookie") if one.startswith(f"{sign_ins.BROWSER}=")]
    [morsel] = SimpleCookie(text).values()
    assert morsel["httponly"]
    assert morsel["samesite"] == "Lax"
    assert float(morsel["max-age"]) == known_browser.HOLDS.total_seconds()
    assert MANAGER not in text
    assert "gestionnaire" not in text


def test_it_is_sent_over_https_alone_where_the_site_is(app: Flask) -> None:
    app.config["SESSION_COOKIE_SECURE"] = True
    answer = app.test_client().post("/login/", data={"username": MANAGER, "password": PASSWORD})
    assert all("Secure" in one for one in answer.headers.getlist("Set-Cookie"))


def test_a_refused_sign_in_makes_no_browser_known(app: Flask) -> None:
    browser = app.test_client()
    enter(browser, password=WRONG)
    assert browser.get_cookie(sign_ins.BROWSER) is None


def test_one_browser_is_known_to_several_people(app: Flask, known: FlaskClient) -> None:
    assert enter(known, OTHER) == 302
    known.post("/logout/")
    for email in (MANAGER, OTHER):
        locked_out(app, email)
        assert enter(known, email) == 302, email
        known.post("/logout/")


def test_the_cookie_does_not_grow_with_the_people(app: Flask) -> None:
    browser, people = known_browser.read(""), [Person(id=at, password=f"hash {at}") for at in range(50)]
    for person in people:
        text = known_browser.remember(browser, person)
        browser = known_browser.read(text)
    assert len(text) < 1000
    assert [known_browser.counted("x", person, browser) == "x" for person in people[-3:]] == [False] * 3
    assert known_browser.counted("x", people[0], browser) == "x"


def test_it_is_forgotten_after_its_time(app: Flask, known: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_browser, "HOLDS", timedelta(seconds=-1))
    locked_out(app)
    assert enter(known) == 429


@pytest.mark.parametrize("by", ["change", "reset"])
def test_a_new_password_forgets_the_browsers(app: Flask, known: FlaskClient, by: str) -> None:
    if by == "change":
        password_change.change(person_id(MANAGER), PASSWORD, NEW)
    else:
        password_change.reset(reset_link(), NEW)
    locked_out_with(app, NEW)
    assert enter(known, password=NEW) == 429


def locked_out_with(app: Flask, password: str) -> None:
    stranger = app.test_client()
    while enter(stranger, MANAGER, WRONG) != 429:
        pass
    assert enter(app.test_client(), MANAGER, password) == 429


def reset_link(email: str = MANAGER) -> str:
    link = links.issue(RESET, email, timedelta(minutes=5))
    link.person_id = person_id(email)
    db.session.commit()
    return links.token(RESET, link.nonce)


def test_a_reset_forgets_what_strangers_tried(app: Flask) -> None:
    locked_out(app)
    for _ in range(password_change.FOR_ADDRESS.free):
        ask_reset(app.test_client())
    assert ask_reset(app.test_client()) == 429
    browser = app.test_client()
    sent = {"password": NEW, "again": NEW}
    assert browser.post(f"/mot-de-passe/{reset_link()}", data=sent).status_code == 302
    assert enter(browser, password=NEW) == 302
    assert ask_reset(app.test_client()) == 302


def test_a_stranger_s_resets_do_not_block_the_owner_s(app: Flask, known: FlaskClient) -> None:
    for _ in range(password_change.FOR_ADDRESS.free):
        assert ask_reset(app.test_client()) == 302
    assert ask_reset(app.test_client()) == 429
    assert [ask_reset(known) for _ in range(password_change.FOR_ADDRESS.free + 1)] == [302] * 3 + [429]
    drain()
    links_sent = db.session.query(AccountLink).filter_by(kind=RESET, person_id=person_id(MANAGER)).count()
    assert links_sent == 6


def test_the_second_step_counts_alike(app: Flask) -> None:
    person = db.session.get_one(Person, person_id(AGENT))
    phone = pyotp.TOTP(second_factor.start(person).secret.replace(" ", ""))
    codes = second_factor.confirm(person, PASSWORD, phone.now())
    known, stranger = app.test_client(), app.test_client()
    enter(known, AGENT)
    assert known.get_cookie(sign_ins.BROWSER) is None  # the password alone makes no browser known
    assert known.post("/login/code", data={"code": codes[0]}).status_code == 302
    known.post("/logout/")
    enter(stranger, AGENT)
    while stranger.post("/login/code", data={"code": "234567"}).status_code != 429:
        pass
    enter(known, AGENT)
    assert known.post("/login/code", data={"code": codes[1]}).status_code == 302
