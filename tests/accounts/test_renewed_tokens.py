"""Signing in starts afresh: what the browser held before, a form's token or a planted cookie, is worth nothing after."""

from __future__ import annotations

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.models import Person
from app.services.accounts import second_factor
from app.services.rights import invitations as member_invitations
from tests.bases import UNDER_THE_ROLE
from tests.conftest import PASSWORD
from tests.shortcuts import token
from tests.support import centre_id, person_id

BACKENDS = UNDER_THE_ROLE

MANAGER, AGENT = "gestionnaire@demo.example", "agent@demo.example"


@pytest.fixture(autouse=True)
def forms_have_tokens(app: Flask) -> None:
    """Have every form prove that it was drawn here."""
    app.config["WTF_CSRF_ENABLED"] = True


def enter(browser: FlaskClient, email: str = MANAGER, before: str = "") -> str:
    """Sign in by the form, and return the token from before."""
    before = before or token(browser, "/login/")
    sent = {"username": email, "password": PASSWORD, "csrf_token": before}
    assert browser.post("/login/", data=sent).status_code == 302
    return before


def others(browser: FlaskClient, with_token: str) -> int:
    return browser.post("/mon-profil/autres-sessions", data={"csrf_token": with_token}).status_code


def test_a_token_from_before_is_void_and_the_next_form_works(client: FlaskClient) -> None:
    before = enter(client)
    assert others(client, before) == 400
    after = token(client, "/mon-profil/")
    assert after != before
    assert others(client, after) == 302
    assert others(client, token(client, "/mon-profil/")) == 302
    assert client.post("/logout/", data={"csrf_token": token(client, "/mon-profil/")}).status_code == 302


def test_a_planted_cookie_is_not_who_signed_in(app: Flask) -> None:
    stranger, victim = app.test_client(), app.test_client()
    known = token(stranger, "/login/")
    planted = stranger.get_cookie("session")
    assert planted is not None
    victim.set_cookie("session", planted.value)
    enter(victim, before=known)
    own = victim.get_cookie("session")
    assert own is not None
    assert own.value != planted.value
    assert stranger.get("/mon-profil/").status_code == 302
    assert others(victim, known) == 400


def test_so_it_is_after_the_second_step(app: Flask, client: FlaskClient) -> None:
    person = db.session.get_one(Person, person_id(AGENT))
    phone = pyotp.TOTP(second_factor.start(person).secret.replace(" ", ""))
    codes = second_factor.confirm(person, PASSWORD, phone.now())
    enter(client, AGENT)
    before = token(client, "/login/code")
    assert client.post("/login/code", data={"code": codes[0], "csrf_token": before}).status_code == 302
    assert others(client, before) == 400
    assert others(client, token(client, "/mon-profil/")) == 302


def test_so_it_is_for_who_opens_an_account_by_an_invitation(app: Flask, client: FlaskClient) -> None:
    member_invitations.invite(centre_id(), "neuf@mail.example", "manager", person_id(AGENT))
    row = member_invitations.waiting(centre_id())[0]
    address = f"/invitation/{member_invitations.links.token('member', row.nonce)}"
    before = token(client, address)
    sent = {
        "last_name": "Ondet", "first_name": "Lise", "password": "girafe-lampe-nuage-72", "again": "girafe-lampe-nuage-72",
        "csrf_token": before,
    }  # fmt: skip
    assert client.post(address, data=sent).status_code == 302
    assert client.get("/mon-centre/").status_code == 200
    assert others(client, before) == 400
    assert others(client, token(client, "/mon-profil/")) == 302


def test_a_sign_in_form_left_open_is_told_and_leads_on_once_reloaded(client: FlaskClient) -> None:
    before = enter(client)
    answer = client.post("/login/", data={"username": MANAGER, "password": PASSWORD, "csrf_token": before})
    assert answer.status_code == 400
    assert "Le formulaire a expiré. Rechargez la page" in answer.text
    assert client.get("/login/").headers["Location"] == "/"


def test_the_other_browsers_stay_until_they_are_ended(app: Flask, client: FlaskClient) -> None:
    enter(client)
    other = app.test_client()
    enter(other)
    assert client.get("/mon-profil/").status_code == 200
    assert others(other, token(other, "/mon-profil/")) == 302
    assert client.get("/mon-profil/").status_code == 302
    assert other.get("/mon-profil/").status_code == 200


def test_a_change_of_password_leaves_this_browser_working(client: FlaskClient) -> None:
    enter(client)
    new = "girafe-lampe-nuage-72"
    sent = {"current": PASSWORD, "password": new, "again": new, "csrf_token": token(client, "/mon-profil/")}
    assert client.post("/mon-profil/", data=sent).status_code == 302
    assert others(client, token(client, "/mon-profil/")) == 302
