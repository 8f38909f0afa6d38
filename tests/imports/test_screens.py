"""« Mes imports »: who may enter, sending a file, following it, refusals, the list, each address."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import func, select

from app.extensions import db
from app.models import Batch, BatchLine, ImportFile, JournalEntry
from app.models.batch import ANALYSING, FAILED
from app.services.imports import analysing, judging
from app.services.imports import desk as import_desk
from app.services.registration import batches
from app.validators.file import MAX_BYTES
from tests.bases import UNDER_THE_ROLE, on_sqlite
from tests.imports.importing import EMPTY, FIRST, HTMX, MANAGER, SECOND, analysed, batch_at, send, words
from tests.support import PIERRE, drain, registered

BACKENDS = UNDER_THE_ROLE


@pytest.fixture
def manager(client: FlaskClient, sign_in: Any) -> FlaskClient:
    """Give the browser of the demonstration centre's manager."""
    return sign_in(client, MANAGER)


@on_sqlite
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""), ("get", "/etat"), ("get", "/annote.xlsx"), ("get", "/lignes/2?champ=first_name"),
        ("post", "/lignes/2"), ("post", "/lignes/2/ecarter"), ("post", "/suggestion"), ("get", "/confirmation"),
        ("post", "/importer"), ("get", "/annuler"), ("post", "/annuler"), ("post", "/relancer"),
    ],
)  # fmt: skip
def test_another_centre_finds_nothing_and_nobody_without_the_right_enters(
    app: Flask, manager: FlaskClient, sign_in: Any, method: str, path: str
) -> None:
    address = analysed(manager, FIRST)
    for email, status in (("voisin@demo.example", 404), ("sansdroit@demo.example", 403)):
        other = sign_in(app.test_client(), email)
        answer = getattr(other, method)(
            address + path, **({"data": {"champ": "last_name"}} if method == "post" else {})
        )
        assert answer.status_code == status, email
    assert batch_at(address).state == "in_error"
    assert batch_at(address).version == 0


@on_sqlite
@pytest.mark.parametrize("path", ["/imports/", "/imports/modele.xlsx"])
def test_the_list_and_the_model_need_the_right(app: Flask, sign_in: Any, path: str) -> None:
    assert sign_in(app.test_client(), "sansdroit@demo.example").get(path).status_code == 403
    assert app.test_client().get(path).headers["Location"].startswith("/login/")


def test_a_batch_by_hand_is_no_import(manager: FlaskClient) -> None:
    assert manager.get(f"/imports/{registered(PIERRE).key}").status_code == 404


def test_the_model_offers_the_accredited_trainings_only(manager: FlaskClient) -> None:
    answer = manager.get("/imports/modele.xlsx")
    book = load_workbook(io.BytesIO(answer.data))
    labels = {cell.value for cell in book["Listes"]["B"]}
    assert "FIMO Marchandises" in labels
    assert "Titre Professionnel CTCR" not in labels
    assert "modele-import-formations.xlsx" in answer.headers["Content-Disposition"]


@on_sqlite
@pytest.mark.parametrize("path", ["/imports/", "/sessions/?mode=fichier"])
def test_the_box_says_what_the_reference_document_says(app: Flask, manager: FlaskClient, path: str) -> None:
    page = words(manager.get(path))
    for sentence in (
        "Veillez vous assurer que le fichier importé ne comporte pas de ligne déjà envoyée.",
        "Parcourir",
        "Télécharger un modèle de fichier",
        "Recommandations",
        "Le fichier doit rester au format XLSX ou XLS et les colonnes au format TEXTE.",
        "sans procéder à des copier/coller entre fichiers. Le cas échéant, veuillez vous assurer que le format texte",
        "Ce n’est pas un antivirus.",
    ):
        assert sentence in page
    app.config["ANTIVIRUS_URL"] = "clamd://127.0.0.1:3310"
    assert "Ce n’est pas un antivirus." not in words(manager.get(path))


def test_the_analysis_is_followed_and_ends_in_the_report(manager: FlaskClient) -> None:
    address = send(manager, FIRST).headers["Location"]
    batch = batch_at(address)
    file = db.session.get_one(ImportFile, batch.id)
    for phase, told in (
        ("antivirus", "Contrôle antivirus"), ("reading", "Lecture"), ("checking", "Contrôles : 12 000 / 50 000"),
        ("storing", "Rapport : 12 000 / 50 000"),
    ):  # fmt: skip
        file.phase, file.done, file.total = phase, *((12_000, 50_000) if phase in ("checking", "storing") else (0, 0))
        db.session.commit()
        piece = words(manager.get(address + "/etat", headers=HTMX)).replace("\xa0", " ").replace("\u202f", " ")
        assert f"{told} : en cours" in piece
    drain()
    ended = manager.get(address + "/etat", headers=HTMX)
    assert ended.headers["HX-Redirect"] == address


MARKS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"


def test_the_name_of_a_file_reads_as_it_is(manager: FlaskClient) -> None:
    address = analysed(manager, FIRST, f"session{MARKS}slx.ecivres.xlsx")
    pages = [manager.get(path).text for path in ("/imports/", address, "/sessions/")]
    assert all("sessionslx.ecivres.xlsx" in page for page in pages)
    told = manager.get(f"{address}/annote.xlsx").headers["Content-Disposition"]
    told += str(db.session.scalars(select(JournalEntry.after).where(JournalEntry.action == "import.received")).all())
    assert not set(MARKS) & set("".join(pages) + told)
    assert "%E2%80%" not in told


def test_htmx_is_led_to_the_analysis(manager: FlaskClient) -> None:
    answer = send(manager, FIRST, headers=HTMX)
    assert answer.headers["HX-Redirect"].startswith("/imports/")
    assert manager.post("/imports/", data={}).headers["Location"] == "/imports/"
    assert "Choisissez un fichier" in words(manager.get("/imports/"))


@on_sqlite
@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("sessions.csv", FIRST, "Le fichier doit être au format XLSX ou XLS"),
        ("sessions.xlsx", EMPTY, "Le fichier est endommagé"),
        ("sessions.xls", b"<html>", "Le contenu du fichier n’est pas celui d’un classeur"),
        ("sessions.xlsx", b"PK\x03\x04" + bytes(MAX_BYTES - 3), "Le fichier dépasse 10 Mo"),
    ],
)
def test_a_refused_file_is_one_sentence_and_another_may_be_sent(
    manager: FlaskClient, name: str, content: bytes, sentence: str
) -> None:
    address = analysed(manager, content, name)
    page = words(manager.get(address))
    assert page.count(sentence) == 1
    assert "Parcourir" in page
    assert sentence in words(manager.get("/imports/?etat=refuses"))
    assert manager.get(address + "/annote.xlsx").status_code == 404
    assert manager.get(address + "/lignes/1?champ=last_name").status_code == 404


@on_sqlite
def test_what_is_far_too_large_is_answered_before_it_is_read(manager: FlaskClient) -> None:
    for options in ({}, {"headers": HTMX}):
        answer = send(manager, bytes(MAX_BYTES + 70_000), **options)
        assert answer.status_code == 413
        assert "un fichier fait 10 Mo au plus" in words(answer)
    assert db.session.scalar(select(func.count()).select_from(Batch)) == 0


def test_cancelling_empties_the_report_and_is_told(manager: FlaskClient) -> None:
    address = analysed(manager, FIRST)
    assert "(6 lignes)" in words(manager.get(address + "/annuler"))
    manager.post(address + "/annuler")
    assert db.session.scalar(select(func.count()).select_from(BatchLine)) == 0
    page = words(manager.get(address, follow_redirects=True))
    assert "a été annulé" in page
    assert "Annulé" in words(manager.get("/imports/?etat=annules"))


def test_an_analysis_stopped_on_the_way_keeps_no_line(manager: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    address = send(manager, FIRST).headers["Location"]
    batch = batch_at(address)
    compare = judging.compare

    def stopped_meanwhile(*args: Any) -> Any:
        found = compare(*args)
        manager.post(address + "/annuler")
        return found

    monkeypatch.setattr(judging, "compare", stopped_meanwhile)
    analysing.analyse(batch.id)
    assert batch_at(address).state == "cancelled"
    assert db.session.scalar(select(func.count()).select_from(BatchLine)) == 0


def test_a_failed_analysis_is_restarted_once(manager: FlaskClient) -> None:
    address = send(manager, FIRST).headers["Location"]
    batches.transition(batch_at(address).id, FAILED)
    db.session.commit()
    assert "L’analyse du fichier n’a pas abouti" in words(manager.get(address))
    assert "Relancer" in words(manager.get("/imports/?etat=refuses"))
    manager.post(address + "/relancer")
    assert batch_at(address).state == ANALYSING
    assert manager.post(address + "/relancer", headers=HTMX).status_code == 409
    drain()
    assert batch_at(address).state == "in_error"


def test_the_list_shows_each_state_in_pages_of_fifty(manager: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_desk, "PAGE", 2)
    analysed(manager, FIRST, "premier.xlsx")
    ready = analysed(manager, SECOND, "second.xlsx")
    manager.post(ready + "/importer")
    analysed(manager, SECOND, "troisieme.xlsx")
    first, second = words(manager.get("/imports/")), words(manager.get("/imports/?page=2"))
    assert "troisieme.xlsx" in first
    assert "Prêt à importer" in first
    assert f"Reçu {batch_at(ready).receipt_number}" in first
    assert "premier.xlsx" in second
    assert "En erreur (5)" in second
    assert "premier.xlsx" in words(manager.get("/imports/?etat=a-corriger"))
    assert "Aucun import dans cet état" in words(manager.get("/imports/?etat=en-cours"))
    assert "premier.xlsx" in words(manager.get("/sessions/"))
