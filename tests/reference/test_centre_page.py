"""The agents' page of a centre: from an empty one to « en service », one next step at a time, each for this centre."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import Accreditation, Centre, MemberInvitation, ServiceContract, Training
from app.services.contracts import acts as contract_acts
from app.services.core import links
from app.services.reference import writing as reference_writing
from app.services.rights import checklist, invitations
from tests.support import MARIE, centre_id, many, person_id, registered, statements

SignIn = Callable[[FlaskClient, str], FlaskClient]
AGENT = "agent@demo.example"
NEW = {"name": "Auto-École Ponant", "siret": "73282932000074", "address": "8 rue du Quai, 29200 Brest"}
NEWCOMER = invitations.Newcomer("Camille", "Roche", "girafe-lampe-nuage-72")


@pytest.fixture
def agent(client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    return sign_in(client, AGENT)


def step(page: str) -> tuple[str, str]:
    """Return the title of the next step, and where its button leads."""
    title = re.search(r'<h2 id="t-service">([^<]*)</h2>', page)
    assert title
    button = re.search(r'<a class="button button--primary" href="([^"]*)">', page)
    return title[1], button[1] if button else ""


def test_from_a_new_centre_to_one_that_registers(agent: FlaskClient) -> None:
    added = agent.post("/centres/add", data=NEW)
    new = db.session.execute(select(Centre.id).where(Centre.siret == NEW["siret"])).scalar_one()
    home = f"/centres/show/{new}"
    assert added.headers["Location"] == home, "saving lands on the page"
    page = agent.get(home).text
    assert "<h1>Auto-École Ponant</h1>" in page
    assert "<title>Auto-École Ponant – Centre – Registre CQC</title>" in page
    assert step(page) == ("Inviter le représentant légal", f"/centres/{new}/personnes/#inviter")
    assert f'href="/agrements/add?_flt_0_centre={new}"' in page, "« Ajouter » keeps the centre"
    people = agent.get(f"/centres/{new}/personnes/").text
    assert re.search(r'<option[^>]*selected[^>]*value="legal_representative"', people) or re.search(
        r'value="legal_representative"[^>]*selected', people
    )
    sent = agent.post(
        f"/centres/{new}/personnes/inviter", data={"email": "dir@ponant.example", "role": "legal_representative"}
    )
    assert sent.headers["Location"] == home
    assert step(agent.get(home).text)[0] == "Proposer le contrat"
    offered = agent.post(f"/contrats/add?_flt_0_centre={new}", data={"centre_id": str(new), "version": "2"})
    assert offered.headers["Location"] == home
    page = agent.get(home).text
    assert step(page) == ("Ajouter un agrément", f"/agrements/add?_flt_0_centre={new}")
    assert "la proposition partira par courriel dès qu’il en aura un." in page
    training = db.session.scalar(select(Training.id).limit(1))
    form = {"centre_id": str(new), "authority": "Préfet", "number": "FI-29", "trainings": training}
    done = agent.post("/agrements/add", data={**form, "valid_from": "01/01/2022"})
    assert done.headers["Location"] == home
    assert step(agent.get(home).text) == ("Le représentant légal est invité", ""), (
        "nothing to press: it is another's turn"
    )
    nonce = db.session.execute(select(MemberInvitation.nonce)).scalar_one()
    director = invitations.accept_new(links.token("member", nonce), NEWCOMER)
    assert step(agent.get(home).text)[0] == "Le contrat est proposé"
    contract = db.session.execute(select(ServiceContract).where(ServiceContract.centre_id == new)).scalar_one()
    signature = contract_acts.Signature("Camille Roche", "Directrice", contract.text_sha256)
    contract_acts.sign(contract.id, new, director.id, signature)
    page = agent.get(home).text
    assert "En service" in page
    assert "Camille Roche</strong> a signé" in page


def test_the_list_shows_and_filters_the_state(agent: FlaskClient) -> None:
    reference_writing.save(Centre(), {**NEW, "is_public": False, "email": "", "chorus_service": ""}, person_id(AGENT))
    both = agent.get("/centres/list/").text
    assert "Sans représentant légal" in both
    for state, words in checklist.STATES.items():
        page = agent.get(f"/centres/list/?_flt_0_opening={state}").text
        rows = page[page.index("<tbody") :] if "<tbody" in page else ""
        assert ("Ponant" in rows) is (words == "Sans représentant légal"), state
        assert ("Centre de formation Démo" in rows) is (state == "open"), state
    assert agent.get("/centres/list/?_flt_0_opening=autre").status_code == 422
    assert "En service" in agent.get("/centres/export.csv").text


def test_a_suspended_contract_is_the_next_step(agent: FlaskClient) -> None:
    contract = db.session.execute(select(ServiceContract).where(ServiceContract.centre_id == centre_id())).scalar_one()
    contract_acts.suspend(contract.id, person_id(AGENT), "Impayé")
    page = agent.get(f"/centres/show/{centre_id()}").text
    assert step(page) == ("Rétablir le contrat", f"/contrats/show/{contract.id}")
    assert "Motif : Impayé" in page


def test_what_expires_comes_next_once_in_service(agent: FlaskClient) -> None:
    one = db.session.execute(select(Accreditation).where(Accreditation.centre_id == centre_id())).scalars().first()
    assert one is not None
    db.session.execute(update(Accreditation).where(Accreditation.id == one.id).values(valid_to=date(2022, 1, 30)))
    db.session.commit()
    title, href = step(agent.get(f"/centres/show/{centre_id()}").text)
    assert title == f"Renouveler l’agrément {one.number}"
    assert href == f"/agrements/add?_flt_0_centre={centre_id()}"


def test_it_costs_the_same_whatever_its_rows(agent: FlaskClient) -> None:
    registered(MARIE)
    counts = []
    for _ in range(2):
        agent.get(f"/centres/show/{centre_id()}")
        with statements() as seen:
            page = agent.get(f"/centres/show/{centre_id()}").text
        counts.append(len(seen))
        for row in many(4):
            registered(row)
    assert re.search(r"a enregistré une session : <a href=.[^>]*>reçu", page)
    assert counts[0] == counts[1], counts
    assert counts[0] < 40
