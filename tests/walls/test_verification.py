"""The public verification page where PostgreSQL shows it one document only: number, holder and file are still answered."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import Document
from app.models.registration import CERTIFICATE
from app.services.core import actor
from app.services.documents import drawing
from tests.documents.test_verification import send_file
from tests.support import MARIE, PIERRE, drain, registered


@pytest.fixture
def backend_name() -> str:
    """Policies hold for the application's role."""
    return "postgresql-role"


def test_the_page_answers_for_the_document_it_is_asked_about(app: Flask, client: FlaskClient) -> None:
    registered(MARIE, PIERRE)
    drain()
    with actor.acting(actor.PROGRAM):
        query = select(Document).where(Document.kind == CERTIFICATE).order_by(Document.id).limit(1)
        document = db.session.execute(query).scalar_one()
        number, content = document.number, drawing.content(document)
    db.session.commit()
    assert "Certificat valide" in client.get(f"/verifier/{number}").text
    asked = {"holder_name": "martin", "birth_date": "12/04/1985"}
    assert "MARTIN Marie" in client.post(f"/verifier/{number}/titulaire", data=asked).text
    assert "celui que le registre a scellé" in send_file(client, content).text
    assert "modifié après coup" in send_file(client, content + b"\n").text
