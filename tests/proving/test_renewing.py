"""A new SECRET_KEY: what the one before made holds while SECRET_KEY_FORMER names it, and what is renewed holds without."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import AccountLink, Person, SecondFactor, WebhookEndpoint
from app.services.accounts import activation, known_browser, second_factor
from app.services.accounts.kept_forms import Sent, find, keep
from app.services.api import changes, webhook_secrets, webhooks
from app.services.api import keys as api_keys
from app.services.core import clock, links
from app.services.proving import backup
from app.services.reminders import choices
from tests.bases import under_the_role
from tests.cli.test_commands import run
from tests.conftest import PASSWORD
from tests.support import centre_id, person_id

AGENT, OWNER = "agent@demo.example", "representant@demo.example"
OLD, NEW, NEXT = "x" * 32, "y" * 32, "z" * 32
SignIn = Callable[..., FlaskClient]


def rotate(app: Flask, key: str = NEW, *former: str) -> None:
    """Set the program's secret and those of before, as its settings do."""
    app.config.update(
        SECRET_KEY=key, SECRET_KEY_FORMER=former, SECRET_KEY_FALLBACKS=list(former),
        WTF_CSRF_SECRET_KEY=[*reversed(former), key],
    )  # fmt: skip


@pytest.fixture
def endpoint(app: Flask) -> WebhookEndpoint:
    """Give an address of the demonstration centre as the version before made it: its secret is worked out of the nonce."""
    person = person_id(OWNER)
    api_keys.subscribe(centre_id(), person)
    webhooks.create(centre_id(), person, "https://logiciel.example/avis", ["registration.confirmed"])
    db.session.execute(update(WebhookEndpoint).values(secrets=None))
    db.session.commit()
    return db.session.execute(select(WebhookEndpoint)).scalar_one()


def secrets_of(endpoint: WebhookEndpoint) -> list[str]:
    db.session.expire_all()
    return webhook_secrets.of(endpoint, clock.machine_now())


def enrolled() -> tuple[pyotp.TOTP, list[str]]:
    person = db.session.get_one(Person, person_id(AGENT))
    phone = pyotp.TOTP(second_factor.start(person).secret.replace(" ", ""))
    return phone, second_factor.confirm(person, PASSWORD, phone.at(clock.machine_now()))


def test_who_is_signed_in_stays_so_and_sends_the_form_that_was_open(
    app: Flask, client: FlaskClient, sign_in: SignIn
) -> None:
    sign_in(client, OWNER)
    app.config["WTF_CSRF_ENABLED"] = True
    drawn = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/mon-profil/").text)
    assert drawn is not None
    cookie = client.get_cookie("session")
    assert cookie is not None
    rotate(app, NEW, OLD)
    assert client.post("/mon-profil/autres-sessions", data={"csrf_token": drawn[1]}).status_code == 302
    rotate(app, NEW)
    assert client.get("/mon-profil/").status_code == 200  # its cookie was signed anew meanwhile
    away = app.test_client()
    away.set_cookie("session", cookie.value)
    assert "/login/" in away.get("/mon-profil/").headers["Location"]


def test_what_was_handed_out_is_taken(app: Flask) -> None:
    code, token = activation.code(1, 2, 0), activation.link_token(1, 2, 0)
    off = choices.off_url(person_id(OWNER), choices.FCO).rpartition("/")[2]
    place = changes.Place(clock.now(), 3)
    cursor = changes.encode("batches", 1, changes.Cursor({}, place))
    person = db.session.get_one(Person, person_id(OWNER))
    browser = known_browser.remember(known_browser.read(""), person)
    typed = activation.hash_of(code)
    form = keep(person.id, [Sent("/x", (("order", "COM1"),))])
    assert form is not None
    for former, taken in ((OLD,), True), ((), False):
        rotate(app, NEW, *former)
        hashes = typed, activation.hash_of(code)
        assert [activation.is_code(one, 1, 2, 0) for one in hashes] == [taken, taken]
        assert activation.is_link_token(activation.hash_of(token), 1, 2, 0) is taken
        assert (choices.named(off) is not None) is taken
        read = known_browser.read(browser)
        assert (known_browser.counted("x", person, read) != "x") is taken
        assert bool(find(form, person.id)) is taken
    rotate(app, NEW, OLD)
    assert changes.decode("batches", 1, cursor).place == place
    assert activation.code(1, 2, 0) != code  # what is shown from now on is made of the new one


def test_a_link_that_is_mailed_again_is_the_one_that_was_issued(app: Flask) -> None:
    link = links.issue("reset", OWNER, timedelta(hours=1))
    db.session.commit()
    rotate(app, NEW, OLD)
    assert links.find("reset", links.token("reset", link.nonce, link.token_hash)).id == link.id
    fresh = links.issue("reset", OWNER, timedelta(hours=1))
    rotate(app, NEW)
    assert links.find("reset", links.token("reset", fresh.nonce, fresh.token_hash)).id == fresh.id
    assert len(db.session.execute(select(AccountLink.id)).all()) == 2


def test_a_second_factor_goes_on_and_is_renewed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    phone, codes = enrolled()
    rotate(app, NEW, OLD)
    later = clock.machine_now() + timedelta(minutes=5)
    monkeypatch.setattr(clock, "machine_now", lambda: later)
    assert second_factor.check(person_id(AGENT), codes[0]) == "recovery_code"
    code, said = run(app, "secret-key", "show")
    assert (code, "second factors: 0 under SECRET_KEY, 1 under SECRET_KEY_FORMER, 0 unreadable" in said) == (1, True)
    assert run(app, "secret-key", "renew")[0] == 0
    rotate(app, NEW)
    assert second_factor.check(person_id(AGENT), phone.at(later)) == "second_factor"
    assert run(app, "secret-key", "show")[0] == 0


def test_without_the_former_key_codes_are_wrong_and_the_command_says_what_cannot_be_read(app: Flask) -> None:
    phone, codes = enrolled()
    rotate(app, NEW)
    for typed in (phone.at(clock.machine_now() + timedelta(seconds=30)), codes[0]):
        with pytest.raises(second_factor.WrongCode):
            second_factor.check(person_id(AGENT), typed)
    code, said = run(app, "secret-key", "renew")
    assert (code, "1 unreadable" in said) == (1, True)
    db.session.execute(update(SecondFactor).values(enabled_at=None))  # begun, never confirmed
    db.session.commit()
    assert second_factor.start(db.session.get_one(Person, person_id(AGENT))).secret


@under_the_role
def test_secrets_of_webhooks_are_the_same_after_two_rotations(app: Flask, endpoint: WebhookEndpoint) -> None:
    before = secrets_of(endpoint)
    rotate(app, NEW, OLD)
    assert secrets_of(endpoint) == before
    assert run(app, "secret-key", "renew")[0] == 0
    rotate(app, NEXT, NEW)
    assert run(app, "secret-key", "show")[0] == 1
    assert run(app, "secret-key", "renew")[0] == 0
    rotate(app, NEXT)
    assert secrets_of(endpoint) == before
    assert before[0] not in str(vars(endpoint))


def test_a_secret_made_anew_meanwhile_is_of_the_new_key_beside_the_one_before(
    app: Flask, endpoint: WebhookEndpoint
) -> None:
    before = secrets_of(endpoint)
    rotate(app, NEW, OLD)
    made = webhooks.rotate(centre_id(), endpoint.id, person_id(OWNER), timedelta(days=1))
    assert secrets_of(endpoint) == [made, *before]
    # The version before, which runs beside this one while it is rolled out, works the same one out of the nonce.
    assert webhook_secrets._worked_out(endpoint.nonce, NEW) == made
    assert run(app, "secret-key", "renew")[0] == 0
    rotate(app, NEW)
    assert secrets_of(endpoint) == [made, *before]


def test_a_backup_made_under_the_former_key_is_known(app: Flask) -> None:
    [then] = backup.key_checks()
    rotate(app, NEW, OLD)
    assert then in backup.key_checks()
    rotate(app, NEW)
    assert then not in backup.key_checks()
