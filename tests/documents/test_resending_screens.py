"""« Renvoyer le certificat » on screen: from the card, by an agent or the centre itself, by nobody else."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import Mail, Registration
from tests.bases import UNDER_THE_ROLE
from tests.support import MARIE, drain, registered

BACKENDS = UNDER_THE_ROLE

AGENT, MANAGER = "agent@demo.example", "gestionnaire@demo.example"
CARDS = {AGENT: "/enregistrements/show", MANAGER: "/mes-enregistrements/show"}


@pytest.fixture
def sent(app) -> int:
    """Give a registration whose certificate was mailed once."""
    registered(MARIE)
    drain()
    return db.session.execute(select(Registration.id)).scalar_one()


def _mails() -> int:
    return db.session.scalar(select(db.func.count()).select_from(Mail).where(Mail.kind == "certificate")) or 0


@pytest.mark.parametrize(("email", "told"), [(AGENT, "conducteur@demo.example"), (MANAGER, "du compte du conducteur")])
def test_the_card_sends_it_and_says_where(client: FlaskClient, sign_in, sent: int, email: str, told: str) -> None:
    browser = sign_in(client, email)
    card = f"{CARDS[email]}/{sent}"
    assert f'action="/renvois/{sent}"' in browser.get(card).text
    page = browser.post(f"/renvois/{sent}", follow_redirects=True)
    assert page.request.path == card
    assert f"Le certificat repart à l’adresse {told}." in page.text
    assert "conducteur@demo.example" not in page.text or email == AGENT, (
        "an account's address is not the centre's to know"
    )
    assert _mails() == 2


@pytest.mark.parametrize(
    ("email", "status"),
    [("voisin@demo.example", 404), ("sansdroit@demo.example", 403), ("conducteur@demo.example", 403)],
)
def test_nobody_else_sends_it(client: FlaskClient, sign_in, sent: int, email: str, status: int) -> None:
    assert sign_in(client, email).post(f"/renvois/{sent}").status_code == status
    assert _mails() == 1


def test_a_refusal_is_one_clear_sentence(client: FlaskClient, sign_in, sent: int) -> None:
    db.session.execute(update(Registration).values(withheld=True))
    db.session.commit()
    page = sign_in(client, MANAGER).post(f"/renvois/{sent}", follow_redirects=True)
    assert "Les documents de cet enregistrement sont retenus" in page.text
    assert client.post("/renvois/99999").status_code == 404
