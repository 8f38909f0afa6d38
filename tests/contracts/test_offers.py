"""An offer to a centre that nobody represents says so and is mailed to who is named; its text is read before it is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import Mail, MemberInvitation, Membership, ServiceContract
from app.models.centre import LEGAL_REPRESENTATIVE, MANAGER
from app.services.contracts import acts as contract_acts
from app.services.core import links
from app.services.rights import invitations
from tests.bases import on_both
from tests.support import centre_id, person_id

SignIn = Callable[[FlaskClient, str], FlaskClient]
AGENT = "agent@demo.example"
NEWCOMER = invitations.Newcomer("Camille", "Roche", "girafe-lampe-nuage-72")
NOT_YET = "la proposition partira par courriel dès qu’il en aura un."


def unrepresented() -> None:
    """Leave the demonstration centre without legal representative."""
    db.session.execute(
        update(Membership)
        .where(Membership.centre_id == centre_id(), Membership.role == LEGAL_REPRESENTATIVE)
        .values(role=MANAGER)
    )
    db.session.commit()


def name(address: str, role: str = LEGAL_REPRESENTATIVE) -> None:
    """Have somebody named by an agent, who accepts with a new account."""
    invitations.invite(centre_id(), address, role, person_id(AGENT))
    nonce = db.session.execute(select(MemberInvitation.nonce).where(MemberInvitation.email == address)).scalar_one()
    invitations.accept_new(links.token("member", nonce), NEWCOMER)


def told() -> list[str]:
    query = select(Mail.recipient).where(Mail.kind == "contract").order_by(Mail.id)
    return list(db.session.execute(query).scalars())


@on_both
def test_it_is_mailed_to_who_is_named_afterwards_and_to_no_manager(app: Flask) -> None:
    unrepresented()
    contract_acts.offer(centre_id(), "2", person_id(AGENT))
    assert told() == []
    name("gestionnaire.nouvelle@exemple.fr", MANAGER)
    assert told() == []
    name("directrice@exemple.fr")
    assert told() == ["directrice@exemple.fr"]


def test_a_contract_that_is_no_longer_on_offer_is_not_mailed(app: Flask) -> None:
    unrepresented()
    contract = contract_acts.offer(centre_id(), "2", person_id(AGENT))
    contract_acts.withdraw(contract.id, person_id(AGENT), "Erreur de centre")
    name("directrice@exemple.fr")
    assert told() == []


@pytest.mark.parametrize("represented", [True, False])
def test_the_agent_reads_what_has_happened(client: FlaskClient, sign_in: SignIn, represented: bool) -> None:
    if not represented:
        unrepresented()
    browser, address = sign_in(client, AGENT), f"/contrats/add?_flt_0_centre={centre_id()}"
    assert (NOT_YET in browser.get(address).text) is not represented
    form = {"centre_id": str(centre_id()), "version": "2"}
    page = browser.post(address, data=form, follow_redirects=True).text
    assert (NOT_YET in page) is not represented
    assert ("le représentant légal du centre en est averti par courriel" in page) is represented
    contract = db.session.execute(select(ServiceContract).where(ServiceContract.state == "offered")).scalar_one()
    card = browser.get(f"/contrats/show/{contract.id}").text
    assert ("représentant légal en est averti par courriel" in card) is represented
    assert (NOT_YET in card) is not represented


def test_the_text_is_read_before_it_is_sent_and_reading_offers_nothing(client: FlaskClient, sign_in: SignIn) -> None:
    browser = sign_in(client, AGENT)
    form = {"centre_id": str(centre_id()), "version": "1", "lire": "1"}
    page = browser.post("/contrats/add", data=form).text
    assert "Texte proposé à Centre de formation Démo" in page
    assert "123 456 782 00010" in page
    nothing = browser.post("/contrats/add", data={"lire": "1"})
    assert nothing.status_code == 422
    assert "Texte proposé" not in nothing.text
    assert db.session.scalar(select(ServiceContract.id).where(ServiceContract.state == "offered")) is None
