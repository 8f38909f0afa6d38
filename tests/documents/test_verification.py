"""`/verifier/`: anybody may ask what a number is worth; nobody learns who it belongs to."""

from __future__ import annotations

import time
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.extensions import db
from app.models import Document
from app.models.registration import CERTIFICATE, PURGED, RECAP, REVOKED
from app.services.documents import drawing
from app.services.documents.pages import render_certificate
from app.services.seal import sealing
from tests.bases import under_the_role
from tests.documents.test_pages import CERTIFICATE as CERTIFICATE_DATA
from tests.support import MARIE, drain, registered

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


@under_the_role
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


def send_file(client: FlaskClient, content: bytes, name: str = "certificat.pdf") -> TestResponse:
    head = f'--frontier\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + content + b"\r\n--frontier--\r\n"
    return client.post("/verifier/fichier", data=body, content_type="multipart/form-data; boundary=frontier")


@pytest.fixture
def file(number: str) -> bytes:
    """Give the sealed certificate."""
    drain()
    return drawing.content(_document(CERTIFICATE))


@under_the_role
@pytest.mark.parametrize(
    ("values", "heading"),
    [
        ({}, "Certificat valide"),
        ({"valid_from": date(2021, 1, 1), "valid_until": date(2022, 1, 9)}, "Certificat expiré"),
        ({"state": REVOKED}, "Certificat révoqué"),
        ({"state": PURGED, "path": None, "valid_from": date(2021, 1, 1), "valid_until": date(2022, 1, 9)}, "expiré"),
    ],
)
def test_our_file_is_known_and_its_state_said(
    client: FlaskClient, file: bytes, values: dict[str, object], heading: str
) -> None:
    if values:
        _set(**values)
    page = send_file(client, file)
    assert page.status_code == 200
    assert heading in page.text
    assert "celui que le registre a scellé" in page.text
    assert not [word for word in PERSONAL if word in page.text]
    assert page.headers["X-Robots-Tag"].startswith("noindex")


def test_a_changed_file_is_said_to_be_changed_and_leads_to_its_number(
    client: FlaskClient, file: bytes, number: str
) -> None:
    at = len(file) // 3
    for changed in (file + b"\n", file[:at] + bytes([file[at] ^ 1]) + file[at + 1 :]):
        page = send_file(client, changed).text
        assert "modifié après coup" in page
        assert f"/verifier/{number}" in page
        assert "authentique" not in page


def test_a_file_whose_seal_itself_is_damaged_is_not_ours_any_more(
    client: FlaskClient, file: bytes, number: str
) -> None:
    at = file.index(b"/Contents <3") + 400
    page = send_file(client, file[:at] + b"z" + file[at + 1 :]).text
    assert "Fichier sans cachet valable" in page
    assert f"/verifier/{number}" in page


def test_a_sealed_file_that_the_register_does_not_know_is_not_vouched_for(app: Flask, client: FlaskClient) -> None:
    page = send_file(client, sealing.seal(render_certificate(CERTIFICATE_DATA))).text
    assert "Cachet valable, document inconnu" in page
    assert "ne vous y fiez pas" in page


def test_what_is_no_document_of_ours_gets_its_sentence(client: FlaskClient, number: str) -> None:
    assert "Fichier sans cachet du registre" in send_file(client, render_certificate(CERTIFICATE_DATA)).text
    assert "Ce fichier n’est pas un PDF" in send_file(client, b"PK\x03\x04 a workbook").text
    assert "Ce fichier n’est pas un PDF" in send_file(client, b"").text
    assert "Choisissez le fichier PDF à vérifier." in client.post("/verifier/fichier").text
    assert client.get("/verifier/fichier").headers["Location"] == "/verifier/"


@pytest.mark.parametrize("size", [2 * 1024**2 + 1, 11 * 1024**2])
def test_a_large_file_is_refused_in_its_words(client: FlaskClient, size: int) -> None:
    page = send_file(client, b"%PDF-1.7" + bytes(size))
    assert page.status_code == 413
    assert "dépasse 2 Mo" in page.text
    assert page.headers["X-Robots-Tag"].startswith("noindex")


@pytest.mark.parametrize(
    "unit", [b"<", b"<0", b"<" + b"a" * 511, b"<" + b"a" * 512 + b">", b"<3080" + b"30" * 400 + b">"]
)
def test_a_hostile_file_costs_little(client: FlaskClient, number: str, unit: bytes) -> None:
    content = (b"%PDF-1.7 " + unit * (2 * 1024**2 // len(unit)))[: 2 * 1024**2]
    begin = time.thread_time()  # backtracking runs in one call of C: only its time shows it
    assert "Fichier sans cachet du registre" in send_file(client, content).text
    assert time.thread_time() - begin < 5


def _ask(client: FlaskClient, number: str, name: str, birth_date: str) -> TestResponse:
    return client.post(f"/verifier/{number}/titulaire", data={"holder_name": name, "birth_date": birth_date})


@pytest.mark.parametrize("name", ["MARTIN Marie", "marie martin", "Martin", "  mârtin   MARIE "])
@pytest.mark.parametrize("birth_date", ["12/04/1985", "12041985"])
def test_who_knows_the_holder_is_told_the_full_name(
    client: FlaskClient, number: str, name: str, birth_date: str
) -> None:
    page = _ask(client, number, name, birth_date)
    assert page.status_code == 200
    assert "<dt>Titulaire</dt><dd>MARTIN Marie</dd>" in page.text


@pytest.mark.parametrize(
    ("holder", "name"),
    [
        (("Wałęsa", "Lech"), "walesa"), (("YILDIZ", "Ali"), "Ali Yıldız"), (("Sørensen", "Bo Nils"), "SORENSEN Bo"),
        (("MARTIN", "Jean"), "Jean Pierre Martin"), (("EL-HADJ", "Ali"), "Elhadj Ali"), (("D'HONDT", "Jan"), "dhondt"),
        (("MCDONALD", "Ann"), "Mc Donald Ann"),
    ],
)  # fmt: skip
def test_the_holders_name_may_be_written_in_other_letters_or_pieces(
    client: FlaskClient, number: str, holder: tuple[str, str], name: str
) -> None:
    document = db.session.execute(select(Document).where(Document.number == number)).scalar_one()
    document.registration.last_name, document.registration.first_name = holder
    db.session.commit()
    assert f"<dd>{' '.join(holder)}</dd>".replace("'", "&#39;") in _ask(client, number, name, "12/04/1985").text
    assert "ne sont pas, ensemble" in _ask(client, number, f"{name}x", "12/04/1985").text


@pytest.mark.parametrize(
    ("name", "birth_date"),
    [("Marie", "12/04/1985"), ("MARTIN", "13/04/1985"), ("DUPONT", "12/04/1985"), ("MARTIN", "x"), ("-", "01/01/1900")],
)
def test_whatever_is_wrong_the_answer_is_the_same(client: FlaskClient, number: str, name: str, birth_date: str) -> None:
    page = _ask(client, number, name, birth_date)
    assert page.status_code == 200
    typed = {name, birth_date}
    said = page.text
    for word in typed:
        said = said.replace(f'value="{word}"', "")
    assert "ne sont pas, ensemble, ceux du titulaire" in said
    assert not [word for word in PERSONAL if word in said]


def test_what_is_missing_is_asked_for_and_an_unknown_number_has_no_holder(client: FlaskClient, number: str) -> None:
    page = _ask(client, number, "", "")
    assert page.status_code == 422
    assert "Saisissez le nom du titulaire." in page.text
    assert _ask(client, "CQ-22-00000-00000", "MARTIN", "12/04/1985").status_code == 404


@under_the_role
def test_guessing_soon_has_to_wait_whoever_guesses(client: FlaskClient, number: str) -> None:
    for _ in range(3):
        assert "MARTIN Marie" in _ask(client, number, "martin", "12/04/1985").text  # good tries are free
    for at in range(5):
        assert _ask(client, number, "martin", f"0{at + 1}/01/1980").status_code == 200
    for name in ("martin", "x"):
        refused = _ask(client, number, name, "12/04/1985")
        assert refused.status_code == 429
        assert "MARTIN" not in refused.text
        assert refused.headers["X-Robots-Tag"].startswith("noindex")
    assert _ask(client, _document(RECAP).number, "martin", "12/04/1985").status_code == 200


@under_the_role
def test_the_register_answers_for_six_years_even_without_the_file(app: Flask, client: FlaskClient, number: str) -> None:
    _set(state=PURGED, path=None)
    app.config["TODAY"] = date(2028, 1, 10)
    assert "Certificat expiré" in client.get(f"/verifier/{number}").text
    app.config["TODAY"] = date(2028, 1, 11)
    assert client.get(f"/verifier/{number}").status_code == 404


def test_search_engines_are_asked_to_stay_away(client: FlaskClient) -> None:
    assert "Disallow: /verifier/" in client.get("/robots.txt").text
    assert client.get("/verifier/?numero=x").headers["X-Robots-Tag"].startswith("noindex")
