"""The preview of pasted rows is a grid: a cell is corrected in place, the order number is typed once, nothing typed is lost."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.services.registration import drafts, report
from tests.registration.wizard_path import Path, on_draft
from tests.support import MARIE

SignIn = Callable[[FlaskClient, str], FlaskClient]
ROWS = (
    "Jean\tMARTIN\t01/02/1990\t850493200011\n\tDUPONT\t01/01/1990\t82R987928\nJean\tMARTIN\t01/02/1990\t850493200011\n"
)
GRID = {"grille": "1", "text": ROWS}


@pytest.fixture
def path(client: FlaskClient, sign_in: SignIn) -> Path:
    """Give a draft with its training chosen and no line, in the browser of a manager."""
    return on_draft(sign_in(client, "gestionnaire@demo.example"))


def lines(path: Path) -> list[tuple[str, str, str]]:
    """Return order number, last name and first name of each line."""
    found = report.page(path.batch, report.Filter(by_number=True)).lines
    return [(one.line.order_number, one.line.last_name, one.line.first_name) for one in found]


def places(page: str) -> list[str]:
    """Return the places of the rows shown, in the order of the screen."""
    return re.findall(r'id="dit-(\d+)"', page)


def test_faulty_rows_come_first_each_cell_a_field(path: Path) -> None:
    page = path.post("coller", {"text": ROWS, "order_number": "C1"}).text
    assert places(page) == ["1", "2", "0"], "the error, the identical line, the rest"
    assert "<title>Erreur : Aperçu" in page
    assert '<a href="#case-1-first_name">Ligne 2 : Prénom non renseigné</a>' in page
    assert re.search(r'id="case-1-first_name"[^>]*aria-invalid="true"', page)
    assert "Ligne identique à la ligne 1" in page
    assert "1 ligne, 25,34\u00a0€ HT à l’import" in page
    assert "1 ligne en erreur et 1 ligne identique n’y sont pas comptées." in page


def test_forty_rows_without_order_number_ask_for_it_once(path: Path) -> None:
    text = "".join(f"Jean\tMARTIN\t01/02/1990\t8504932{at:05}\n" for at in range(40))
    page = path.post("coller", {"text": text}).text
    assert "N° de commande : saisissez-le une fois, 40 lignes n’en portent pas" in page
    given = {"grille": "1", "text": text, "order_number": "CMD-77"}
    assert "40 lignes, 1" in path.post("coller", given).text
    path.post("lignes/coller", given)
    assert {order for order, *_ in lines(path)} == {"CMD-77"}
    assert report.counts(path.batch.id).errors == 0


def test_a_cell_typed_over_is_judged_carried_on_and_added(path: Path) -> None:
    typed = {**GRID, "order_number": "C1", "case-1-first_name": "Pierre", "case-0-order_number": "MIEN"}
    page = path.post("coller", typed).text
    assert "Prénom non renseigné" not in page
    assert '<input type="hidden" name="case-1-first_name" value="Pierre">' in page
    assert "Ce conducteur figure déjà pour cette formation à la ligne 1" in page, (
        "another order number: no longer identical"
    )
    path.post("lignes/coller", typed)
    assert lines(path) == [("MIEN", "MARTIN", "Jean"), ("C1", "DUPONT", "Pierre"), ("C1", "MARTIN", "Jean")]


def test_what_is_typed_last_in_a_cell_counts(path: Path) -> None:
    both = {**GRID, "order_number": "C1", "case-1-first_name": ["Pier", "Pierre"]}
    path.post("lignes/coller", both)  # type: ignore[arg-type]
    assert lines(path)[1] == ("C1", "DUPONT", "Pierre")


def test_dates_typed_in_the_usual_ways_are_taken(path: Path) -> None:
    path.post("lignes/coller", {**GRID, "order_number": "C1", "case-1-birth_date": "2.1.1991"})
    assert report.page(path.batch, report.Filter(by_number=True)).lines[1].line.birth_date == "02/01/1991"


def test_rows_are_taken_out_and_put_back(path: Path) -> None:
    page = path.post("coller", {**GRID, "order_number": "C1", "retirer": "1"}).text
    assert places(page) == ["2", "0"]
    assert "1 ligne retirée" in page
    assert places(path.post("coller", {**GRID, "order_number": "C1", "retirer": "1", "retablir": "1"}).text)[0] == "1"
    path.post("lignes/coller", {**GRID, "order_number": "C1", "retirer": "1"})
    assert [last for _, last, _ in lines(path)] == ["MARTIN", "MARTIN"]


def test_all_rows_taken_out_says_so_and_keeps_the_paste(path: Path) -> None:
    response = path.post("coller", {**GRID, "retirer": ["0", "1", "2", "x", "99999"]})  # type: ignore[dict-item]
    assert response.status_code == 422
    assert "Toutes les lignes collées ont été retirées" in response.text
    assert "DUPONT" in response.text


def test_the_paste_taken_up_again_holds_what_was_typed(path: Path) -> None:
    typed = {**GRID, "order_number": "C1", "case-1-first_name": "Pierre", "retirer": "2"}
    page = path.post("coller/revoir", typed).text
    assert "\tPierre\tDUPONT\t01/01/1990\t82R987928" in page
    assert page.count("MARTIN\t") == 1
    again = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
    assert again
    assert places(path.post("coller", {"text": again[1].strip(), "order_number": "C1"}).text) == ["0", "1"]


def test_a_faulty_order_number_stands_in_its_field_and_loses_nothing(path: Path) -> None:
    wrong = {**GRID, "order_number": "C" * 51, "case-1-first_name": "Pierre"}
    for address, status in (("coller", 200), ("lignes/coller", 422)):
        response = path.post(address, wrong)
        assert response.status_code == status
        assert 'id="order_number-error"' in response.text
        assert 'value="Pierre"' in response.text
    assert lines(path) == []


def test_lines_already_in_the_draft_are_known_to_the_preview(path: Path) -> None:
    drafts.add_rows(path.batch.id, [MARIE])
    text = "\t".join([MARIE["first_name"], MARIE["last_name"], MARIE["birth_date"], MARIE["permit_number"]])
    shared = {"order_number": MARIE["order_number"], "reference": MARIE["reference"]}
    page = path.post("coller", {"text": text, **shared}).text
    assert "Ligne identique à la ligne 1" in page
    assert "Prénom, ligne 2" in page


def test_a_large_paste_shows_its_errors_first_and_carries_what_left_the_screen(path: Path) -> None:
    rows = [f"Jean\tMARTIN\t01/02/1990\t8504932{at:05}" for at in range(120)]
    rows[110] = rows[110].replace("Jean", "")
    form = {"text": "\n".join(rows), "order_number": "C1"}
    page = path.post("coller", form).text
    assert places(page)[0] == "110"
    assert len(places(page)) == 50
    assert "Les 50 premières lignes sur 120" in page
    page = path.post("coller", {**form, "grille": "1", "case-110-first_name": "Paul"}).text
    assert "110" not in places(page)
    assert '<input type="hidden" name="case-110-first_name" value="Paul">' in page
