"""« Mes imports »: sending a file, following it, its report, its corrections, each address with its refusals."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.extensions import db
from app.models import Batch, BatchLine, ImportFile, Registration
from app.models.batch import ANALYSING, FAILED
from app.services import batches, import_desk, imports
from app.validators.file import MAX_BYTES
from app.validators.remark import HEADERS
from tests.corpus import builders
from tests.services.test_analysis import FIRST_TABLE, ORDER, REF, SECOND_TABLE
from tests.support import drain, registered, statements

MANAGER = "gestionnaire@demo.example"
HTMX = {"HX-Request": "true"}
EMPTY = b"PK\x03\x04 cut"


def sheet(table: list[tuple[Any, ...]], kind: str = "xlsx") -> bytes:
    make: Any = builders.xlsx if kind == "xlsx" else builders.xls
    return make(list(HEADERS.values()), *([REF, ORDER, *cells] for _, *cells in table))


FIRST, SECOND = sheet(FIRST_TABLE), sheet(SECOND_TABLE)


@pytest.fixture
def manager(client: FlaskClient, sign_in: Any) -> FlaskClient:
    """Give the browser of the demonstration centre's manager."""
    return sign_in(client, MANAGER)


def send(client: FlaskClient, content: bytes, name: str = "sessions.xlsx", **options: Any) -> TestResponse:
    """Post a file as a browser does; written out, since the test client leaves large parts open on disk."""
    head = f'--border\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    body = head + content + b"\r\n--border--\r\n"
    return client.post("/imports/", data=body, content_type="multipart/form-data; boundary=border", **options)


def analysed(client: FlaskClient, content: bytes, name: str = "sessions.xlsx") -> str:
    """Send a file, let the worker analyse it, return its address."""
    address = send(client, content, name).headers["Location"]
    drain()
    db.session.expire_all()
    return str(address)


def batch_at(address: str) -> Batch:
    db.session.expire_all()
    return db.session.execute(select(Batch).where(Batch.key == address.rsplit("/", 1)[1])).scalar_one()


def words(response: TestResponse) -> str:
    """Return what a page says, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.text).replace("&#39;", "'").split())


def numbers(response: TestResponse) -> list[int]:
    """Return the numbers of the lines shown, in their order."""
    return [int(number) for number in re.findall(r'data-line="(\d+)"', response.text)]


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


@pytest.mark.parametrize("path", ["/imports/", "/imports/modele.xlsx"])
def test_the_list_and_the_model_need_the_right(app: Flask, sign_in: Any, path: str) -> None:
    assert sign_in(app.test_client(), "sansdroit@demo.example").get(path).status_code == 403
    assert app.test_client().get(path).headers["Location"].startswith("/login/")


def test_a_batch_by_hand_is_no_import(manager: FlaskClient) -> None:
    from tests.support import PIERRE

    assert manager.get(f"/imports/{registered(PIERRE).key}").status_code == 404


def test_the_model_offers_the_accredited_trainings_only(manager: FlaskClient) -> None:
    answer = manager.get("/imports/modele.xlsx")
    book = load_workbook(io.BytesIO(answer.data))
    labels = {cell.value for cell in book["Listes"]["B"]}
    assert "FIMO Marchandises" in labels
    assert "Titre Professionnel CTCR" not in labels
    assert "modele-import-formations.xlsx" in answer.headers["Content-Disposition"]


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


def test_from_the_file_to_the_receipt(manager: FlaskClient) -> None:
    address = send(manager, SECOND).headers["Location"]
    waiting = words(manager.get(address))
    assert "Import des données en cours ..." in waiting
    assert "Vous pouvez quitter cette page." in waiting
    drain()
    report = words(manager.get(address))
    assert "Nombre de ligne(s) analysée(s) : 6 1 information(s) 0 erreur(s)" in report
    asked = words(manager.get(address + "/confirmation"))
    assert "Vous êtes sur le point d'importer vos sessions." in asked
    assert "les compteurs de formation seront mis à jour." in asked
    assert "Importer 6 lignes — 152,04\xa0€ HT".replace("\xa0", " ") in asked.replace("\xa0", " ")
    answer = manager.post(address + "/importer", follow_redirects=True)
    assert "Votre import a été pris en compte avec succès" in words(answer)
    assert db.session.scalar(select(func.count()).select_from(Registration)) == 6
    # Once more, by a second click or the back button: the same receipt, nothing twice.
    again = manager.post(address + "/importer")
    assert "/recu" in again.headers["Location"]
    assert manager.get(address).headers["Location"].endswith("/recu")
    assert db.session.scalar(select(func.count()).select_from(Registration)) == 6


def test_a_report_with_errors_is_not_imported(manager: FlaskClient) -> None:
    address = analysed(manager, FIRST)
    page = manager.get(address)
    assert re.search(r'<button[^>]*id="importer"[^>]*aria-disabled="true"[^>]*aria-describedby="why"', page.text)
    assert manager.get(address + "/confirmation").status_code == 302
    manager.post(address + "/importer")
    assert db.session.scalar(select(func.count()).select_from(Registration)) == 0


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


def test_htmx_is_led_to_the_analysis(manager: FlaskClient) -> None:
    answer = send(manager, FIRST, headers=HTMX)
    assert answer.headers["HX-Redirect"].startswith("/imports/")
    assert manager.post("/imports/", data={}).headers["Location"] == "/imports/"
    assert "Choisissez un fichier" in words(manager.get("/imports/"))


def test_filters_search_and_pages(manager: FlaskClient) -> None:
    address = analysed(manager, FIRST)
    everything = manager.get(address)
    assert numbers(everything) == [2, 3, 4, 5, 6, 1]
    assert 'title="Ligne 3 du classeur"' in everything.text
    for query, shown in (
        ("?gravite=erreurs", [2, 3, 4, 5, 6]), ("?gravite=informations", [1]), ("?type=category_mismatch", [3, 6]),
        ("?type=format:first_name", [5]), ("?q=raikonen", [6]), ("?q=7555755556", [3]), ("?q=ZZZ", []),
        ("?q=%25", []), ("?gravite=erreurs&q=LEROY", [2]), ("?page=99", [2, 3, 4, 5, 6, 1]), ("?page=abc&type=!", []),
    ):  # fmt: skip
        assert numbers(manager.get(address + query)) == shown, query


def test_fifty_lines_a_page_and_few_queries(manager: FlaskClient) -> None:
    one = SECOND_TABLE[0]
    names = [f"{chr(65 + at // 26)}{chr(65 + at % 26)}" for at in range(120)]
    rows = [(0, *one[1:5], name, one[6], f"A1234567{at:03}") for at, name in enumerate(names)]
    address = analysed(manager, sheet(rows))
    first = manager.get(address)
    assert numbers(first) == list(range(1, 51))
    assert numbers(manager.get(address + "?page=3")) == list(range(101, 121))
    with statements() as seen:
        manager.get(address)
    counting = [text for text in seen if "count(*)" in text and "batch_line" in text and "rank" not in text]
    assert counting == []


def test_a_cell_is_corrected_and_what_follows_is_sent_along(manager: FlaskClient) -> None:
    address = analysed(manager, FIRST)
    editor = manager.get(address + "/lignes/2?champ=first_name", headers=HTMX).text
    assert "Prénom, ligne 2" in editor
    assert "Prénom non renseigné" in editor
    answer = manager.post(
        address + "/lignes/2", data={"champ": "first_name", "valeur": "MARIE", "lignes": "2,3,4,5,6,1"}, headers=HTMX
    )
    assert numbers(answer) == [2]
    said = words(answer)
    assert "Ligne 2 corrigée." in said
    assert "4 erreur(s)" in said
    assert "4 lignes à corriger avant l’import" in said
    # A date typed in another of the usual ways is put in order before the rule reads it.
    manager.post(address + "/lignes/4", data={"champ": "end_date", "valeur": "01-01-2022"})
    assert db.session.get_one(BatchLine, (batch_at(address).id, 4)).end_date == "01/01/2022"


def test_cell_by_cell_until_the_second_table(manager: FlaskClient) -> None:
    address = analysed(manager, FIRST)
    for number, field, value in (
        (2, "first_name", "MARIE"), (3, "training_label", "Passerelle Marchandises"), (4, "end_date", "01/01/2022"),
        (5, "first_name", "JEANNE"), (6, "birth_date", "21/03/2001"), (6, "category", "Voyageurs"),
    ):  # fmt: skip
        manager.post(f"{address}/lignes/{number}", data={"champ": field, "valeur": value})
    page = manager.get(address)
    assert "Nombre de ligne(s) analysée(s) : 6 1 information(s) 0 erreur(s)" in words(page)
    assert numbers(page) == [1, 2, 3, 4, 5, 6]
    assert 'href="' + address + '/confirmation"' in page.text


@pytest.mark.parametrize(
    ("path", "data", "status"),
    [
        ("/lignes/2", {"champ": "rank", "valeur": "2"}, 404),
        ("/lignes/99", {"champ": "first_name", "valeur": "A"}, 409),
        ("/lignes/2", {"champ": "first_name", "valeur": "A" * 1001}, 409),
        ("/lignes/99/ecarter", {}, 409),
        ("/suggestion", {"label": "FCO Complète", "category": "Marchandises"}, 409),
        ("/relancer", {}, 409),
    ],
)
def test_what_cannot_be_corrected_is_answered_in_words(
    manager: FlaskClient, path: str, data: dict[str, str], status: int
) -> None:
    address = analysed(manager, FIRST)
    answer = manager.post(address + path, data=data, headers=HTMX)
    assert answer.status_code == status
    assert answer.headers["HX-Retarget"] == "#messages"
    assert batch_at(address).version == 0


def test_a_line_set_aside_and_taken_back(manager: FlaskClient) -> None:
    address = analysed(manager, FIRST)
    for number in (2, 3, 4, 5, 6):
        manager.post(f"{address}/lignes/{number}/ecarter", data={"ecarter": "1"})
    page = words(manager.get(address))
    assert "5 lignes écartées" in page
    assert "Nombre de ligne(s) analysée(s) : 1 1 information(s) 0 erreur(s)" in page
    assert numbers(manager.get(address + "?gravite=ecartees")) == [2, 3, 4, 5, 6]
    assert "Importer 1 ligne —" in words(manager.get(address + "/confirmation"))
    answer = manager.post(f"{address}/lignes/2/ecarter", data={"ecarter": "0", "lignes": "1,2"}, headers=HTMX)
    assert numbers(answer) == [2]
    assert "1 erreur(s)" in words(answer)
    for number in (1, 2):
        manager.post(f"{address}/lignes/{number}/ecarter")
    assert "Toutes les lignes sont écartées." in words(manager.get(address))


def test_a_suggestion_corrects_all_its_lines(manager: FlaskClient) -> None:
    one = SECOND_TABLE[0]
    rows = [(0, "FIMO Marchandise", *one[2:6], one[6], f"A12345678{at}") for at in range(3)]
    address = analysed(manager, sheet(rows))
    page = words(manager.get(address))
    assert "Vouliez-vous dire « FIMO Marchandises » ?" in page
    assert "Corriger 3 lignes" in page
    manager.post(address + "/suggestion", data={"label": "FIMO Marchandise", "category": "Marchandises"})
    page = words(manager.get(address))
    assert "3 lignes corrigées." in page
    assert "0 erreur(s)" in page


def test_the_annotated_file_comes_back_as_it_went(manager: FlaskClient) -> None:
    address = analysed(manager, FIRST, "Janvier & février.xlsx")
    answer = manager.get(address + "/annote.xlsx")
    rows = list(load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True))
    assert rows[0] == ("Détail", *HEADERS.values())
    assert [row[0] for row in rows[1:3]] == [
        "Ne possède pas encore de compte sur la plateforme",
        "Prénom non renseigné",
    ]
    assert "annote.xlsx" in answer.headers["Content-Disposition"]
    again = analysed(manager, answer.data, "annote.xlsx")
    assert numbers(manager.get(again)) == [2, 3, 4, 5, 6, 1]


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


def test_what_is_far_too_large_is_answered_before_it_is_read(manager: FlaskClient) -> None:
    for options in ({}, {"headers": HTMX}):
        answer = send(manager, bytes(MAX_BYTES + 70_000), **options)
        assert answer.status_code == 413
        assert "un fichier fait 10 Mo au plus" in words(answer)
    assert db.session.scalar(select(func.count()).select_from(Batch)) == 0


def test_the_same_file_again_warns_with_the_earlier_receipt_and_does_not_block(manager: FlaskClient) -> None:
    address = analysed(manager, SECOND)
    manager.post(address + "/importer")
    receipt = batch_at(address).receipt_number
    again = analysed(manager, SECOND)
    page = manager.get(again)
    assert "Ce fichier a déjà été importé" in words(page)
    assert f"reçu {receipt}" in words(page)
    assert "Déjà enregistré par votre centre le 10/01/2022 pour cette formation" in words(page)
    assert 'href="' + again + '/confirmation"' in page.text


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
    judge = imports._judge

    def stopped_meanwhile(*args: Any) -> Any:
        found = judge(*args)
        manager.post(address + "/annuler")
        return found

    monkeypatch.setattr(imports, "_judge", stopped_meanwhile)
    imports.analyse(batch.id)
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


def test_texts_of_the_file_are_never_marks(manager: FlaskClient) -> None:
    one = SECOND_TABLE[0]
    rows = [(0, "<script>alert(1)</script>", *one[2:5], '"><img src=x>', one[6], one[7])]
    address = analysed(manager, sheet(rows), "<b>x.xlsx")
    for path in ("", "/lignes/1?champ=last_name", "/lignes/1?champ=training_label"):
        page = manager.get(address + path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<b>x.xlsx" not in page
