"""Many numbers verified at once: states alone, one query for all, and what is wrong in the paste said."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select

from app.extensions import db
from app.models import Document
from app.models.registration import CERTIFICATE
from app.services.core import clock, numbers
from app.services.documents import lots, revocation
from app.services.documents.verification import State
from tests.bases import under_the_role
from tests.support import MARIE, PIERRE, drain, person_id, registered, statements

PERSONAL = ("MARTIN", "Marie", "M. M.", "12/04/1985", "850492100123", "FIMO", "Centre de formation")


@pytest.fixture
def certificates(app: object) -> list[str]:
    registered(MARIE, PIERRE)
    drain()
    return list(
        db.session.execute(select(Document.number).where(Document.kind == CERTIFICATE).order_by(Document.id)).scalars()
    )


@under_the_role
def test_each_state_is_told_and_nothing_personal(client: FlaskClient, certificates: list[str]) -> None:
    one, other = certificates
    document = db.session.execute(select(Document).where(Document.number == other)).scalar_one()
    revocation.revoke(document.id, person_id("agent@demo.example"), "Formation non suivie")
    pasted = f"Certificat\n{one.lower()};x\n\n{other}\nCQ-22-00000-00000\n{one}\nDupont 12\n"
    page = client.post("/verifier/lot/", data={"numeros": pasted})
    assert page.status_code == 200
    text = page.text.replace("\u00a0", " ")
    for said in (
        "3 numéros vérifiés",
        "Valide : 1",
        "Révoqué : 1",
        "Inconnu : 1",
        "Ligne 7 : « Dupont 12 »",
        "1 numéro répété",
    ):
        assert said in text, said
    assert "Ligne 1" not in text
    assert not [word for word in PERSONAL if word in text]
    book = client.post("/verifier/lot/", data={"numeros": pasted, "xlsx": "1"})
    rows = list(load_workbook(io.BytesIO(book.data)).active.values)  # type: ignore[union-attr]
    assert [row[2] for row in rows[1:]] == ["Valide", "Révoqué", "Inconnu"]
    with clock.moved(clock.now() + timedelta(days=150)):
        assert lots.answer([one], "10.0.0.9")[0].state == State.EXPIRED


def test_numbers_pasted_twice_are_told_in_the_plural(client: FlaskClient, certificates: list[str]) -> None:
    page = client.post("/verifier/lot/", data={"numeros": "\n".join(certificates * 2)})
    assert "2 numéros répétés, vérifiés une seule fois" in page.text.replace("\u00a0", " ")


def test_the_workbook_says_what_was_left_aside(client: FlaskClient, certificates: list[str]) -> None:
    sent = io.BytesIO(f"{certificates[0]}\nCQ-22-mal lu\x07\n".encode())
    book = client.post("/verifier/lot/", data={"fichier": (sent, "liste.csv"), "xlsx": "1"})
    answers, aside = load_workbook(io.BytesIO(book.data)).worksheets
    assert len(list(answers.values)) == 2
    assert [str(row[0])[:30].replace("\u00a0", " ") for row in aside.values] == ["Ligne 2 : « CQ-22-mal lu » n’e"]


def test_a_refused_file_is_marked_where_it_was_chosen(client: FlaskClient) -> None:
    _, page = send(client, b"PK\x03\x04")
    assert 'href="#fichier"' in page
    assert 'aria-describedby="fichier-error"' in page
    assert page.count('aria-invalid="true"') == 1
    page = client.post("/verifier/lot/", data={"numeros": ""}).text
    assert 'href="#numeros"' in page
    assert 'aria-describedby="numeros-hint numeros-error"' in page


def test_ten_thousand_are_one_query(client: FlaskClient, certificates: list[str]) -> None:
    many = [numbers.public_number("CQ", 2022) for _ in range(lots.MOST - 1)] + certificates[:1]
    with statements() as seen:
        found = lots.answer(many, "10.0.0.1")
    assert len([one for one in seen if "FROM document" in one]) == 1
    assert [line.state for line in found].count(State.VALID) == 1
    page = client.post("/verifier/lot/", data={"numeros": "\n".join(many)})
    assert page.status_code == 200
    assert "Les 200 premières lignes" in page.text
    too_many = client.post("/verifier/lot/", data={"numeros": "\n".join([*many, "CQ-22-00000-00000"])})
    assert too_many.status_code == 422
    assert "il y en a 10" in too_many.text


def send(client: FlaskClient, content: bytes) -> tuple[int, str]:
    data = {"fichier": (io.BytesIO(content), "liste.csv")}
    answer = client.post("/verifier/lot/", data=data, content_type="multipart/form-data")
    return answer.status_code, answer.text


def test_a_file_of_any_encoding_is_read_and_what_is_none_refused_in_words(
    client: FlaskClient, certificates: list[str]
) -> None:
    for encoding in ("utf-8-sig", "cp1252"):
        code, page = send(client, f"Numéro;État\r\n{certificates[0]};à vérifier\r\n".encode(encoding))
        assert code == 200
        assert "Valide" in page
    for content, said in (
        (b"PK\x03\x04\x00\x00", "CSV"), (b"a" * (lots.MAX_BYTES + 1), "1 Mo"), (b"", "Collez au moins un numéro"),
        (b"abc 1\n", "Ligne 1"),
    ):  # fmt: skip
        code, page = send(client, content)
        assert code == 422
        assert said in page.replace("\u00a0", " ")
    assert (
        client.post("/verifier/lot/", data={"numeros": "<script>alert(1)</script> 5"}).text.count("<script>alert") == 0
    )


def test_asking_is_slowed_down(client: FlaskClient) -> None:
    answers = [client.post("/verifier/lot/", data={"numeros": "CQ-22-00000-00000"}).status_code for _ in range(25)]
    assert answers[0] == 200
    assert answers[-1] == 429
