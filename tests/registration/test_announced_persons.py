"""A confirmation counts persons that will really be registered, and lines that will really be billed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.services.imports import corrections
from app.services.registration import announced
from tests.bases import BOTH
from tests.imports.importing import analysed, batch_at, sheet
from tests.registration.test_analysis import SECOND_TABLE
from tests.registration.wizard_path import Path, on_draft
from tests.support import PIERRE, person_id, registered

BACKENDS = BOTH

JEANNE = {**PIERRE, "first_name": "Jeanne", "last_name": "ROUX", "permit_number": "870692100777"}
ONE = "1 stagiaire ne possède pas encore de compte sur la plateforme."
TWO = "2 stagiaires ne possèdent pas encore de compte sur la plateforme."


@pytest.fixture
def manager(client: FlaskClient, sign_in: Callable[..., FlaskClient]) -> FlaskClient:
    return sign_in(client, "gestionnaire@demo.example")


def confirmation(path: Path) -> str:
    path.post("verifier")
    return path.get("confirmation").text


def test_two_identical_lines_are_one_trainee(manager: FlaskClient) -> None:
    page = confirmation(on_draft(manager, PIERRE, PIERRE))
    assert ONE in page
    assert "Importer 1 ligne" in page
    assert TWO in confirmation(on_draft(manager, PIERRE, PIERRE, JEANNE))


def test_an_identical_line_is_not_billed_again(manager: FlaskClient) -> None:
    registered(PIERRE)
    page = confirmation(on_draft(manager, PIERRE, PIERRE))
    assert "1 ligne est déjà enregistrée par votre centre : elle sera facturée de nouveau." in page


def test_a_file_counts_the_same_before_and_after_a_correction(manager: FlaskClient) -> None:
    first, *others = SECOND_TABLE
    address = analysed(manager, sheet([first, *others, first]))
    batch = batch_at(address)
    before = announced.consequences(batch)
    assert "1 stagiaire" in manager.get(f"{address}/confirmation").text
    corrections.correct_cell(batch.id, 2, "reference", "REF-CORRIGEE", person_id())
    after = announced.consequences(batch_at(address))
    assert {name: after[name] for name in ("already", "without_account")} == {
        name: before[name] for name in ("already", "without_account")
    }
