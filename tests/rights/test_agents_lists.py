"""« Gestionnaires » and « Représentants légaux », as agents keep them: invited, changed and removed by the services."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import AccountLink, JournalEntry, MemberInvitation, Membership, Person
from app.models.centre import LEGAL_REPRESENTATIVE
from app.services.accounts import address_change
from app.services.core import links
from app.services.rights import members
from tests.bases import UNDER_THE_ROLE, on_sqlite
from tests.support import centre_id, drain, person_id

BACKENDS = UNDER_THE_ROLE

SignIn = Callable[[FlaskClient, str], FlaskClient]
AGENT, REPRESENTATIVE, MANAGER = (f"{name}@demo.example" for name in ("agent", "representant", "gestionnaire"))


def place_id(email: str = MANAGER) -> int:
    return db.session.execute(select(Membership.id).where(Membership.person_id == person_id(email))).scalar_one()


def actions() -> list[str]:
    return list(db.session.execute(select(JournalEntry.action).order_by(JournalEntry.id)).scalars())


def mails(app: Flask) -> dict[str, str]:
    """Return recipient → the plain text of the last mail sent to them."""
    found = {}
    for path in sorted(
        (Path(app.config["DATA_DIR"]) / "mails").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns
    ):
        message = BytesParser(policy=default).parsebytes(path.read_bytes())
        body = message.get_body(("plain",))
        assert body
        found[str(message["To"])] = " ".join(body.get_content().split())
    return found


def as_shown(page: str) -> dict[str, Any]:
    """Return what the form of a person holds, as a browser would send it."""
    found = {}
    for tag in re.findall("<input [^>]*>", page[page.index("<main") : page.index("</main>")]):
        held = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if held.get("name") and held["name"] != "csrf_token" and ("radio" not in tag or tag.endswith(" checked>")):
            found[held["name"]] = held.get("value", "")
    return found


@pytest.fixture
def agent(client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    """Give the browser of an agent."""
    return sign_in(client, AGENT)


@pytest.mark.parametrize(("list_", "role"), [("gestionnaires", "manager"), ("representants", LEGAL_REPRESENTATIVE)])
def test_adding_invites_and_leads_to_the_centre(agent: FlaskClient, app: Flask, list_: str, role: str) -> None:
    assert f'href="/{list_}/add"' in agent.get(f"/{list_}/list/").text
    form = agent.get(f"/{list_}/add?_flt_0_centre={centre_id()}").text
    assert f'<option selected value="{centre_id()}">' in form, "the centre one comes from is kept"
    data = {"centre_id": centre_id(), "email": " Nouvelle@Mail.example "}
    page = agent.post(f"/{list_}/add", data=data, follow_redirects=True).text
    assert "Une invitation est envoyée à l’adresse nouvelle@mail.example." in page
    assert "<h1>Centre de formation Démo</h1>" in page
    row = db.session.execute(select(MemberInvitation)).scalar_one()
    assert (row.email, row.role) == ("nouvelle@mail.example", role)
    again = agent.post(f"/{list_}/add", data=data)
    assert again.status_code == 422
    assert "Une invitation attend déjà à cette adresse" in again.text
    drain()
    assert list(mails(app)) == ["nouvelle@mail.example"]


@on_sqlite
def test_adding_says_what_is_wrong_at_its_field(agent: FlaskClient) -> None:
    for data, said in (
        ({"centre_id": "", "email": ""}, "À renseigner."),
        ({"centre_id": centre_id(), "email": "nul"}, "Saisissez une adresse électronique"),
        ({"centre_id": centre_id(), "email": MANAGER}, "intervient déjà pour ce centre"),
    ):
        page = agent.post("/gestionnaires/add", data=data)
        assert page.status_code == 422
        assert said in page.text
        assert "<title>Erreur : " in page.text


def test_one_form_changes_names_rights_end_and_asks_for_the_address(agent: FlaskClient, app: Flask) -> None:
    place = place_id()
    data = as_shown(agent.get(f"/gestionnaires/edit/{place}").text)
    assert data["email"] == MANAGER
    assert data["register"] == "tous"
    data |= {"first_name": "Camille", "email": "camille@mail.example", "register": "non", "invoices": "tous"}
    page = agent.post(f"/gestionnaires/edit/{place}", data={**data, "valid_to": "31/12/2022"}, follow_redirects=True)
    assert "L’adresse camille@mail.example vaudra une fois confirmée" in page.text
    assert "<h1>Camille Démo – Centre de formation Démo</h1>" in page.text
    assert "<dd>31/12/2022</dd>" in page.text
    person = db.session.get_one(Person, person_id())
    assert (person.first_name, person.email) == ("Camille", MANAGER), "not before it is confirmed"
    held = members.grants(db.session.get_one(Membership, place))
    assert "invoices" in held
    assert "register" not in held
    drain()
    told = mails(app)
    assert "Un agent de l’exploitant a demandé" in told["camille@mail.example"]
    assert "demandé par un agent de l’exploitant" in told[MANAGER]
    assert "quelqu’un connaît votre mot de passe" not in told[MANAGER]
    nonce = db.session.execute(select(AccountLink.nonce)).scalar_one()
    address_change.confirm(links.token("address", nonce))
    assert db.session.get_one(Person, person.id).email == "camille@mail.example"
    assert {"account.renamed", "right.withdrawn", "right.granted", "member.until", "address.asked"} <= set(actions())


def test_what_is_refused_leaves_all_as_it_was(agent: FlaskClient) -> None:
    place = place_id()
    data = {**as_shown(agent.get(f"/gestionnaires/edit/{place}").text), "first_name": "Camille", "register": "non"}
    before = actions()
    for changed, said in (
        ({"valid_to": "09/01/2022"}, "Ce jour est déjà passé"),
        ({"valid_to": "31/02/2022"}, "JJ/MM/AAAA"),
        ({"invoices": "tous", "invoices-fin": "hier"}, "la date s’écrit JJ/MM/AAAA"),
        ({"last_name": "D3mo"}, "Format du nom non conforme"),
        ({"email": "nulle part"}, "Écrivez une adresse"),
    ):
        page = agent.post(f"/gestionnaires/edit/{place}", data={**data, **changed})
        assert page.status_code == 422, changed
        assert said in page.text
        assert 'value="Camille"' in page.text, "what was typed stays"
        assert re.search(r'name="register" value="non" checked', page.text)
    db.session.rollback()
    assert db.session.get_one(Person, person_id()).first_name == "Gestionnaire"
    assert actions() == before
    unchanged = agent.post(
        f"/gestionnaires/edit/{place}", data=as_shown(agent.get(f"/gestionnaires/edit/{place}").text)
    )
    assert "Rien n’a changé" in unchanged.text


def test_removing_asks_why_and_keeps_the_reason(agent: FlaskClient) -> None:
    place = place_id()
    page = agent.get("/gestionnaires/list/").text
    assert f'href="/gestionnaires/delete/{place}"' in page
    assert "Ce qui a été enregistré demeure" in agent.get(f"/gestionnaires/delete/{place}").text
    silent = agent.post(f"/gestionnaires/delete/{place}", data={"reason": " "})
    assert silent.status_code == 422
    assert "Saisissez le motif" in silent.text
    gone = agent.post(f"/gestionnaires/delete/{place}", data={"reason": "A quitté le centre"}, follow_redirects=True)
    assert "Gestionnaire Démo n’intervient plus pour Centre de formation Démo." in gone.text
    entry = db.session.execute(select(JournalEntry).where(JournalEntry.action == "member.ended")).scalar_one()
    assert entry.reason == "A quitté le centre"
    assert agent.get(f"/gestionnaires/show/{place}").status_code == 404
    assert agent.post(f"/gestionnaires/delete/{place}", data={"reason": "encore"}).status_code == 404


def test_the_last_representative_stays(agent: FlaskClient) -> None:
    place = place_id(REPRESENTATIVE)
    gone = agent.post(f"/representants/delete/{place}", data={"reason": "Départ"})
    assert gone.status_code == 422
    assert "dernier représentant légal" in gone.text
    form = agent.get(f"/representants/edit/{place}").text
    assert 'name="register"' not in form, "a representative holds every right"
    data = {**as_shown(form), "valid_to": "31/12/2022"}
    assert "dernier représentant légal" in agent.post(f"/representants/edit/{place}", data=data).text
    second = Membership(person_id=person_id(), centre_id=centre_id("98765432400019"), role="manager")
    other = db.session.get_one(Membership, place_id())
    other.role = LEGAL_REPRESENTATIVE
    db.session.add(second)
    db.session.commit()
    assert agent.post(f"/representants/edit/{place}", data=data).status_code == 302
    assert db.session.get_one(Membership, place).valid_to is not None


@on_sqlite
def test_cards_and_forms_bear_the_name_of_their_record(agent: FlaskClient) -> None:
    """Two tabs can be told apart, whatever the list."""
    for address, name in (
        (f"/gestionnaires/show/{place_id()}", "Gestionnaire Démo – Centre de formation Démo – Gestionnaire"),
        (
            f"/gestionnaires/edit/{place_id()}",
            "Gestionnaire Démo – Centre de formation Démo – Modifier un gestionnaire",
        ),
        (f"/gestionnaires/delete/{place_id()}", "Gestionnaire Démo – Retirer"),
        (f"/comptes/show/{person_id()}", "Gestionnaire Démo – Compte"),
        (f"/centres/edit/{centre_id()}", "Centre de formation Démo – Modifier un centre"),
        ("/agrements/show/1", "FI-69-2020-014 – Centre de formation Démo – Agrément"),
        ("/catalogue/show/1", "FIMO Marchandises – Formation"),
        ("/contrats/show/1", "Centre de formation Démo, version 1 – Contrat"),
    ):
        page = agent.get(address).text
        found = re.search("<title>(.*?)</title>", page)
        assert found
        assert found[1] == f"{name} – Registre CQC"
