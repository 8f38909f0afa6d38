"""« Mes sessions »: the choice, what is missing, drafts and last registrations, the current centre."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.extensions import db
from app.models import Batch, Membership, MembershipRight, ServiceContract, Tariff
from app.models.centre import REGISTER
from app.services.core import clock
from app.services.registration import analysis, batches
from tests.bases import on_both
from tests.support import MARIE, PIERRE, centre_id, draft, person_id, plan, registered

SignIn = Callable[[FlaskClient, str], FlaskClient]


@pytest.fixture
def manager(client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    """Give the browser of a manager who may register."""
    return sign_in(client, "gestionnaire@demo.example")


def test_the_price_sentence_is_that_of_the_reference_document(manager: FlaskClient) -> None:
    page = manager.get("/sessions/").text
    assert (
        "Chaque enregistrement pour un stagiaire vous sera facturé de 25.34€ HT pour une formation longue ou une FCO "
        "complète, ou de 5.07€ HT pour un module de FCO selon les modalités prévues dans votre contrat."
    ) in page
    assert all(mode in page for mode in ("Importer un fichier", "Manuellement", "Souscrire à l&#39;API"))


def test_the_price_sentence_follows_the_tariffs(manager: FlaskClient) -> None:
    db.session.execute(update(Tariff).where(Tariff.price_class == "fco_module").values(amount="6.10"))
    db.session.commit()
    assert "6.10€ HT pour un module de FCO" in manager.get("/sessions/").text
    db.session.execute(update(Tariff).where(Tariff.price_class == "fco_complete").values(amount="20.00"))
    db.session.commit()
    assert "25.34€ HT pour une formation longue, de 20.00€ HT pour une FCO complète" in manager.get("/sessions/").text


def test_choosing_by_hand_starts_a_draft_at_step_1(manager: FlaskClient) -> None:
    response = manager.post("/sessions/nouveau", data={"profil": "conducteur", "mode": "manuel"})
    batch = db.session.execute(select(Batch)).scalar_one()
    assert response.headers["Location"] == f"/sessions/{batch.key}/formation"
    assert (batch.centre_id, batch.created_by_id) == (centre_id(), person_id())


@pytest.mark.parametrize(("profile", "mode"), [("conducteur", "api"), ("", ""), ("x", "y")])
def test_what_has_another_door_starts_nothing(manager: FlaskClient, profile: str, mode: str) -> None:
    response = manager.post("/sessions/nouveau", data={"profil": profile, "mode": mode})
    assert response.headers["Location"].startswith("/sessions/")
    assert db.session.execute(select(Batch)).first() is None


def test_without_the_right_only_the_tasks_are_shown(client: FlaskClient, sign_in: SignIn) -> None:
    response = sign_in(client, "sansdroit@demo.example").get("/sessions/")
    assert response.status_code == 200
    assert "Droit « enregistrement de sessions » accordé" in response.text
    assert "Représentant légal" in response.text
    assert "Mode d’enregistrement" not in response.text
    assert client.post("/sessions/nouveau", data={"profil": "conducteur", "mode": "manuel"}).status_code == 403


def test_without_a_contract_nobody_registers(client: FlaskClient, sign_in: SignIn) -> None:
    db.session.execute(update(ServiceContract).values(state="suspended"))
    db.session.commit()
    page = sign_in(client, "representant@demo.example").get("/sessions/").text
    assert "Le contrat est suspendu par IN Groupe" in page
    assert "Continuer" not in page


@pytest.mark.parametrize("email", ["agent@demo.example", "conducteur@demo.example"])
def test_other_roles_have_no_sessions(client: FlaskClient, sign_in: SignIn, email: str) -> None:
    assert sign_in(client, email).get("/sessions/").status_code == 403


def test_nobody_signed_out_sees_them(client: FlaskClient) -> None:
    assert client.get("/sessions/").headers["Location"].startswith("/login/?next=")


def test_a_draft_is_taken_up_at_the_step_it_was_left(manager: FlaskClient) -> None:
    key = db.session.get_one(Batch, batch_id := draft(MARIE, PIERRE)).key
    page = manager.get("/sessions/").text
    assert "Fin le 07/01/2022, 2 conducteurs" in page
    assert f'href="/sessions/{key}/conducteurs"' in page
    analysis.check(batch_id)
    assert f'href="/sessions/{key}/controle"' in manager.get("/sessions/").text


def test_an_empty_draft_is_not_offered(manager: FlaskClient) -> None:
    manager.post("/sessions/nouveau", data={"profil": "conducteur", "mode": "manuel"})
    assert "Aucun brouillon" in manager.get("/sessions/").text


def test_what_another_centre_does_is_not_shown(client: FlaskClient, sign_in: SignIn) -> None:
    draft(MARIE)
    receipt = registered(PIERRE).receipt_number
    page = sign_in(client, "voisin@demo.example").get("/sessions/").text
    assert "Aucun brouillon" in page
    assert str(receipt) not in page


def test_the_last_registrations_lead_to_their_receipts(manager: FlaskClient) -> None:
    batch = registered(MARIE)
    page = manager.get("/sessions/").text
    assert f'href="/sessions/{batch.key}/recu"' in page
    assert str(batch.receipt_number) in page


def test_the_centre_is_switched_among_ones_own_only(manager: FlaskClient) -> None:
    neighbour = centre_id("98765432400019")
    assert manager.post("/centre-courant", data={"centre_id": neighbour}).status_code == 403
    right = MembershipRight(right=REGISTER, granted_at=clock.now())
    db.session.add(Membership(person_id=person_id(), centre_id=neighbour, role="manager", rights=[right]))
    db.session.commit()
    key = db.session.get_one(Batch, draft(MARIE)).key
    response = manager.post("/centre-courant", data={"centre_id": neighbour, "next": f"/sessions/{key}/conducteurs"})
    assert response.headers["Location"] == "/sessions/"
    assert manager.get(f"/sessions/{key}/conducteurs").status_code == 404
    response = manager.post("/centre-courant", data={"centre_id": centre_id(), "next": "https://example.org/"})
    assert "example.org" not in response.headers["Location"]
    assert manager.get(f"/sessions/{key}/conducteurs").status_code == 200


@pytest.fixture
def of_two(manager: FlaskClient) -> FlaskClient:
    """Give the browser of a manager of two centres, who works for the demonstration centre; forms bear their token."""
    right = MembershipRight(right=REGISTER, granted_at=clock.now())
    neighbour = centre_id("98765432400019")
    db.session.add(Membership(person_id=person_id(), centre_id=neighbour, role="manager", rights=[right]))
    db.session.commit()
    manager.post("/centre-courant", data={"centre_id": centre_id()})
    manager.application.config["WTF_CSRF_ENABLED"] = True
    return manager


def _start(browser: FlaskClient, page: str) -> TestResponse:
    """Send the form of a page that was drawn some time ago."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    sent = {"profil": "conducteur", "mode": "manuel", "csrf_token": token[1]}
    return browser.post("/sessions/nouveau", data=sent)


def _drafts() -> list[int]:
    return list(db.session.execute(select(Batch.centre_id).order_by(Batch.id)).scalars())


def test_a_page_of_another_tab_does_nothing_once_the_centre_is_switched(of_two: FlaskClient) -> None:
    old = of_two.get("/sessions/").text
    assert _start(of_two, old).status_code == 302
    token = re.search(r'name="csrf_token" value="([^"]+)"', old)
    assert token
    switch = {"centre_id": centre_id("98765432400019"), "csrf_token": token[1]}
    assert of_two.post("/centre-courant", data=switch).status_code == 302
    answer = _start(of_two, old)
    assert answer.status_code == 400
    assert "ou concernait un autre centre que celui choisi depuis : rien n’a été fait." in answer.text
    assert "Centre Voisin" in answer.text, "the page shows which centre is the current one"
    assert _drafts() == [centre_id()]
    assert _start(of_two, of_two.get("/sessions/").text).status_code == 302
    assert _drafts() == [centre_id(), centre_id("98765432400019")]


def test_a_page_of_a_centre_one_has_left_does_nothing_for_the_other(of_two: FlaskClient) -> None:
    old = of_two.get("/sessions/").text
    left = (Membership.person_id == person_id(), Membership.centre_id == centre_id())
    db.session.execute(update(Membership).where(*left).values(valid_to=clock.today() - timedelta(days=1)))
    db.session.commit()
    answer = _start(of_two, old)
    assert answer.status_code == 403
    assert "Vous n’intervenez plus pour le centre que cette page concernait" in answer.text
    assert _drafts() == []
    assert _start(of_two, old).status_code == 400, "neither does it when it is sent again"
    assert _start(of_two, of_two.get("/sessions/").text).status_code == 302
    assert _drafts() == [centre_id("98765432400019")]


def test_a_centre_one_has_left_is_told_on_the_next_page(of_two: FlaskClient) -> None:
    of_two.get("/sessions/")
    left = (Membership.person_id == person_id(), Membership.centre_id == centre_id())
    db.session.execute(update(Membership).where(*left).values(valid_to=clock.today() - timedelta(days=1)))
    db.session.commit()
    assert "Vous travaillez maintenant pour Centre Voisin." in of_two.get("/sessions/").text
    assert "Vous travaillez maintenant" not in of_two.get("/sessions/").text


def test_who_signs_in_next_in_the_same_browser_is_told_nothing_of_it(manager: FlaskClient, sign_in: SignIn) -> None:
    manager.get("/sessions/")
    manager.post("/logout/")
    page = sign_in(manager, "voisin@demo.example").get("/sessions/").text
    assert "Centre Voisin" in page
    assert "Vous n’intervenez plus" not in page


@on_both
@pytest.mark.usefixtures("app")
def test_the_last_registered_are_not_sorted_out_of_all_that_ever_were() -> None:
    told = plan(batches.latest(Batch.centre_id == centre_id()).limit(5))
    assert "ix_batch_centre_registered" in told, told
    assert "Sort" not in told
    assert "ORDER BY" not in told
