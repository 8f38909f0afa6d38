"""The report of a file: filters, corrections in place, the annotated file, the import."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import func, select

from app.extensions import db
from app.models import BatchLine, Registration
from app.services.imports import confirmation as import_confirmation
from app.validators.remark import HEADERS
from tests.imports.importing import FIRST, HTMX, MANAGER, SECOND, analysed, batch_at, numbers, send, sheet, words
from tests.registration.test_analysis import SECOND_TABLE
from tests.support import drain, statements


@pytest.fixture
def manager(client: FlaskClient, sign_in: Any) -> FlaskClient:
    """Give the browser of the demonstration centre's manager."""
    return sign_in(client, MANAGER)


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


def test_filters_search_and_pages(manager: FlaskClient) -> None:
    address = analysed(manager, FIRST)
    everything = manager.get(address)
    assert numbers(everything) == [2, 3, 4, 5, 6, 1]
    assert "2 rang 3" in words(everything)
    for query, shown in (
        ("?gravite=erreurs", [2, 3, 4, 5, 6]), ("?gravite=informations", [1]), ("?type=category_mismatch", [3, 6]),
        ("?type=format:first_name", [5]), ("?q=raikonen", [6]), ("?q=7555755556", [3]), ("?q=ZZZ", []),
        ("?q=%25", []), ("?gravite=erreurs&q=LEROY", [2]), ("?page=99", [2, 3, 4, 5, 6, 1]), ("?page=abc&type=!", []),
        ("?type=missing", []),
    ):  # fmt: skip
        assert numbers(manager.get(address + query)) == shown, query


def test_a_kind_leads_to_as_many_lines_as_it_says(manager: FlaskClient) -> None:
    one = SECOND_TABLE[0]
    rows = [(*one[:7], permit) for permit in ("12", 298795874, 298795875)]
    address = analysed(manager, sheet(rows))
    page = manager.get(address)
    assert "1 Format du permis" in words(page)
    assert "2 Permis : colonne au format TEXTE" in words(page)
    assert "des zéros de tête ont pu être perdus" in page.text
    assert numbers(manager.get(address + "?type=format:permit_number")) == [1]
    assert numbers(manager.get(address + "?type=format:permit_number:text_column")) == [2, 3]


def test_a_report_is_searched_and_filtered_whatever_the_letters_and_signs(manager: FlaskClient) -> None:
    one = SECOND_TABLE[0]
    names = ("Yıldız", "Lefèvre", "Мartin", "L3ROY", "DUPONT")
    address = analysed(manager, sheet([(*one[:5], name, *one[6:]) for name in names]))
    page = manager.get(address)
    assert "Format du nom non conforme" in words(page)
    for query, shown in (
        ("?q=yildiz", [1]), ("?q=LEFEVRE", [2]), ("?q=lefèvre", [2]), ("?q=dupont", [5]), ("?q=dûpont", [5]),
        ("?type=format:last_name", [3, 4]),
    ):  # fmt: skip
        assert sorted(numbers(manager.get(address + query))) == shown, query
    assert "signe « М » (cyrillique)" in words(page)


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
    assert "4 lignes à corriger avant l’import : « Importer » s’active" in said
    # A date typed in another of the usual ways is put in order before the rule reads it.
    manager.post(address + "/lignes/4", data={"champ": "end_date", "valeur": "01-01-2022"})
    assert db.session.get_one(BatchLine, (batch_at(address).id, 4)).end_date == "01/01/2022"


def test_a_cell_validated_as_it_was_is_put_back_and_not_said_to_be_corrected(manager: FlaskClient) -> None:
    address = analysed(manager, FIRST)
    same = {"champ": "last_name", "valeur": "LEROY", "lignes": "2,3"}
    answer = manager.post(address + "/lignes/2", data=same, headers=HTMX)
    assert numbers(answer) == [2]
    assert "Ligne 2 inchangée." in words(answer)
    assert batch_at(address).version == 0
    manager.post(address + "/lignes/2", data={**same, "valeur": "LEROI"})
    assert batch_at(address).version == 1


def test_line_breaks_in_a_cell_are_spaces_in_its_field_and_no_obstacle_to_a_suggestion(manager: FlaskClient) -> None:
    one = SECOND_TABLE[0]
    rows = [(0, "FIMO\nMarchandise", *one[2:4], "Jean\nPierre", *one[5:7], f"A12345678{at}") for at in range(2)]
    address = analysed(manager, sheet(rows))
    assert 'value="Jean Pierre"' in manager.get(address + "/lignes/1?champ=first_name").text
    # As a browser sends it: every line break as CR LF.
    meant = {"label": "FIMO\r\nMarchandise", "category": "Marchandises"}
    manager.post(address + "/suggestion", data=meant)
    page = words(manager.get(address))
    assert "2 lignes corrigées." in page
    assert "0 erreur(s)" in page
    # Once more, by a second click: there is nothing left to correct.
    assert manager.post(address + "/suggestion", data=meant, headers=HTMX).status_code == 409


@pytest.mark.parametrize("shown", ["9" * 5000, "²,٣,-1,", "2147483648"])
def test_lines_on_screen_that_are_none_are_passed_over(manager: FlaskClient, shown: str) -> None:
    address = analysed(manager, FIRST)
    data = {"champ": "first_name", "valeur": "MARIE", "lignes": f"{shown},2"}
    assert numbers(manager.post(address + "/lignes/2", data=data, headers=HTMX)) == [2]


def test_a_correction_keeps_the_filter_of_the_page(manager: FlaskClient) -> None:
    address = analysed(manager, FIRST)
    standing = {**HTMX, "HX-Current-URL": f"http://localhost{address}?gravite=erreurs"}
    answer = manager.post(address + "/lignes/2", data={"champ": "first_name", "valeur": "MARIE"}, headers=standing)
    assert re.search(r'<a [^>]*gravite=erreurs"[^>]* aria-current="true"', answer.text)


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


@pytest.mark.parametrize("at_once", [1, 2_000])
def test_what_changed_since_its_amount_was_shown_is_not_imported(
    manager: FlaskClient, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(import_confirmation, "AT_ONCE", at_once)
    address = analysed(manager, SECOND)
    manager.post(address + "/lignes/2/ecarter")
    for headers in ({}, HTMX):
        asked = manager.get(address + "/confirmation", headers=headers).text
        assert "Importer 5 lignes" in asked
        shown = re.search(r'name="version" value="(\d+)"', asked)
        assert shown is not None
    manager.post(address + "/lignes/2/ecarter", data={"ecarter": "0"})  # by somebody else, or in another tab
    answer = manager.post(address + "/importer", data={"version": shown[1]}, follow_redirects=True)
    assert "Des lignes ont changé depuis que le montant vous a été montré." in words(answer)
    drain()
    assert db.session.scalar(select(func.count()).select_from(Registration)) == 0
    manager.post(address + "/importer", data={"version": str(batch_at(address).version)})
    drain()
    assert db.session.scalar(select(func.count()).select_from(Registration)) == 6


@pytest.mark.parametrize("number", ["2147483648", "9" * 20, "9" * 5000])
def test_a_line_that_no_base_can_number_is_not_found(manager: FlaskClient, number: str) -> None:
    address = f"{analysed(manager, FIRST)}/lignes/{number}"
    assert manager.get(address + "?champ=last_name").status_code == 404
    assert manager.post(address, data={"champ": "last_name", "valeur": "A"}).status_code == 404
    assert manager.post(address + "/ecarter").status_code == 404


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


def test_the_confirmation_names_no_order_of_a_line_set_aside(manager: FlaskClient) -> None:
    address = analysed(manager, SECOND)
    manager.post(address + "/lignes/2", data={"champ": "order_number", "valeur": "AUTRE-COMMANDE"})
    assert "commande AUTRE-COMMANDE, COM202201" in words(manager.get(address + "/confirmation"))
    manager.post(address + "/lignes/2/ecarter")
    assert "commande COM202201" in words(manager.get(address + "/confirmation"))


def test_a_suggestion_corrects_all_its_lines(manager: FlaskClient) -> None:
    one = SECOND_TABLE[0]
    rows = [(0, "FIMO Marchandise", *one[2:6], one[6], f"A12345678{at}") for at in range(3)]
    address = analysed(manager, sheet(rows))
    page = words(manager.get(address))
    assert "Vouliez-vous dire « FIMO Marchandises » ?" in page
    assert "corriger 3 lignes" in page
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


def test_texts_of_the_file_are_never_marks(manager: FlaskClient) -> None:
    one = SECOND_TABLE[0]
    rows = [(0, "<script>alert(1)</script>", *one[2:5], '"><img src=x>', one[6], one[7])]
    address = analysed(manager, sheet(rows), "<b>x.xlsx")
    for path in ("", "/lignes/1?champ=last_name", "/lignes/1?champ=training_label"):
        page = manager.get(address + path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<b>x.xlsx" not in page


def test_a_large_file_is_registered_by_a_job_that_can_be_followed(
    manager: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_confirmation, "AT_ONCE", 1)
    address = analysed(manager, SECOND)
    page = manager.post(address + "/importer", follow_redirects=True)
    assert "Enregistrement en cours" in words(page)
    assert "Vous pouvez quitter cette page" in words(page)
    assert "Enregistrement de 6 lignes" in words(manager.get(address + "/etat", headers=HTMX)).replace("\xa0", " ")
    assert "Suivre l’enregistrement" in words(manager.get("/imports/?etat=en-cours"))
    drain()
    ended = manager.get(address + "/etat", headers=HTMX).headers["HX-Redirect"]
    assert "Votre import a été pris en compte avec succès" in words(manager.get(ended))
