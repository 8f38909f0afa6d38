"""The screens of the account: nothing tells who the register knows; limits, links, decisions, invitation, profile."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import AccountLink, Mail, SignUp
from app.models.outbox import MAIL_REFUSED
from app.services.accounts import activation
from app.services.accounts import opening as account_opening
from app.services.core import clock
from tests.bases import UNDER_THE_ROLE, on_sqlite
from tests.support import MARIE, PIERRE, code_of, drain, registered

BACKENDS = UNDER_THE_ROLE

SignIn = Callable[[FlaskClient, str], FlaskClient]
GOOD = "girafe-lampe-nuage-72"
FORM = {
    "last_name": "Dupont", "first_name": "Pierre", "birth_date": "01011990", "permit_number": "82r 987 928",
    "email": "Pierre@Mail.example", "password": GOOD, "consent": "y",
}  # fmt: skip
KNOWN = {
    **FORM, "last_name": "Martin", "first_name": "Marie", "birth_date": "12/04/1985", "permit_number": "850492100123",
}  # fmt: skip


def mailed_link(app: Flask) -> str:
    """Return the path of the last link that was mailed."""
    drain()
    paths = sorted((Path(app.config["DATA_DIR"]) / "mails").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    text = paths[-1].read_text().replace("=\n", "")
    found = re.search(r"(/(?:inscription|mot-de-passe)/[\w-]{43})", text)
    assert found, text
    return found[1]


def asked(app: Flask, client: FlaskClient, **changes: str) -> str:
    """Sign up on screen and return the path of the link."""
    assert client.post("/inscription/", data={**FORM, **changes}).status_code == 302
    return mailed_link(app)


def seen(client: FlaskClient, path: str, data: dict[str, str]) -> tuple[int, str, int, str]:
    """Return everything a stranger can compare: status, address, status and body of the page that follows."""
    response = client.post(path, data=data)
    following = client.get(response.headers["Location"])
    return response.status_code, response.headers["Location"], following.status_code, without_nonce(following.text)


def without_nonce(page: str) -> str:
    """Return a page without the random number that each answer gives its scripts."""
    return re.sub(r'nonce="[^"]+"', "", page)


def test_a_sign_up_says_the_same_whatever_the_register_knows(app: Flask) -> None:
    registered(PIERRE)
    told = {
        seen(app.test_client(), "/inscription/", data)
        for data in (
            {**FORM, "permit_number": "999999999"},
            FORM,
            {**FORM, "last_name": "Durand", "email": "a@mail.example"},
            {**KNOWN, "email": "b@mail.example"},
            {**KNOWN, "email": "conducteur@demo.example"},
        )
    }
    assert len(told) == 1
    [(status, _, _, body)] = told
    assert status == 302
    assert "Consultez votre messagerie" in body
    assert "Si les informations saisies permettent d’ouvrir un compte, un message vous a été envoyé." in body


def test_a_forgotten_password_says_the_same_whether_an_account_exists(app: Flask) -> None:
    told = {
        seen(app.test_client(), "/mot-de-passe/", {"email": address})
        for address in ("conducteur@demo.example", "personne@mail.example")
    }
    assert len(told) == 1


@on_sqlite
@pytest.mark.parametrize(
    ("path", "data"), [("/inscription/", KNOWN), ("/mot-de-passe/", {"email": "conducteur@demo.example"})]
)
def test_too_many_tries_for_an_address_wait(app: Flask, path: str, data: dict[str, str]) -> None:
    for _ in range(account_opening.FOR_ADDRESS.free):
        assert app.test_client().post(path, data=data).status_code == 302
    refused = app.test_client().post(path, data=data)
    assert refused.status_code == 429
    assert "Trop de demandes ont été reçues. Réessayez dans 1 minute." in refused.text
    assert 0 < int(refused.headers["Retry-After"]) <= 61
    assert app.test_client().post(path, data={**data, "email": "autre@mail.example"}).status_code == 302


@on_sqlite
def test_too_many_tries_from_one_network_address_wait(app: Flask) -> None:
    for number in range(account_opening.FROM_NETWORK.free):
        client = app.test_client()
        assert client.post("/mot-de-passe/", data={"email": f"p{number}@mail.example"}).status_code == 302
    assert app.test_client().post("/mot-de-passe/", data={"email": "p@mail.example"}).status_code == 429
    elsewhere = {"REMOTE_ADDR": "192.0.2.99"}
    other = app.test_client().post("/mot-de-passe/", data={"email": "p@mail.example"}, environ_base=elsewhere)
    assert other.status_code == 302


@on_sqlite
@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("last_name", "", "Nom non renseigné"),
        ("last_name", "11111", "Format du nom non conforme"),
        ("first_name", "Jean1", "Format du prénom non conforme"),
        ("birth_date", "30/02/1990", "Format de la date de naissance non conforme"),
        ("birth_date", "11/01/2022", "La date de naissance ne peut pas être postérieure à la date du jour"),
        ("birth_date", "01/01/1890", "Vérifiez l’année"),
        ("permit_number", "ABC", "Format du N° de permis de conduire non conforme"),
        ("email", "pierre@", "Écrivez une adresse comme prenom.nom@exemple.fr"),
        ("email", "a@b.example\r\nBcc: c@d.example", "Écrivez une adresse comme prenom.nom@exemple.fr"),
        ("password", "trop court", "Le mot de passe fait 12 caractères au moins."),
        ("password", "Pierre-Dupont-1990", "Ce mot de passe reprend votre nom"),
        ("code", "ABC", "Le code d’activation compte 8 lettres et chiffres"),
        ("code", "ACDE-FGH0", "Le code d’activation compte 8 lettres et chiffres"),
        ("consent", "", "Cochez « J’accepte l’usage de ces données"),
    ],
)
def test_what_is_wrong_is_said_on_its_field(client: FlaskClient, field: str, value: str, sentence: str) -> None:
    page = client.post("/inscription/", data={key: text for key, text in {**FORM, field: value}.items() if text})
    assert page.status_code == 422
    assert sentence in page.text
    assert f'id="{field}-error"' in page.text
    assert GOOD not in page.text
    assert db.session.query(SignUp).count() == 0


def test_the_link_asks_for_the_password_then_opens_the_space(app: Flask, client: FlaskClient) -> None:
    registered(PIERRE)
    drain()
    path = asked(app, client, code=activation.shown(code_of("82R987928")).lower())
    assert client.get(path).status_code == 200
    assert client.get(path).status_code == 200, "opening the link uses nothing up: mail boxes do it by themselves"
    wrong = client.post(path, data={"password": "pas le bon secret"})
    assert wrong.status_code == 422
    assert "Ce n’est pas le mot de passe choisi à l’inscription." in wrong.text
    done = client.post(path, data={"password": GOOD}, follow_redirects=True)
    assert done.request.path == "/mon-espace/"
    assert "Votre compte est ouvert." in done.text
    assert "FIMO Marchandises" in done.text
    again = app.test_client().get(path)
    assert again.status_code == 404
    assert "Ce lien n’est plus valable" in again.text
    fresh = app.test_client()
    assert fresh.post("/login/", data={"username": "PIERRE@mail.example", "password": GOOD}).status_code == 302


@on_sqlite
@pytest.mark.parametrize("path", ["/inscription/", "/mot-de-passe/"])
def test_a_link_made_up_or_run_out_is_told_alike(app: Flask, client: FlaskClient, path: str) -> None:
    client.post(path, data={**FORM, "email": "leroy@demo.example" if "mot" in path else FORM["email"]})
    address = mailed_link(app)
    db.session.execute(update(AccountLink).values(expires_at=clock.machine_now()))
    db.session.commit()
    data = {"password": GOOD, "again": GOOD}
    pages = [client.get(address), client.get(path + "x" * 43), client.post(address, data=data)]
    assert {page.status_code for page in pages} == {404}
    assert len({without_nonce(page.text) for page in pages}) == 1


@pytest.fixture
def waiting(app: Flask) -> int:
    """Give the id of a request for an account that waited before identities were proved."""
    registered(PIERRE)
    row = SignUp(
        email="pierre@mail.example", last_name="Durand", first_name="Pierre", birth_date=date(1990, 1, 1),
        permit_number="82R987928", password_hash="", state="waiting", created_at=clock.now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.commit()
    return row.id


def test_an_agent_accepts_or_refuses_on_the_page(app: Flask, waiting: int, sign_in: SignIn) -> None:
    row = waiting
    agent = sign_in(app.test_client(), "agent@demo.example")
    page = agent.get("/a-traiter/").text
    assert "Durand Pierre" in page
    assert "DUPONT Pierre" in page
    empty = agent.post(f"/a-traiter/comptes/{row}/refuser", data={"reason": " "}, follow_redirects=True)
    assert "Dites pourquoi cette demande est refusée" in empty.text
    done = agent.post(f"/a-traiter/comptes/{row}/accepter", follow_redirects=True)
    assert "Le compte est ouvert" in done.text
    assert "Aucune demande de compte n’attend de décision." in done.text
    late = agent.post(f"/a-traiter/comptes/{row}/refuser", data={"reason": "Trop tard"}, follow_redirects=True)
    assert "a déjà été décidée" in late.text


@on_sqlite
@pytest.mark.parametrize("person", ["", "gestionnaire@demo.example", "conducteur@demo.example"])
def test_only_agents_decide(app: Flask, waiting: int, sign_in: SignIn, person: str) -> None:
    somebody = sign_in(app.test_client(), person) if person else app.test_client()
    assert somebody.post(f"/a-traiter/comptes/{waiting}/accepter").status_code == (403 if person else 302)
    assert db.session.execute(select(SignUp.state)).scalar_one() == "waiting"


def test_a_new_password_by_mail_ends_the_other_sign_ins(app: Flask, sign_in: SignIn) -> None:
    elsewhere = sign_in(app.test_client(), "conducteur@demo.example")
    client = app.test_client()
    client.post("/mot-de-passe/", data={"email": "Conducteur@demo.example"})
    path = mailed_link(app)
    differing = client.post(path, data={"password": GOOD, "again": "autre chose"})
    assert "Les deux saisies ne sont pas identiques." in differing.text
    weak = client.post(path, data={"password": "azertyuiop12", "again": "azertyuiop12"})
    assert (weak.status_code, "trop courant" in weak.text) == (422, True)
    done = client.post(path, data={"password": GOOD, "again": GOOD}, follow_redirects=True)
    assert "Votre mot de passe est changé." in done.text
    assert elsewhere.get("/mon-espace/").status_code == 302
    assert client.post("/login/", data={"username": "conducteur@demo.example", "password": GOOD}).status_code == 302


@pytest.mark.parametrize("email", ["conducteur@demo.example", "agent@demo.example", "sansdroit@demo.example"])
def test_everybody_changes_their_own_password_knowing_the_current_one(
    app: Flask, client: FlaskClient, sign_in: SignIn, email: str
) -> None:
    elsewhere = sign_in(app.test_client(), email)
    sign_in(client, email)
    assert email in client.get("/mon-profil/").text
    new = {"password": GOOD, "again": GOOD}
    wrong = client.post("/mon-profil/", data={"current": "pas le bon", **new})
    assert (wrong.status_code, "Ce n’est pas votre mot de passe actuel." in wrong.text) == (422, True)
    done = client.post("/mon-profil/", data={"current": "volant-Ardoise-2026", **new}, follow_redirects=True)
    assert "Vos autres connexions sont fermées." in done.text
    assert client.get("/mon-profil/").status_code == 200, "this browser stays signed in"
    assert elsewhere.get("/mon-profil/").status_code == 302


def test_the_receipt_invites_a_driver_without_account(app: Flask, client: FlaskClient, sign_in: SignIn) -> None:
    path = f"/sessions/{registered(PIERRE, MARIE).key}/recu"
    sign_in(client, "gestionnaire@demo.example")
    fields = re.findall(r'name="(adresse-\d+)"', client.get(path).text)
    assert len(fields) == 1, "MARTIN Marie has an account"
    typed = {fields[0]: "pierre@mail.example"}
    done = client.post(f"{path}/inviter", data=typed, follow_redirects=True)
    assert "1 invitation est en cours d’envoi." in done.text
    assert fields[0] not in done.text, "invited today"
    twice = client.post(f"{path}/inviter", data=typed)
    assert twice.status_code == 422
    assert "Votre centre a déjà invité cette personne aujourd’hui" in twice.text
    assert db.session.query(Mail).filter_by(kind="invitation").count() == 1


@on_sqlite
@pytest.mark.parametrize("person", ["voisin@demo.example", "sansdroit@demo.example", "conducteur@demo.example"])
def test_only_who_may_register_for_the_centre_invites(client: FlaskClient, sign_in: SignIn, person: str) -> None:
    path = f"/sessions/{registered(PIERRE).key}/recu/inviter"
    answer = sign_in(client, person).post(path, data={"adresse-1": "pierre@mail.example"})
    assert answer.status_code in (403, 404)
    assert db.session.query(Mail).count() == 0


@on_sqlite
def test_the_sign_in_page_leads_to_both(client: FlaskClient) -> None:
    page = client.get("/login/").text
    assert 'href="/inscription/">Créer mon compte<' in page
    assert 'href="/mot-de-passe/">Mot de passe oublié ?<' in page


def test_a_refused_address_of_an_account_is_shown_to_agents(app: Flask, client: FlaskClient, sign_in: SignIn) -> None:
    asked(app, client)
    db.session.execute(update(Mail).values(state=MAIL_REFUSED, error="SMTP 550"))
    db.session.commit()
    page = sign_in(app.test_client(), "agent@demo.example").get("/a-traiter/").text
    assert "pierre@mail.example" in page
    assert "Message de compte" in page


@on_sqlite
def test_no_page_of_the_account_is_indexed(client: FlaskClient) -> None:
    for path in ("/inscription/", "/inscription/message", "/mot-de-passe/"):
        assert '<meta name="robots" content="noindex">' in client.get(path).text
