"""Revoking a document: agents only, with a reason, at once and for good."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import Document, JournalEntry
from app.models.registration import CERTIFICATE, REVOKED
from app.services.documents import drawing, revocation
from app.services.storage import store
from tests.support import MARIE, drain, person_id, registered


@pytest.fixture
def certificate(app: Flask) -> Document:
    """Give a certificate that is available."""
    registered(MARIE)
    drain()
    return db.session.execute(select(Document).where(Document.kind == CERTIFICATE)).scalar_one()


@pytest.fixture
def agent(client: FlaskClient, sign_in: Any) -> FlaskClient:
    """Give an agent's browser."""
    return sign_in(client, "agent@demo.example")


def test_an_agent_revokes_from_the_registrations_card(agent: FlaskClient, certificate: Document) -> None:
    address = f"/documents/{certificate.number}/revoquer"
    assert address in agent.get(f"/enregistrements/show/{certificate.registration_id}").text
    assert "MARTIN Marie" in agent.get(address).text
    done = agent.post(address, data={"reason": "  Inscrit   par erreur "}, follow_redirects=True)
    assert f"Le document {certificate.number} est révoqué" in done.text
    assert address not in done.text
    db.session.refresh(certificate)
    assert (certificate.state, certificate.revoked_reason) == (REVOKED, "Inscrit par erreur")
    entry = db.session.execute(select(JournalEntry).where(JournalEntry.action == "document.revoked")).scalar_one()
    assert (entry.actor_id, entry.before, entry.reason) == (
        person_id("agent@demo.example"), {"state": "available"}, "Inscrit par erreur",
    )  # fmt: skip
    answer = agent.get(f"/verifier/{certificate.number}").text
    assert "Certificat révoqué" in answer
    assert "le <strong>10/01/2022</strong> et ne vaut plus" in answer
    assert "par erreur" not in answer
    with pytest.raises(store.Missing):
        drawing.content(certificate)


def test_a_reason_is_needed_and_twice_is_refused(agent: FlaskClient, certificate: Document) -> None:
    address = f"/documents/{certificate.number}/revoquer"
    for reason in ("", "   ", "x" * 301):
        refused = agent.post(address, data={"reason": reason})
        assert refused.status_code == 422
        assert "Indiquez le motif" in refused.text
    agent.post(address, data={"reason": "Erreur"})
    again = agent.post(address, data={"reason": "Encore"}, follow_redirects=True)
    assert "déjà révoqué" in again.text
    db.session.refresh(certificate)
    assert certificate.revoked_reason == "Erreur"
    assert "Erreur" in agent.get(address).text


def test_what_is_not_drawn_yet_is_not_revoked(app: Flask) -> None:
    registered(MARIE)
    document = db.session.execute(select(Document).limit(1)).scalar_one()
    with pytest.raises(revocation.StillDrawn):
        revocation.revoke(document.id, person_id("agent@demo.example"), "Erreur")


def test_an_unknown_number_is_not_found(agent: FlaskClient) -> None:
    assert agent.get("/documents/CQ-22-00000-00000/revoquer").status_code == 404


@pytest.mark.parametrize("email", ["gestionnaire@demo.example", "conducteur@demo.example"])
def test_nobody_else_revokes(client: FlaskClient, sign_in: Any, certificate: Document, email: str) -> None:
    browser = sign_in(client, email)
    address = f"/documents/{certificate.number}/revoquer"
    assert browser.get(address).status_code == 403
    assert browser.post(address, data={"reason": "x"}).status_code == 403
