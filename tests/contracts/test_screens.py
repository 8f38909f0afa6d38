"""« Mon centre » and the contract on screen: read, signed, downloaded; moved by agents; closed to everybody else."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import MembershipRight, ServiceContract
from app.services.contracts import acts as contract_acts
from app.services.core import clock
from tests.bases import UNDER_THE_ROLE, on_sqlite
from tests.support import centre_id, drain, person_id

BACKENDS = UNDER_THE_ROLE

SignIn = Callable[[FlaskClient, str], FlaskClient]
AGENT, REPRESENTATIVE, MANAGER = (f"{name}@demo.example" for name in ("agent", "representant", "gestionnaire"))
HOME = "/mon-centre/contrat/"


@pytest.fixture
def offer(app: Flask) -> ServiceContract:
    """Give an offer of version 2 to the demonstration centre."""
    return contract_acts.offer(centre_id(), "2", person_id(AGENT))


def fields(page: str) -> dict[str, str]:
    found = re.search(r'name="text_sha256"[^>]*value="(\w+)"', page)
    assert found
    return {"text_sha256": found[1]}


def test_read_signed_and_downloaded(client: FlaskClient, sign_in: SignIn, offer: ServiceContract) -> None:
    browser, address = sign_in(client, REPRESENTATIVE), f"{HOME}{offer.id}"
    assert "Lire et signer la version 2" in browser.get(HOME).text
    page = browser.get(address).text
    assert "Article 8. Durée et évolution" in page
    assert "25,34 € HT" in page
    assert 'value="Représentant Démo"' in page
    refused = browser.post(f"{address}/signer", data=fields(page))
    assert refused.status_code == 422
    for sentence in ("Indiquez votre nom", "Indiquez votre qualité.", "Cochez la case pour signer."):
        assert sentence in refused.text
    data = {**fields(page), "name": "Camille Roche", "quality": "Directrice", "agreed": "y"}
    done = browser.post(f"{address}/signer", data=data, follow_redirects=True)
    assert "Le contrat est signé et en vigueur." in done.text
    assert browser.get(f"{address}/contrat.pdf").status_code == 404
    drain()
    file = browser.get(f"{address}/contrat.pdf")
    assert file.data.startswith(b"%PDF")
    assert file.headers["Cache-Control"] == "no-store"
    again = browser.post(f"{address}/signer", data=data, follow_redirects=True)
    assert "a changé d’état entre-temps" in again.text


@on_sqlite
def test_a_text_that_is_not_the_one_shown_is_refused(
    client: FlaskClient, sign_in: SignIn, offer: ServiceContract
) -> None:
    data = {"text_sha256": "0" * 64, "name": "Camille Roche", "quality": "Directrice", "agreed": "y"}
    page = sign_in(client, REPRESENTATIVE).post(f"{HOME}{offer.id}/signer", data=data, follow_redirects=True).text
    assert "Relisez-le avant de le signer." in page


@on_sqlite
@pytest.mark.parametrize("email", [MANAGER, AGENT, "voisin@demo.example", "conducteur@demo.example"])
def test_others_neither_read_nor_sign(client: FlaskClient, sign_in: SignIn, offer: ServiceContract, email: str) -> None:
    browser = sign_in(client, email)
    for path in ("", str(offer.id), f"{offer.id}/contrat.pdf"):
        assert browser.get(HOME + path).status_code == 403, path
    assert browser.post(f"{HOME}{offer.id}/signer", data={"agreed": "y"}).status_code == 403


def test_another_centre_s_contract_is_not_found(client: FlaskClient, sign_in: SignIn, offer: ServiceContract) -> None:
    db.session.execute(
        update(ServiceContract).where(ServiceContract.id == offer.id).values(centre_id=centre_id("98765432400019"))
    )
    db.session.commit()
    browser = sign_in(client, REPRESENTATIVE)
    for path in (str(offer.id), f"{offer.id}/contrat.pdf", "2147483647"):
        assert browser.get(HOME + path).status_code == 404, path
    data = {"text_sha256": offer.text_sha256, "name": "A", "quality": "B", "agreed": "y"}
    assert browser.post(f"{HOME}{offer.id}/signer", data=data).status_code == 404


def test_a_contract_signed_before_screens_gets_its_pdf_on_demand(client: FlaskClient, sign_in: SignIn) -> None:
    contract = db.session.execute(select(ServiceContract).where(ServiceContract.centre_id == centre_id())).scalar_one()
    browser, address = sign_in(client, REPRESENTATIVE), f"{HOME}{contract.id}/contrat.pdf"
    assert "Préparer le PDF" in browser.get(HOME).text
    assert "Le PDF est en préparation" in browser.post(address, follow_redirects=True).text
    drain()
    assert browser.get(address).data.startswith(b"%PDF")


def test_an_agent_offers_suspends_resumes_and_ends(client: FlaskClient, sign_in: SignIn) -> None:
    agent = sign_in(client, AGENT)
    page = agent.post("/contrats/add", data={"centre_id": centre_id(), "version": "2"}, follow_redirects=True)
    assert "Le contrat est proposé" in page.text
    again = agent.post("/contrats/add", data={"centre_id": centre_id(), "version": "2"})
    assert again.status_code == 422
    assert "retirez-la avant d’en faire une autre" in again.text
    assert agent.post("/contrats/add", data={"centre_id": centre_id(), "version": "9"}).status_code == 422
    signed = db.session.execute(
        select(ServiceContract.id).where(ServiceContract.centre_id == centre_id(), ServiceContract.state == "signed")
    ).scalar_one()
    refused = agent.post(f"/contrats/{signed}/suspendre", data={"reason": ""}, follow_redirects=True)
    assert "Donnez le motif" in refused.text
    page = agent.post(f"/contrats/{signed}/suspendre", data={"reason": "Impayés"}, follow_redirects=True).text
    assert "Le contrat est suspendu" in page
    assert "Motif : Impayés" in page
    agent.post(f"/contrats/{signed}/retablir", data={"reason": "Réglé"})
    page = agent.post(f"/contrats/{signed}/terminer", data={"reason": "Cessation"}, follow_redirects=True).text
    assert "Le contrat a pris fin." in page
    assert (
        "a changé d’état"
        in agent.post(f"/contrats/{signed}/suspendre", data={"reason": "x"}, follow_redirects=True).text
    )
    assert agent.post(f"/contrats/{signed}/signer", data={"reason": "x"}).status_code == 404


@on_sqlite
@pytest.mark.parametrize("email", [REPRESENTATIVE, MANAGER, "conducteur@demo.example"])
def test_only_agents_move_a_contract(client: FlaskClient, sign_in: SignIn, email: str) -> None:
    browser = sign_in(client, email)
    for act in ("retirer", "suspendre", "retablir", "terminer"):
        assert browser.post(f"/contrats/1/{act}", data={"reason": "x"}).status_code == 403
    assert browser.get("/contrats/1/contrat.pdf").status_code == 403


def test_the_tasks_say_who_can_do_each_and_link_for_those_who_can(client: FlaskClient, sign_in: SignIn) -> None:
    page = sign_in(client, REPRESENTATIVE).get("/mon-centre/").text
    assert "En service" in page
    assert f'href="{HOME}"' in page
    page = sign_in(client.application.test_client(), MANAGER).get("/mon-centre/").text
    assert "API souscrite" in page
    assert f'href="{HOME}"' not in page
    neighbour = sign_in(client.application.test_client(), "voisin@demo.example").get("/mon-centre/").text
    assert "À faire par : <strong>Agent IN Groupe</strong>" in neighbour


def test_the_gate_and_the_list_tell_the_same_of_the_contract(client: FlaskClient, sign_in: SignIn) -> None:
    db.session.execute(update(ServiceContract).values(state="ended"))
    db.session.commit()
    browser = sign_in(client, REPRESENTATIVE)
    sentence = "IN Groupe doit d’abord le proposer au centre"
    assert sentence in browser.get("/sessions/").text
    assert sentence in browser.get("/mon-centre/").text
    assert "À compléter" in browser.get("/mon-centre/").text
    contract_acts.offer(centre_id(), "2", person_id(AGENT))
    assert "il reste à le lire et à le signer" in browser.get("/sessions/").text
    assert f'href="{HOME}"' in browser.get("/sessions/").text


def test_a_manager_with_the_api_is_led_to_it(client: FlaskClient, sign_in: SignIn) -> None:
    place = db.session.execute(select(MembershipRight)).scalars().first()
    assert place is not None
    db.session.add(MembershipRight(membership_id=place.membership_id, right="api", granted_at=clock.now()))
    db.session.commit()
    assert 'href="/mon-centre/api/"' in sign_in(client, MANAGER).get("/mon-centre/").text
