"""The agents' page of a registration: what became of the certificate, and only the acts that can succeed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import Registration
from tests.cards.making import sent
from tests.support import MARIE, PIERRE, drain, many, registered, statements

SignIn = Callable[[FlaskClient, str], FlaskClient]
RESEND = "Renvoyer le certificat"


@pytest.fixture
def agent(client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    return sign_in(client, "agent@demo.example")


def page_of(agent: FlaskClient, last_name: str) -> str:
    row_id = db.session.scalar(select(Registration.id).where(Registration.last_name == last_name))
    page = agent.get(f"/enregistrements/show/{row_id}")
    assert page.status_code == 200
    return page.text


def test_with_an_account_the_certificate_may_be_sent_again_and_all_is_linked(agent: FlaskClient) -> None:
    request = sent()
    page = page_of(agent, MARIE["last_name"])
    assert "<h1>MARTIN Marie</h1>" in page
    assert re.search(r"<h2 id=\"t-certificat\">Certificat CQ-\S+, valable jusqu’au ", page)
    assert RESEND in page
    for address in ("/conducteurs/show/", "/centres/show/", "/comptes/show/", "/verifier/CQ-", "/agrements/show/"):
        assert f'href="{address}' in page, address
    assert f'href="/demandes-de-carte/{request.key}' in page
    assert "conducteur@demo.example" in page
    assert "a enregistré une session" in page


def test_without_an_account_no_act_leads_to_a_refusal(agent: FlaskClient) -> None:
    registered(PIERRE)
    drain()
    page = page_of(agent, PIERRE["last_name"])
    assert RESEND not in page
    assert "Ce conducteur ne possède pas encore de compte : son centre peut l’inviter depuis le reçu." in page
    assert "Aucun courriel n’est parti" in page


def test_withheld_documents_lead_to_the_decision(agent: FlaskClient) -> None:
    registered(MARIE)
    drain()
    db.session.execute(update(Registration).values(withheld=True))
    db.session.commit()
    page = page_of(agent, MARIE["last_name"])
    assert "retenu pour contrôle du nom" in page
    assert RESEND not in page
    assert '<a class="button button--primary" href="/a-traiter/#retenus">Trancher</a>' in page


def test_a_centre_s_page_offers_only_what_can_succeed(client: FlaskClient, sign_in: SignIn) -> None:
    registered(PIERRE)
    row_id = db.session.scalar(select(Registration.id))
    page = sign_in(client, "gestionnaire@demo.example").get(f"/mes-enregistrements/show/{row_id}").text
    assert f"{RESEND}</button>" not in page
    assert "Corriger ou annuler" in page


def test_it_costs_the_same_whatever_its_rows(agent: FlaskClient) -> None:
    registered(MARIE)
    counts = []
    for _ in range(2):
        page_of(agent, MARIE["last_name"])
        with statements() as seen:
            page_of(agent, MARIE["last_name"])
        counts.append(len(seen))
        registered(*many(5))
    assert counts[0] == counts[1] < 30
