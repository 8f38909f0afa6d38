"""Pasting as its people meet it: the columns are asked in the preview, whatever is left out is told, nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.services.registration import drafts, report
from tests.registration.wizard_path import Path, on_draft
from tests.support import many

SignIn = Callable[[FlaskClient, str], FlaskClient]
ODD = "Apellido\tNombre\tNacido\tCarnet\r\nMARTIN\tJean\t01/02/1990\t850493200011\r\n"
SAID = {"colonne-0": "last_name", "colonne-1": "first_name", "colonne-2": "birth_date", "colonne-3": "permit_number"}


@pytest.fixture
def path(client: FlaskClient, sign_in: SignIn) -> Path:
    """Give a draft with its training chosen and no line, in the browser of a manager."""
    return on_draft(sign_in(client, "gestionnaire@demo.example"))


def names(path: Path) -> list[tuple[str, str]]:
    """Return last and first name of each line."""
    lines = report.page(path.batch, report.Filter(by_number=True)).lines
    return [(one.line.last_name, one.line.first_name) for one in lines]


def sent_on(page: str) -> dict[str, str]:
    """Return what the hidden fields of a page send on."""
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    return {name: value for name, value in fields if name != "csrf_token"}


def test_a_usual_header_row_never_swaps_the_names(path: Path) -> None:
    text = "Nom\tPrénom\tDate de naissance\tNuméro de permis\nMARTIN\tJean\t01/02/1990\t850493200011\n"
    form = {"order_number": "C1", "text": text}
    assert "Ajouter la ligne" in path.post("coller", form).text
    path.post("lignes/coller", form)
    assert names(path) == [("MARTIN", "Jean")]


def test_columns_in_doubt_are_asked_then_carried_to_the_end(path: Path) -> None:
    form = {"order_number": "C1", "text": ODD}
    asked = path.post("coller", form)
    assert asked.status_code == 200
    assert "Que porte chaque colonne ?" in asked.text
    assert "« Apellido », « Nombre », « Nacido », « Carnet »" in asked.text
    assert asked.text.count("<select") == 5
    assert "Par exemple : MARTIN" in asked.text
    assert re.search(r'<option selected value="birth_date">', asked.text)
    assert not re.search(r'<option selected value="(first|last)_name">', asked.text), "names are never guessed"
    preview = path.post("coller", {**form, **SAID, "premiere": "1"}).text
    assert "Aperçu des lignes collées" in preview
    kept = sent_on(preview)
    assert {name: kept[name] for name in (*SAID, "premiere")} == {**SAID, "premiere": "1"}
    assert path.goes_to(path.post("lignes/coller", {**form, **SAID, "premiere": "1"})).startswith("conducteurs")
    assert names(path) == [("MARTIN", "Jean")]


def test_columns_in_doubt_are_asked_too_where_the_preview_is_passed_over(path: Path) -> None:
    assert "Que porte chaque colonne ?" in path.post("lignes/coller", {"text": ODD, "order_number": "C1"}).text
    assert names(path) == []


@pytest.mark.parametrize("address", ["coller", "lignes/coller"])
def test_an_answer_that_is_not_complete_is_put_on_its_columns(path: Path, address: str) -> None:
    answer = {**SAID, "colonne-1": "", "colonne-3": "birth_date", "premiere": "1"}
    response = path.post(address, {"text": ODD, **answer})
    assert response.status_code == 422
    assert 'id="colonne-1-error"' in response.text
    assert "Indiquez quelle colonne porte : Prénom, N° de permis." in response.text
    assert "« Date de naissance » est déjà la colonne C." in response.text
    assert "<title>Erreur" in response.text
    assert names(path) == []


@pytest.mark.parametrize(
    "answer",
    [
        {"colonne-0": "password", "premiere": "1"}, {**SAID, "premiere": "99999"}, {**SAID, "premiere": "-1"},
        {**SAID, "premiere": "²"}, SAID, {"colonne-1": "last_name", "premiere": "1"},
    ],
)  # fmt: skip
def test_an_answer_that_means_nothing_is_asked_again(path: Path, answer: dict[str, str]) -> None:
    assert "Que porte chaque colonne ?" in path.post("coller", {"text": ODD, **answer}).text


def test_the_paste_can_be_taken_up_again_from_the_question(path: Path) -> None:
    page = path.post("coller/revoir", {"text": ODD, "order_number": "C1", **SAID}).text
    assert "Apellido" in page
    assert 'value="C1"' in page


def test_an_empty_column_is_not_asked_and_does_not_shift_the_answer(path: Path) -> None:
    text = ODD.replace("\tNombre", "\t\tNombre").replace("\tJean", "\t\tJean")
    asked = path.post("coller", {"text": text}).text
    assert asked.count("<select") == 5
    answer = {**sent_on(asked), "colonne-0": "last_name", "colonne-2": "first_name", "colonne-3": "birth_date"}
    path.post("lignes/coller", {**answer, "text": text, "colonne-4": "permit_number", "premiere": "1"})
    assert names(path) == [("MARTIN", "Jean")]


def test_columns_that_are_not_taken_are_told_in_the_preview(path: Path) -> None:
    text = "Nom\tPrénom\tDDN\tNEPH\tVille <b>\nMARTIN\tJean\t01/02/1990\t850493200011\tLyon\nTotal\t1\t\t\t\n"
    page = path.post("coller", {"text": text}).text
    assert "Colonne non reprise : « Ville &lt;b&gt; »." in page
    assert "Une ligne de total n’est pas reprise : « Total 1 »." in page
    assert "Ajouter la ligne" in page


def test_nine_columns_of_another_training_are_refused(path: Path) -> None:
    text = "R\tC\tFIMO Voyageurs\tVoyageurs\t02/10/2026\tJean\tMARTIN\t01/02/1990\t850493200009"
    for address in ("coller", "lignes/coller"):
        response = path.post(address, {"text": text})
        assert response.status_code == 422
        assert "porte une autre formation" in response.text
        assert "FIMO Voyageurs" in response.text
    assert names(path) == []


def test_headers_alone_ask_for_a_line(path: Path) -> None:
    response = path.post("coller", {"text": "Nom\tPrénom\tDate de naissance\tN° de permis"})
    assert response.status_code == 422
    assert "Collez au moins une ligne" in response.text


def test_more_rows_than_there_is_room_for_are_refused_before_the_preview(path: Path) -> None:
    drafts.add_rows(path.batch.id, many(1))
    row = "Jean\tMARTIN\t01/02/1990\t850493200011\n"
    assert path.post("coller", {"text": row * (drafts.MAX_LINES - 1)}).status_code == 200
    response = path.post("coller", {"text": row * drafts.MAX_LINES})
    assert response.status_code == 422
    assert "au plus 2000 lignes" in response.text
