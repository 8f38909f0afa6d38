"""The receipt: what was registered, by whom, for how much, and the state of each document as it changes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.bases import UNDER_THE_ROLE
from tests.registration.wizard_path import Path, on_draft
from tests.support import MARIE, PIERRE, drain, many, registered, statements, training_id

BACKENDS = UNDER_THE_ROLE


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


SignIn = Callable[[FlaskClient, str], FlaskClient]


@pytest.fixture
def manager(client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    """Give the browser of a manager who may register."""
    return sign_in(client, "gestionnaire@demo.example")


def test_it_names_who_when_how_many_and_how_much(manager: FlaskClient) -> None:
    batch = registered(MARIE, PIERRE, {**PIERRE, "first_name": "Paul", "permit_number": "111111111"})
    page = Path(manager, batch.key).get("recu").text
    assert f"Reçu {batch.receipt_number}" in page
    assert "par Gestionnaire Démo, manuellement" in page
    assert "Enregistré le 10/01/2022 à" in page
    assert "76,02\u00a0€" in page
    assert "15,20\u00a0€" in page
    assert "COM1" in page
    assert "Votre import a été pris en compte" not in page


def test_documents_become_available_without_reloading(manager: FlaskClient) -> None:
    path = Path(manager, registered(MARIE, PIERRE).key)
    page = path.get("recu").text
    assert words(page).count("En préparation") == 2, "the group and the line of who has an account"
    assert "documents en préparation" in page, "who has none waits for it all the same"
    polled = re.search(r'hx-get="([^"]+)" hx-trigger="every 2s"', page)
    assert polled, "the page asks again while documents are pending"
    address = polled[1].replace("&amp;", "&")
    assert manager.get(address).status_code == 204, "nothing changed, nothing is drawn again"
    drain()
    fragment = manager.get(address)
    assert fragment.status_code == 200
    assert "En préparation" not in fragment.text
    assert "1 certificat envoyé · 1 attend la création d’un compte" in fragment.text
    assert "Attend un compte" in fragment.text
    assert "hx-trigger" not in fragment.text, "all is there: asking stops"


def test_a_module_gives_no_certificate(manager: FlaskClient) -> None:
    batch = registered(MARIE, training=training_id("Module FCO", "Voyageurs"))
    page = Path(manager, batch.key).get("recu").text
    assert "1 en préparation" in page
    assert "5,07\u00a0€" in page
    drain()
    page = Path(manager, batch.key).get("recu").text
    assert "1 module sans certificat" in page
    assert "récapitulatif disponible, pas de certificat pour ce module" in page


def test_it_comes_in_pages_of_50(manager: FlaskClient) -> None:
    path = Path(manager, registered(*many(60)).key)
    assert path.get("recu").text.count('data-label="Ligne"') == 50
    assert path.get("recu", page="2").text.count('data-label="Ligne"') == 10
    assert path.get("recu", page="99").status_code == 200


def test_a_draft_has_no_receipt_yet(manager: FlaskClient) -> None:
    path = on_draft(manager, MARIE)
    assert path.goes_to(path.get("recu")) == "controle"
    assert path.get("recu/etat").status_code == 404


@pytest.mark.parametrize(("email", "code"), [("voisin@demo.example", 404), ("sansdroit@demo.example", 403)])
def test_it_is_the_centres_own(client: FlaskClient, sign_in: SignIn, email: str, code: int) -> None:
    path = Path(sign_in(client, email), registered(MARIE).key)
    assert path.get("recu").status_code == code
    assert path.get("recu/etat").status_code == code


def test_all_lines_are_on_one_page_to_print(manager: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(manager, registered(*many(60)).key)
    assert "Imprimer toutes les lignes" in path.get("recu").text
    page = path.get("recu/imprimer").text
    assert page.count('data-label="Stagiaire"') == 60
    assert "1\u00a0520,40\u00a0€" in page
    assert page.count("25,34\u00a0€</td>") == 60
    monkeypatch.setattr("app.services.registration.receipts.PRINTED", 25)
    assert "partie 1 sur 3" in path.get("recu/imprimer").text
    assert path.get("recu/imprimer", page=3).text.count('data-label="Stagiaire"') == 10


def test_a_short_receipt_prints_as_it_stands(manager: FlaskClient) -> None:
    path = Path(manager, registered(MARIE).key)
    assert "Imprimer toutes les lignes" not in path.get("recu").text
    assert path.get("recu/imprimer").status_code == 200


def test_what_is_not_registered_has_nothing_to_print(manager: FlaskClient) -> None:
    key = on_draft(manager, MARIE).key
    assert manager.get(f"/sessions/{key}/recu/imprimer").headers["Location"] == f"/sessions/{key}/recu"


def test_it_is_read_in_few_statements(manager: FlaskClient) -> None:
    path = Path(manager, registered(MARIE, PIERRE).key)
    path.get("recu")  # what a process asks once in some seconds, as the message of an incident, is asked here
    with statements() as asked:
        path.get("recu")
    assert len(asked) <= 14, asked
