"""« Pour toutes les lignes », what lines say of each other while they are typed, and the price of what would be billed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.extensions import db
from app.models import Batch
from app.services.registration import analysis, drafts, report
from tests.bases import BOTH
from tests.registration.wizard_path import Path, on_draft
from tests.support import MARIE, PIERRE, many

SignIn = Callable[[FlaskClient, str], FlaskClient]
BACKENDS = BOTH


@pytest.fixture
def path(client: FlaskClient, sign_in: SignIn) -> Path:
    """Give a draft with its training chosen and no line, in the browser of a manager."""
    return on_draft(sign_in(client, "gestionnaire@demo.example"))


def lines(path: Path) -> list[report.ReportLine]:
    """Return the lines in the order in which they were added."""
    return list(report.page(path.batch, report.Filter(by_number=True)).lines)


def orders(path: Path) -> list[tuple[str, str]]:
    return [(one.line.order_number, one.line.reference) for one in lines(path)]


def without(row: dict[str, str]) -> dict[str, str]:
    return {**row, "order_number": "", "reference": ""}


def fill(path: Path, order: str, reference: str = "", **more: str) -> str:
    values = {"commun-order_number": order, "commun-reference": reference, **more}
    return path.goes_to(path.post("lignes/communs", values))


def test_lines_without_order_number_take_it_at_once_and_a_line_keeps_its_own(path: Path) -> None:
    drafts.add_rows(path.batch.id, [*map(without, many(12)), MARIE])
    assert report.counts(path.batch.id).errors == 12
    assert "Pour toutes les lignes" in path.get("conducteurs").text
    assert fill(path, "CMD-77", "R9").startswith("conducteurs")
    assert orders(path) == [("CMD-77", "R9")] * 12 + [("COM1", "REF1")]
    assert report.counts(path.batch.id).errors == 0
    assert "12 lignes complétées." in path.get("conducteurs").text


def test_a_value_written_before_is_replaced_on_demand_only(path: Path) -> None:
    drafts.add_rows(path.batch.id, [MARIE, without(PIERRE)])
    fill(path, "CMD-77")
    assert orders(path) == [("COM1", "REF1"), ("CMD-77", "")]
    fill(path, "CMD-78", **{"commun-replace": "y"})
    assert orders(path) == [("CMD-78", "REF1"), ("CMD-78", "")]


def test_nothing_to_fill_leaves_the_check_standing(path: Path) -> None:
    drafts.add_rows(path.batch.id, [MARIE])
    analysis.check(path.batch.id)
    fill(path, "CMD-77")
    assert path.batch.is_checked
    assert "Aucune ligne n’a changé" in path.get("conducteurs").text


def test_a_value_that_no_line_may_bear_is_refused_in_its_field(path: Path) -> None:
    drafts.add_rows(path.batch.id, [without(MARIE)])
    response = path.post("lignes/communs", {"commun-order_number": "C" * 51})
    assert response.status_code == 422
    assert 'id="commun-order_number-error"' in response.text
    assert "<title>Erreur : Étape 2 sur 3" in response.text
    assert orders(path) == [("", "")]


def test_an_identical_line_is_told_and_not_billed_before_any_check(path: Path) -> None:
    path.post("lignes", MARIE)
    path.post("lignes", MARIE)
    page = path.client.get(path.post("lignes", MARIE).headers["Location"]).text
    assert "Ligne 3 ajoutée : MARTIN Marie. Ligne identique à la ligne 1" in page
    assert "1 ligne, 25,34\u00a0€ HT à l’import" in page
    assert "2 lignes identiques n’y sont pas comptées." in page
    assert "50,68" not in path.get("controle").text
    path.post("verifier")
    assert "Importer 1 ligne — 25,34\u00a0€ HT" in path.get("controle").text


def test_a_driver_that_comes_again_is_refused_when_added(path: Path) -> None:
    path.post("lignes", MARIE)
    response = path.post("lignes", {**MARIE, "order_number": "COM2"})
    assert response.status_code == 422
    assert "Ce conducteur figure déjà pour cette formation à la ligne 1" in response.text
    assert len(lines(path)) == 1


def test_what_a_line_says_of_another_goes_with_it(path: Path) -> None:
    drafts.add_rows(path.batch.id, [MARIE, MARIE, {**MARIE, "order_number": "COM2"}])
    assert [[remark.code for remark in one.remarks] for one in lines(path)] == [
        [],
        ["identical_line"],
        ["duplicate_driver"],
    ]
    drafts.remove_line(path.batch.id, 1)
    first, second = lines(path)
    assert first.remarks == ()
    assert [(remark.code, remark.other_line) for remark in second.remarks] == [("duplicate_driver", 2)]
    drafts.change_line(path.batch.id, 2, PIERRE)
    assert [one.rank for one in lines(path)] == [1, 2]


def test_the_draft_and_its_check_say_the_same(path: Path) -> None:
    drafts.add_rows(path.batch.id, [MARIE, without(PIERRE), MARIE, PIERRE, *many(3)])
    drafts.fill(path.batch.id, {"order_number": "COM1", "reference": "REF1"})
    typed = [(one.line.number, one.rank, one.remarks) for one in lines(path)]
    due = report.due(path.batch.id)
    found = analysis.check(path.batch.id)
    assert typed == [(one.line.number, one.rank, one.remarks) for one in lines(path)]
    assert report.due_of(found.rows) == due == report.due(path.batch.id)
    assert db.session.get_one(Batch, path.batch.id).summary["kept"] == due.lines


def test_faulty_cells_are_fields_and_one_sending_corrects_them_all(path: Path) -> None:
    rows = [{**MARIE, "first_name": ""}, {**PIERRE, "birth_date": "31/02/1990"}, many(1)[0]]
    drafts.add_rows(path.batch.id, rows)
    for step in ("conducteurs", "controle"):
        page = path.get(step).text
        assert page.count('form="cases" id="case-') == 2
        assert "Enregistrer les corrections" in page
    typed = {"case-1-first_name": "Marie", "case-2-birth_date": "1.1.1990", "case-9-last_name": "X", "case-x-y": "Z"}
    assert path.goes_to(path.post("lignes/cases", {**typed, "retour": "controle"})) == "controle"
    page = path.get("controle").text
    assert "2 lignes corrigées." in page
    assert 'form="cases"' not in page
    assert [(one.line.first_name, one.line.birth_date) for one in lines(path)][:2] == [
        ("Marie", "12/04/1985"),
        ("Pierre", "01/01/1990"),
    ]
    assert report.counts(path.batch.id).errors == 0


def test_a_cell_that_is_still_wrong_is_kept_as_typed_and_told(path: Path) -> None:
    drafts.add_rows(path.batch.id, [{**MARIE, "permit_number": "12"}])
    path.post("lignes/cases", {"case-1-permit_number": "123"})
    page = path.get("conducteurs").text
    assert "1 ligne corrigée. 1 ligne reste en erreur." in page
    assert 'value="123"' in page
    path.post("lignes/cases", {"case-1-permit_number": "123"})
    assert "Aucune case n’a changé. 1 ligne reste en erreur." in path.get("conducteurs").text


def test_checking_takes_what_stands_typed_in_the_faulty_cells(path: Path) -> None:
    drafts.add_rows(path.batch.id, [{**MARIE, "first_name": ""}])
    assert path.goes_to(path.post("verifier", {"case-1-first_name": "Marie"})) == "controle"
    assert "Importer 1 ligne" in path.get("controle").text
