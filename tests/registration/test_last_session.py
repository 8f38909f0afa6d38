"""« Reprendre la dernière session »: the training, the end date and the order number of what was registered last by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.extensions import db
from app.models import Accreditation
from tests.registration.wizard_path import Path, on_draft
from tests.support import MARIE, PIERRE

SignIn = Callable[[FlaskClient, str], FlaskClient]


@pytest.fixture
def manager(client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    """Give the browser of a manager."""
    return sign_in(client, "gestionnaire@demo.example")


def register(manager: FlaskClient) -> None:
    path = on_draft(manager, MARIE, {**PIERRE, "order_number": "COM9", "reference": "R9"})
    path.post("verifier")
    assert path.goes_to(path.post("importer")) == "recu?nouveau=1"


def again(manager: FlaskClient) -> tuple[Path, str]:
    key, step = manager.post("/sessions/reprendre").headers["Location"].split("/")[-2:]
    return Path(manager, key), step


def test_the_last_session_is_taken_up_with_its_order_number(manager: FlaskClient) -> None:
    assert "Reprendre la dernière session" not in manager.get("/sessions/").text
    register(manager)
    page = manager.get("/sessions/").text
    assert "Reprendre la dernière session" in page
    assert "FIMO Marchandises, fin le 07/01/2022, commande COM9." in page
    path, step = again(manager)
    assert step == "conducteurs"
    page = path.get("conducteurs").text
    assert "FIMO Marchandises, fin le 07/01/2022" in page
    assert 'value="COM9"' in page
    assert 'value="R9"' in page
    assert 'value="COM9"' in path.get("coller").text
    assert path.batch.is_open


def test_a_session_of_another_day_proposes_nothing(manager: FlaskClient) -> None:
    register(manager)
    path = on_draft(manager, end_date="06/01/2022")
    assert 'value="COM9"' not in path.get("conducteurs").text


def test_a_training_no_longer_open_leads_to_step_1_and_says_why(manager: FlaskClient) -> None:
    register(manager)
    for given in db.session.query(Accreditation):
        given.withdrawn_on = given.valid_from
    db.session.commit()
    path, step = again(manager)
    assert step == "formation"
    assert "La dernière session ne peut pas être reprise." in path.get("formation").text


def test_without_any_session_it_says_so(manager: FlaskClient) -> None:
    assert manager.post("/sessions/reprendre").headers["Location"] == "/sessions/"
    assert "encore enregistré aucune session" in manager.get("/sessions/").text
