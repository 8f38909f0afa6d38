"""`/verifier/`: anybody may ask what a number is worth; nobody learns who it belongs to."""

from __future__ import annotations

from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import Document
from app.models.registration import CERTIFICATE, RECAP, REVOKED
from tests.support import MARIE, registered

PERSONAL = ("MARTIN", "Marie", "12/04/1985", "850492100123", "Centre de formation Démo")


@pytest.fixture
def number(app) -> str:
    """Give the number of a certificate established on 10/01/2022."""
    registered(MARIE)
    return _document(CERTIFICATE).number


def _document(kind: str) -> Document:
    return db.session.execute(select(Document).where(Document.kind == kind)).scalar_one()


def _set(**values: object) -> None:
    db.session.execute(update(Document).where(Document.kind == CERTIFICATE).values(**values))
    db.session.commit()


@pytest.mark.parametrize(
    ("values", "heading"),
    [
        ({}, "Certificat valide"),
        ({"valid_from": date(2022, 1, 11)}, "Certificat pas encore valide"),
        ({"valid_from": date(2021, 1, 1), "valid_until": date(2022, 1, 9)}, "Certificat expiré"),
        ({"state": REVOKED}, "Certificat révoqué"),
    ],
)
def test_every_state_is_said_and_nothing_personal(
    client: FlaskClient, number: str, values: dict[str, object], heading: str
) -> None:
    if values:
        _set(**values)
    page = client.get(f"/verifier/{number}")
    assert page.status_code == 200
    assert heading in page.text
    assert "M. M." in page.text
    assert not [word for word in PERSONAL if word in page.text]
    assert page.headers["X-Robots-Tag"].startswith("noindex")


def test_the_last_day_still_holds(client: FlaskClient, number: str) -> None:
    _set(valid_until=date(2022, 1, 10))
    assert "Certificat valide" in client.get(f"/verifier/{number}").text


def test_a_recap_is_answered_for_too(client: FlaskClient, number: str) -> None:
    page = client.get(f"/verifier/{_document(RECAP).number}").text
    assert "Récapitulatif valide" in page
    assert "FIMO Marchandises" in page


def test_an_unknown_number_is_not_found(client: FlaskClient, number: str) -> None:
    page = client.get("/verifier/CQ-22-00000-00000")
    assert page.status_code == 404
    assert "Numéro inconnu" in page.text
    assert page.headers["X-Robots-Tag"].startswith("noindex")


def test_typed_forms_are_forgiven(client: FlaskClient, number: str) -> None:
    typed = number.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    answer = client.get("/verifier/", query_string={"numero": f"  {typed} "})
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith(f"/verifier/{number}")
    assert "Certificat valide" in client.get(f"/verifier/{number.lower().replace('-', '')}").text


@pytest.mark.parametrize("typed", ["../../etc", "a/b/c", "<script>alert(1)</script>", "é" * 3000, "%", "'; DROP"])
def test_anything_typed_gets_an_answer(client: FlaskClient, typed: str) -> None:
    answer = client.get("/verifier/", query_string={"numero": typed}, follow_redirects=True)
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text
    assert len(answer.data) < 20_000


def test_the_form_asks_for_a_number(client: FlaskClient) -> None:
    assert client.get("/verifier/").status_code == 200
    empty = client.get("/verifier/?numero=%20")
    assert empty.status_code == 422
    assert "Saisissez le numéro imprimé sur le document." in empty.text
