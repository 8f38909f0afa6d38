"""Signing in on screen: waits told alike, sign-ins that end at once or in time, the second step, where one is led."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.cli import fab

from app.extensions import db
from app.models import Person
from app.services.accounts import closing as account_closing
from app.services.accounts import passwords, second_factor, sign_in
from app.services.core import clock
from app.views.shell import sign_ins
from tests.conftest import PASSWORD
from tests.support import person_id

AGENT, OWNER, MANAGER = "agent@demo.example", "representant@demo.example", "gestionnaire@demo.example"


def enter(client: FlaskClient, email: str = MANAGER, password: str = PASSWORD, address: str = "/login/"):
    return client.post(address, data={"username": email, "password": password})


def is_in(client: FlaskClient) -> bool:
    return client.get("/mon-profil/").status_code == 200


@pytest.fixture
def other(app: Flask) -> FlaskClient:
    """Give a second browser."""
    return app.test_client()


@pytest.mark.parametrize("email", [MANAGER, "personne@demo.example"])
def test_too_many_wrong_tries_are_told_when_to_come_back(client: FlaskClient, email: str) -> None:
    for _ in range(5):
        page = enter(client, email, "pas le bon")
        assert page.status_code == 422
        assert "Adresse électronique ou mot de passe incorrect." in page.text
    page = enter(client, email)
    assert page.status_code == 429
    assert "Trop de demandes ont été reçues. Réessayez dans 1 minute." in page.text
    assert 0 < int(page.headers["Retry-After"]) <= 61


def test_flask_appbuilder_s_own_sign_ins_do_not_exist(app: Flask, client: FlaskClient) -> None:
    for address in ("/api/v1/security/login", "/api/v1/security/refresh", "/api/v1/security/csrf_token/"):
        for method in ("GET", "POST"):
            answer = client.open(
                address, method=method, json={"username": AGENT, "password": PASSWORD, "provider": "db"}
            )
            assert answer.status_code == 404, address
    assert not [
        rule.rule for rule in app.url_map.iter_rules() if re.search(r"/security|/users|/roles|resetmy", rule.rule)
    ]


def test_ends_of_other_sign_ins_are_at_once_and_told(client: FlaskClient, other: FlaskClient) -> None:
    enter(client)
    enter(other)
    assert is_in(client)
    assert is_in(other)
    page = client.post("/mon-profil/autres-sessions", follow_redirects=True)
    assert "Vos autres sessions sont fermées. Vous restez connecté ici." in page.text
    assert is_in(client)
    page = other.get("/mon-profil/", follow_redirects=True)
    assert page.request.path == "/login/"
    assert "Votre session a été fermée" in page.text
    assert "Votre session" not in other.get("/login/").text


@pytest.mark.parametrize("act", ["logout", "password", "closed"])
def test_signing_out_a_new_password_and_a_closed_account_end_every_sign_in(
    client: FlaskClient, other: FlaskClient, act: str
) -> None:
    enter(client)
    enter(other)
    if act == "logout":
        other.post("/logout/")
    elif act == "password":
        new = "girafe-lampe-nuage-72"
        data = {"current": PASSWORD, "password": new, "again": new}
        assert other.post("/mon-profil/", data=data).status_code == 302
        assert is_in(other)
    else:
        account_closing.close(person_id(), person_id(AGENT), "départ")
        assert not is_in(other)
        assert enter(other).status_code == 422
    assert not is_in(client)


def test_a_kept_cookie_is_worth_nothing_after_signing_out(client: FlaskClient, other: FlaskClient) -> None:
    enter(client)
    kept = client.get_cookie("session")
    assert kept is not None
    client.post("/logout/")
    other.set_cookie("session", kept.value)
    assert not is_in(other)


@pytest.mark.parametrize("backend_name", ["sqlite", "postgresql-role"])
@pytest.mark.parametrize(
    ("email", "minutes"), [(AGENT, 30), (OWNER, 30), (MANAGER, 120), ("conducteur@demo.example", 120)]
)
def test_an_idle_sign_in_ends_and_the_page_says_so(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, email: str, minutes: int
) -> None:
    enter(client, email)
    now = sign_ins.time.time()
    for passed in (minutes * 60 - 5, 2 * (minutes * 60 - 5)):
        monkeypatch.setattr(sign_ins.time, "time", lambda passed=passed: now + passed)
        assert is_in(client)
    monkeypatch.setattr(sign_ins.time, "time", lambda: now + 3 * minutes * 60)
    page = client.get("/mon-profil/?a=1", follow_redirects=True)
    assert "Votre session a expiré : aucune action pendant un moment." in page.text
    assert page.request.args["next"] == "/mon-profil/?a=1"
    assert enter(client, email, address="/login/?next=/mon-profil/?a=1").headers["Location"] == "/mon-profil/?a=1"
    assert is_in(client)


def test_a_sign_in_ends_after_twelve_hours_whatever_is_done(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(client)
    now = sign_ins.time.time()
    for hour in range(1, 13):
        monkeypatch.setattr(sign_ins.time, "time", lambda hour=hour: now + hour * 3600 - 5)
        assert is_in(client), hour
    monkeypatch.setattr(sign_ins.time, "time", lambda: now + 12 * 3600 + 5)
    assert "elle dure 12\xa0heures au plus".replace("\xa0", " ") in client.get(
        "/mon-profil/", follow_redirects=True
    ).text.replace("\xa0", " ")


def test_an_expired_sign_in_leads_htmx_s_whole_page_to_the_form(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(client)
    now = sign_ins.time.time()
    monkeypatch.setattr(sign_ins.time, "time", lambda: now + 24 * 3600)
    here = {"HX-Request": "true", "HX-Current-URL": "http://localhost/sessions/abc/conducteurs"}
    answer = client.post("/sessions/abc/lignes", headers=here)
    assert answer.status_code in (401, 404, 405)
    answer = client.get("/sessions/abc/conducteurs", headers=here)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login/?next=/sessions/abc/conducteurs"


@pytest.mark.parametrize(
    ("referrer", "back"),
    [("http://localhost/mon-profil/?b=2", "/mon-profil/?b=2"), ("https://ailleurs.example/page", "/"), ("", "/")],
)
def test_who_sent_a_form_comes_back_to_its_page(client: FlaskClient, referrer: str, back: str) -> None:
    sent = client.post("/mon-profil/autres-sessions", headers={"Referer": referrer})
    leads = urlsplit(sent.headers["Location"])
    assert (leads.path, parse_qs(leads.query)) == ("/login/", {"next": [back]})


@pytest.mark.parametrize(
    "wanted",
    ["https://ailleurs.example/", "//ailleurs.example/", "/\\ailleurs.example", "https:ailleurs.example",
     "javascript:alert(1)", "\thttps://ailleurs.example", "http:///ailleurs.example"],
)  # fmt: skip
def test_signing_in_leads_nowhere_else(client: FlaskClient, wanted: str) -> None:
    answer = client.post("/login/", query_string={"next": wanted}, data={"username": MANAGER, "password": PASSWORD})
    assert answer.status_code == 302
    leads = urlsplit(answer.headers["Location"])
    assert (leads.scheme, leads.netloc) == ("", "")
    assert answer.headers["Location"].startswith("/")
    assert not answer.headers["Location"].startswith(("//", "/\\"))


def phone_of(client: FlaskClient, email: str = AGENT) -> tuple[pyotp.TOTP, list[str]]:
    """Set the second factor up on screen; return the telephone and the recovery codes."""
    page = client.get("/mon-profil/double-authentification/").text
    found = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page)
    assert found
    assert 'src="data:image/svg+xml' in page
    phone = pyotp.TOTP(found[1].replace(" ", ""))
    data = {"password": PASSWORD, "code": phone.at(clock.machine_now())}
    page = client.post("/mon-profil/double-authentification/", data=data).text
    codes = re.findall(r"<li><code>([\w-]+)</code></li>", page)
    assert len(codes) == 10
    return phone, codes


def fresh_code(phone: pyotp.TOTP) -> str:
    """Return a code that was not shown yet: that of the next step."""
    return phone.at(clock.machine_now() + timedelta(seconds=30))


@pytest.mark.parametrize("backend_name", ["sqlite", "postgresql-role"])
def test_the_second_step_stands_between_the_password_and_the_register(client: FlaskClient, other: FlaskClient) -> None:
    enter(client, AGENT)
    phone, codes = phone_of(client)
    answer = enter(other, AGENT, address="/login/?next=/mon-profil/")
    assert answer.headers["Location"] == "/login/code?next=/mon-profil/"
    assert not is_in(other)
    wrong = other.post("/login/code?next=/mon-profil/", data={"code": "000000"})
    assert wrong.status_code == 422
    assert "Ce code n’est pas le bon, ou a déjà servi." in wrong.text
    assert not is_in(other)
    answer = other.post("/login/code?next=/mon-profil/", data={"code": fresh_code(phone)})
    assert answer.headers["Location"] == "/mon-profil/"
    assert is_in(other)
    other.post("/logout/")
    enter(other, AGENT)
    page = other.post("/login/code", data={"code": codes[0]}, follow_redirects=True)
    assert "Vous avez utilisé un code de secours. Il vous en reste 9." in page.text


def test_the_second_step_alone_opens_nothing(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, other: FlaskClient
) -> None:
    assert client.post("/login/code", data={"code": "123456"}).headers["Location"].startswith("/login/")
    enter(client, AGENT)
    phone, _ = phone_of(client)
    client.post("/logout/")
    enter(client, AGENT)
    now = sign_ins.time.time()
    with monkeypatch.context() as later:
        later.setattr(sign_ins.time, "time", lambda: now + 301)
        assert client.post("/login/code", data={"code": fresh_code(phone)}).headers["Location"].startswith("/login/")
    enter(client, AGENT)
    sign_in.end_all(person_id(AGENT), "sign_in.others_ended")
    assert client.post("/login/code", data={"code": fresh_code(phone)}).headers["Location"].startswith("/login/")
    assert not is_in(client)


def test_wrong_codes_wait_on_screen_too(client: FlaskClient) -> None:
    enter(client, AGENT)
    phone_of(client)
    client.post("/logout/")
    enter(client, AGENT)
    answers = [client.post("/login/code", data={"code": "nimporte"}).status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]


def test_the_second_factor_is_managed_with_password_and_code(client: FlaskClient) -> None:
    enter(client, AGENT)
    _, codes = phone_of(client)
    where = "/mon-profil/double-authentification/"
    page = client.get(where).text
    assert "Il vous reste 10" in page
    assert 'class="secret"' not in page
    bad = client.post(f"{where}desactiver", data={"password": "pas le bon", "code": codes[0]})
    assert bad.status_code == 422
    assert "Ce n’est pas votre mot de passe actuel." in bad.text
    fresh = client.post(f"{where}codes", data={"password": PASSWORD, "code": codes[0]}).text
    assert codes[1] not in fresh
    codes = re.findall(r"<li><code>([\w-]+)</code></li>", fresh)
    page = client.post(f"{where}desactiver", data={"password": PASSWORD, "code": codes[0]}, follow_redirects=True)
    assert "La double authentification est désactivée." in page.text
    client.post("/logout/")
    assert enter(client, AGENT).headers["Location"] == "/"


def test_managers_are_told_that_it_is_not_for_them(client: FlaskClient) -> None:
    enter(client)
    assert "Double authentification" not in client.get("/mon-profil/").text
    page = client.get("/mon-profil/double-authentification/", follow_redirects=True)
    assert "proposée aux agents et aux représentants légaux" in page.text


def test_agents_who_must_have_one_reach_nothing_before(app: Flask, client: FlaskClient) -> None:
    app.config["SECOND_FACTOR_FOR_AGENTS"] = True
    enter(client, AGENT)
    for address in ("/centres/list/", "/mon-profil/", "/a-traiter/", "/comptes/list/"):
        assert client.get(address).headers["Location"] == "/mon-profil/double-authentification/"
    assert "activez-la pour continuer" in client.get("/mon-profil/double-authentification/").text
    phone_of(client)
    assert client.get("/centres/list/").status_code == 200


def test_an_agent_signed_in_already_sets_one_up_once_it_is_asked_for(app: Flask, client: FlaskClient) -> None:
    enter(client, AGENT)
    assert client.get("/centres/list/").status_code == 200
    app.config["SECOND_FACTOR_FOR_AGENTS"] = True
    for address in ("/centres/list/", "/a-traiter/", "/comptes/list/", "/centres/export.csv"):
        assert client.get(address).headers["Location"] == "/mon-profil/double-authentification/"
    assert client.post("/centres/add", data={}).headers["Location"] == "/mon-profil/double-authentification/"
    phone_of(client)
    assert client.get("/centres/list/").status_code == 200


@pytest.mark.parametrize("backend_name", ["sqlite", "postgresql-role"])
def test_an_agent_closes_opens_and_frees_accounts(app: Flask, client: FlaskClient, other: FlaskClient) -> None:
    enter(other, OWNER)
    phone_of(other, OWNER)
    enter(client, AGENT)
    row = person_id(OWNER)
    page = client.get("/comptes/list/?_flt_0_words=representant").text
    assert OWNER in page
    assert "Activée" in page
    assert "Réinitialiser la double authentification" in client.get(f"/comptes/show/{row}").text
    page = client.post(f"/comptes/{row}/double-authentification", data={"reason": ""}, follow_redirects=True)
    assert "Saisissez le motif" in page.text
    assert second_factor.is_on(row)
    page = client.post(f"/comptes/{row}/double-authentification", data={"reason": "perdu"}, follow_redirects=True)
    assert "La double authentification est réinitialisée" in page.text
    assert is_in(other)
    page = client.post(f"/comptes/{row}/fermer", data={"reason": "départ"}, follow_redirects=True)
    assert "Le compte est fermé" in page.text
    assert not is_in(other)
    page = client.post(f"/comptes/{row}/fermer", data={"reason": "départ"}, follow_redirects=True)
    assert "Ce compte est déjà fermé." in page.text
    client.post(f"/comptes/{row}/rouvrir", data={"reason": "retour"})
    assert enter(other, OWNER).status_code == 302
    own = client.get(f"/comptes/show/{person_id(AGENT)}").text
    assert "Fermer le compte" not in own


@pytest.mark.parametrize("email", [MANAGER, OWNER, "conducteur@demo.example"])
def test_accounts_are_for_agents(client: FlaskClient, email: str) -> None:
    enter(client, email)
    assert client.get("/comptes/list/").status_code == 403
    for act in ("fermer", "rouvrir", "double-authentification"):
        assert client.post(f"/comptes/{person_id(AGENT)}/{act}", data={"reason": "x"}).status_code == 403


def test_the_command_line_follows_the_password_s_rule(app: Flask) -> None:
    def run(*args: str) -> Result:
        return app.test_cli_runner().invoke(fab, args)

    who = ["--username", "neuf@demo.example", "--firstname", "Neuf", "--lastname", "Agent"]
    who += ["--email", "neuf@demo.example"]
    for weak in ("admin", "azertyuiop123456", "Neuf-Agent-2026"):
        assert "mot de passe" in run("create-admin", *who, "--password", weak).output
    assert db.session.query(Person).filter_by(username="neuf@demo.example").count() == 0
    assert run("create-admin", *who, "--password", "girafe-lampe-nuage-72").exit_code == 0
    before = db.session.query(Person).filter_by(username="neuf@demo.example").one()
    token = before.auth_token
    assert "12 caractères" in run("reset-password", "--username", before.username, "--password", "court").output
    args = ["--username", before.username, "--password", "tracteur bleu sous la pluie"]
    assert run("reset-password", *args).exit_code == 0
    db.session.refresh(before)
    assert before.auth_token != token
    assert passwords.matches(before.password, "tracteur bleu sous la pluie")


def test_the_wait_is_forgotten_after_a_good_sign_in(client: FlaskClient) -> None:
    for _ in range(4):
        enter(client, password="pas le bon")
    assert enter(client).status_code == 302
    client.post("/logout/")
    for _ in range(4):
        assert enter(client, password="pas le bon").status_code == 422
