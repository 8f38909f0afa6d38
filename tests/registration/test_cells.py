"""A cell of steps 2 and 3 that becomes a field where it stands: what is kept, what is drawn anew; without scripts too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.services.registration import analysis, drafts, report
from tests.registration.wizard_path import HTMX, Path, on_draft
from tests.support import MARIE, PIERRE

SignIn = Callable[[FlaskClient, str], FlaskClient]


@pytest.fixture
def path(client: FlaskClient, sign_in: SignIn) -> Path:
    """Give a draft of two drivers in the browser of a manager."""
    return on_draft(sign_in(client, "gestionnaire@demo.example"), MARIE, PIERRE)


def put(path: Path, number: int, field: str, value: str, **more: str) -> str:
    """Send a cell as the script does, and return what is drawn anew."""
    data = {"champ": field, "valeur": value, "lignes": "1,2", **more}
    return path.post(f"lignes/{number}/case", data, htmx=True).text


def kept(path: Path, number: int, field: str) -> str:
    line = report.line(path.batch, number)
    assert line is not None
    return str(getattr(line.line, field))


def test_every_sound_cell_leads_to_its_field(path: Path) -> None:
    for step in ("conducteurs", "controle"):
        assert path.get(step).text.count("data-cell=") == 12
    field = path.client.get(f"/sessions/{path.key}/lignes/2/case?champ=first_name", headers=HTMX).text
    assert 'data-editing="first_name"' in field
    assert 'value="Pierre"' in field


def test_without_scripts_a_cell_leads_to_the_form_of_its_line(path: Path) -> None:
    where = path.goes_to(path.get("lignes/2/case", champ="first_name", page="1", retour="controle"))
    assert where == "conducteurs?ligne=2&page=1&retour=controle#first_name"
    assert 'value="Pierre"' in path.get("conducteurs", ligne="2").text


def test_a_value_is_kept_judged_and_drawn_with_the_price(path: Path) -> None:
    drawn = put(path, 2, "birth_date", "2.1.1990")
    assert kept(path, 2, "birth_date") == "02/01/1990"
    assert 'id="ligne-2"' in drawn
    assert 'id="ligne-1"' not in drawn, "that line has not changed"
    assert "Ligne 2 corrigée." in drawn
    assert "2 lignes, 50,68\u00a0€ HT à l’import" in drawn


def test_a_value_in_error_stays_marked_and_is_not_billed(path: Path) -> None:
    drawn = put(path, 2, "permit_number", "12")
    assert 'id="case-2-permit_number"' in drawn
    assert 'value="12"' in drawn
    assert "1 ligne, 25,34\u00a0€ HT à l’import" in drawn
    assert "Enregistrer les corrections" in drawn


def test_a_line_that_became_a_double_is_told_at_once(path: Path) -> None:
    for field in ("first_name", "last_name", "birth_date"):
        put(path, 2, field, MARIE[field])
    drawn = put(path, 2, "permit_number", MARIE["permit_number"])
    assert "Ligne identique à la ligne 1" in drawn
    drawn = put(path, 1, "first_name", "Anne")
    assert 'id="ligne-2"' in drawn, "what line 2 says of line 1 has changed"


def test_a_change_on_step_3_closes_the_import_until_it_is_checked_again(path: Path) -> None:
    analysis.check(path.batch.id)
    assert "Importer 2 lignes" in path.get("controle").text
    drawn = put(path, 1, "first_name", "Maria", retour="controle")
    assert "Des lignes ont changé depuis la dernière vérification" in drawn
    assert 'id="bar"' in drawn
    assert "Importer 2 lignes" not in drawn
    path.post("verifier")
    assert "Importer 2 lignes" in path.get("controle").text


def test_the_value_that_stands_there_changes_nothing(path: Path) -> None:
    analysis.check(path.batch.id)
    drawn = put(path, 1, "first_name", MARIE["first_name"], retour="controle")
    assert "Ligne 1 inchangée." in drawn
    assert 'id="bar"' not in drawn
    assert path.batch.is_checked


def test_a_line_without_order_number_adds_none_to_what_is_told_of_the_order(path: Path) -> None:
    put(path, 1, "order_number", "")
    assert report.order_numbers(path.batch.id) == ["COM1"]


def test_checking_takes_a_field_that_was_left_open(path: Path) -> None:
    path.post("verifier", {"case-2-first_name": "Paul"})
    assert kept(path, 2, "first_name") == "Paul"


def test_a_line_removed_meanwhile_and_an_unknown_column_are_told(path: Path) -> None:
    drafts.remove_line(path.batch.id, 2)
    answer = path.post("lignes/2/case", {"champ": "first_name", "valeur": "X"}, htmx=True)
    assert answer.status_code == 404
    assert "Cette ligne a été supprimée entre-temps." in answer.text
    assert path.get("lignes/1/case", champ="end_date").status_code == 404
