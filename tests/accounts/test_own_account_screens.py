"""« Mon profil » and « Mes données » on screen: a new address, a copy of one's own data."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import AccountLink, DataExport
from app.services.core import links
from tests.cards.making import HOLDER, marie
from tests.conftest import PASSWORD
from tests.support import drain

NEW = "marie.martin@mail.example"


@pytest.fixture
def driver(client: FlaskClient, sign_in) -> FlaskClient:
    """Give the browser of MARTIN Marie."""
    return sign_in(client, HOLDER)


def link() -> str:
    [found] = db.session.execute(select(AccountLink)).scalars()
    return f"/adresse/{links.token(found.kind, found.nonce)}"


def test_the_address_is_changed_from_the_profile(app: Flask, driver: FlaskClient) -> None:
    assert "/mon-profil/adresse" in driver.get("/mon-profil/").text
    answer = driver.post(
        "/mon-profil/adresse/", data={"email": NEW.upper(), "password": PASSWORD}, follow_redirects=True
    )
    assert f"Un lien part à l’adresse {NEW}." in answer.text
    stranger = app.test_client()
    page = stranger.get(link())
    assert (page.status_code, page.headers["X-Robots-Tag"]) == (200, "noindex")
    assert marie().person.email == HOLDER
    assert stranger.post(link()).headers["Location"].startswith("/login/")
    db.session.expire_all()
    assert marie().person.email == NEW
    assert stranger.get(link()).status_code == 404
    assert NEW in driver.get("/mon-profil/").text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"email": "", "password": PASSWORD}, "Saisissez votre adresse"),
        ({"email": "x", "password": PASSWORD}, "Écrivez une adresse"),
        ({"email": NEW, "password": ""}, "Saisissez votre mot de passe actuel."),
        ({"email": NEW, "password": "faux"}, "Ce n’est pas votre mot de passe actuel."),
        ({"email": HOLDER, "password": PASSWORD}, "C’est déjà votre adresse électronique."),
    ],
)
def test_what_is_wrong_is_said(driver: FlaskClient, data: dict[str, str], words: str) -> None:
    answer = driver.post("/mon-profil/adresse/", data=data)
    assert answer.status_code == 422
    assert words in answer.text


def test_guessing_the_password_waits(driver: FlaskClient) -> None:
    codes = [driver.post("/mon-profil/adresse/", data={"email": NEW, "password": "faux"}).status_code for _ in range(6)]
    assert codes == [422] * 5 + [429]


@pytest.mark.parametrize("token", ["x", "x" * 43, "%00"])
def test_a_link_that_never_was(client: FlaskClient, token: str) -> None:
    assert client.get(f"/adresse/{token}").status_code in (400, 404)
    assert client.post(f"/adresse/{token}").status_code in (400, 404)


def test_a_copy_is_asked_for_followed_and_fetched(app: Flask, driver: FlaskClient, sign_in) -> None:
    assert "/mon-espace/donnees/" in driver.get("/mon-espace/").text
    assert "Préparer ma copie" in driver.get("/mon-espace/donnees/").text
    driver.post("/mon-espace/donnees/preparer")
    page = driver.get("/mon-espace/donnees/").text
    assert "En préparation" in page
    assert 'hx-trigger="every 4s"' in page
    answer = driver.post("/mon-espace/donnees/preparer", follow_redirects=True)
    assert "déjà en préparation" in answer.text
    drain()
    export = db.session.execute(select(DataExport.id)).scalar_one()
    assert f"/mon-espace/donnees/{export}.zip" in driver.get("/mon-espace/donnees/").text
    answer = driver.get(f"/mon-espace/donnees/{export}.zip")
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert answer.data.startswith(b"PK")
    assert "no-store" in answer.headers["Cache-Control"]
    other = sign_in(app.test_client(), "leroy@demo.example")
    assert other.get(f"/mon-espace/donnees/{export}.zip").status_code == 404
    assert sign_in(app.test_client(), "agent@demo.example").get(f"/mon-espace/donnees/{export}.zip").status_code == 403
