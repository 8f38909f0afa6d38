"""One password, however a keyboard writes its letters: NFKC before hashing and before comparing, at every door."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.cli import fab
from sqlalchemy import select
from werkzeug.security import check_password_hash, generate_password_hash

from app.extensions import db
from app.models import AccountLink, Person, SignUp
from app.models.sign_up import CONFIRM, RESET
from app.services.accounts import passwords
from app.services.accounts.opening import Applicant, sign_up
from app.services.core import links
from app.services.rights import invitations as member_invitations
from tests.bases import BOTH
from tests.conftest import PASSWORD
from tests.support import centre_id, person_id

BACKENDS = BOTH

#: One password as three keyboards write it: composed, decomposed, with a ligature, full-width digits and a no-break space.
COMPOSED = "Écluse fine à 4 vantaux"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
COMPATIBLE = "Écluse ﬁne à\u00a0４ vantaux"
FORMS = pytest.mark.parametrize(
    ("chosen", "typed"),
    [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED), (COMPATIBLE, COMPOSED), (COMPOSED, COMPATIBLE)],
)
DRIVER = "conducteur@demo.example"


def test_the_three_are_different_texts() -> None:
    assert len({COMPOSED, DECOMPOSED, COMPATIBLE}) == 3


def opens(app: Flask, email: str, password: str) -> bool:
    """Tell whether the sign-in page takes the password."""
    answer = app.test_client().post("/login/", data={"username": email, "password": password})
    return answer.status_code == 302


def person(email: str = DRIVER) -> Person:
    """Return a person, read anew."""
    db.session.expire_all()
    return db.session.execute(select(Person).where(Person.email == email)).scalar_one()


def by_change(app: Flask, chosen: str) -> str:
    browser = app.test_client()
    browser.post("/login/", data={"username": DRIVER, "password": PASSWORD})
    sent = {"current": PASSWORD, "password": chosen, "again": unicodedata.normalize("NFKC", chosen)}
    assert browser.post("/mon-profil/", data=sent).status_code == 302
    return DRIVER


def by_reset(app: Flask, chosen: str) -> str:
    link = links.issue(RESET, DRIVER, timedelta(minutes=5))
    link.person_id = person_id(DRIVER)
    db.session.commit()
    sent = {"password": chosen, "again": unicodedata.normalize("NFKC", chosen)}
    assert app.test_client().post(f"/mot-de-passe/{links.token(RESET, link.nonce)}", data=sent).status_code == 302
    return DRIVER


def by_invitation(app: Flask, chosen: str) -> str:
    member_invitations.invite(centre_id(), "neuf@mail.example", "manager", person_id("agent@demo.example"))
    row = member_invitations.waiting(centre_id())[0]
    sent = {
        "last_name": "Ondet", "first_name": "Lise", "password": chosen,
        "again": unicodedata.normalize("NFKC", chosen),
    }  # fmt: skip
    assert app.test_client().post(f"/invitation/{links.token('member', row.nonce)}", data=sent).status_code == 302
    return "neuf@mail.example"


def by_sign_up(app: Flask, chosen: str) -> str:
    sign_up(Applicant("NOUVEAU", "Jean", date(1980, 1, 2), "123456789012", "jean@mail.example"), chosen, "10.0.0.1")
    link = db.session.execute(select(AccountLink).where(AccountLink.kind == CONFIRM)).scalar_one()
    sent = {"password": unicodedata.normalize("NFKC", chosen)}
    answer = app.test_client().post(f"/inscription/{links.token(CONFIRM, link.nonce)}", data=sent)
    assert answer.status_code == 302
    return "jean@mail.example"


def _run(app: Flask, *args: str) -> None:
    result = app.test_cli_runner().invoke(fab, args)
    assert result.exit_code == 0, result.output


def _who(email: str) -> tuple[str, ...]:
    return ("--username", email, "--firstname", "Odile", "--lastname", "Perrin", "--email", email)


def by_command(app: Flask, chosen: str) -> str:
    _run(app, "create-admin", *_who("op@mail.example"), "--password", chosen)
    return "op@mail.example"


def by_user_command(app: Flask, chosen: str) -> str:
    _run(app, "create-user", "--role", "Centre", *_who("ou@mail.example"), "--password", chosen)
    return "ou@mail.example"


def by_reset_command(app: Flask, chosen: str) -> str:
    _run(app, "reset-password", "--username", DRIVER, "--password", chosen)
    return DRIVER


DOORS = [by_change, by_reset, by_invitation, by_sign_up, by_command, by_user_command, by_reset_command]


@FORMS
@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_what_was_chosen_at_one_keyboard_opens_at_another(
    app: Flask, door: Callable[[Flask, str], str], chosen: str, typed: str
) -> None:
    email = door(app, chosen)
    db.session.commit()
    stored = person(email).password
    assert check_password_hash(str(stored), unicodedata.normalize("NFKC", chosen))
    assert opens(app, email, typed)
    assert not opens(app, email, typed + "x")


@pytest.mark.parametrize("old", [DECOMPOSED, COMPATIBLE])
def test_a_hash_of_before_opens_and_is_made_anew(app: Flask, old: str) -> None:
    row = person()
    row.password = generate_password_hash(old, method="pbkdf2:sha256:1")
    db.session.commit()
    assert not opens(app, DRIVER, COMPOSED)
    assert opens(app, DRIVER, old)
    assert check_password_hash(str(person().password), COMPOSED)
    assert opens(app, DRIVER, COMPOSED)


def test_a_hash_of_before_is_made_anew_once(app: Flask) -> None:
    assert opens(app, DRIVER, PASSWORD)
    first = person().password
    assert opens(app, DRIVER, PASSWORD)
    assert person().password == first


@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED, COMPATIBLE])
def test_the_password_asked_again_is_compared_alike(client: FlaskClient, typed: str) -> None:
    row = person()
    row.password = passwords.hash_of(COMPOSED)
    db.session.commit()
    client.post("/login/", data={"username": DRIVER, "password": COMPOSED})
    answer = client.post("/mon-profil/adresse/", data={"email": "neuve@mail.example", "password": typed})
    assert answer.status_code == 302
    sent = {"current": typed, "password": "pont lune cheval gris", "again": "pont lune cheval gris"}
    assert client.post("/mon-profil/", data=sent).status_code == 302


def test_a_sign_up_of_before_is_confirmed_as_it_was_typed(app: Flask) -> None:
    by = Applicant("NOUVEAU", "Jean", date(1980, 1, 2), "123456789012", "jean@mail.example")
    sign_up(by, COMPOSED, "10.0.0.1")
    row = db.session.execute(select(SignUp)).scalar_one()
    row.password_hash = generate_password_hash(DECOMPOSED, method="pbkdf2:sha256:1")
    link = db.session.execute(select(AccountLink).where(AccountLink.kind == CONFIRM)).scalar_one()
    db.session.commit()
    address = f"/inscription/{links.token(CONFIRM, link.nonce)}"
    assert app.test_client().post(address, data={"password": DECOMPOSED}).status_code == 302


def test_length_and_rules_are_judged_on_the_form_that_is_kept(app: Flask) -> None:
    assert passwords.objection("e\u0301" * 6) == passwords.TOO_SHORT
    assert passwords.objection(unicodedata.normalize("NFD", "é" * 200 + "abcdefgh")) == ""
    assert passwords.objection("ﷺ" * 20) == passwords.TOO_LONG
    assert passwords.objection("ｍｏｔｄｅｐａｓｓｅ１２３") == passwords.COMMON


def test_a_long_password_decomposed_by_a_keyboard_is_not_too_long_to_sign_in(app: Flask) -> None:
    chosen = "é" * 200 + "abcdefgh"
    row = person()
    row.password = passwords.hash_of(chosen)
    db.session.commit()
    assert opens(app, DRIVER, unicodedata.normalize("NFD", chosen))


def test_no_other_place_hashes_or_compares_passwords() -> None:
    from config import ROOT

    found = [
        str(file.relative_to(ROOT)) for file in (ROOT / "app").rglob("*.py")
        if re.search(r"generate_password_hash|check_password_hash", file.read_text())
    ]  # fmt: skip
    assert found == ["app/services/accounts/passwords.py"]
