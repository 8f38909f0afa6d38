"""« Gestionnaires et droits » on screen: the matrix, a person's rights, invitations; who is let in, and at which centre."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import Accreditation, MemberInvitation, Membership, Person
from app.services.core import links
from app.services.rights import invitations as member_invitations
from tests.bases import UNDER_THE_ROLE, on_sqlite
from tests.registration.wizard_path import on_draft
from tests.support import MARIE, centre_id, draft, person_id, statements

BACKENDS = UNDER_THE_ROLE

SignIn = Callable[[FlaskClient, str], FlaskClient]
AGENT, REPRESENTATIVE, MANAGER = (f"{name}@demo.example" for name in ("agent", "representant", "gestionnaire"))
HOME, NEIGHBOUR = "/mon-centre/droits/", "98765432400019"
PASSWORD = "girafe-lampe-nuage-72"


def place_id(email: str = MANAGER) -> int:
    return db.session.execute(select(Membership.id).where(Membership.person_id == person_id(email))).scalar_one()


def accreditation(number: str = "TP-2020-0457") -> int:
    return db.session.execute(select(Accreditation.id).where(Accreditation.number == number)).scalar_one()


def agents_address(centre: int = 0) -> str:
    return f"/centres/{centre or centre_id()}/personnes/"


@pytest.fixture
def representative(client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    """Give the browser of the demonstration centre's legal representative."""
    return sign_in(client, REPRESENTATIVE)


@pytest.fixture
def manager(app: Flask, sign_in: SignIn) -> FlaskClient:
    """Give a manager's browser, beside the other one."""
    return sign_in(app.test_client(), MANAGER)


def test_the_matrix_says_who_can_do_what(representative: FlaskClient) -> None:
    page = representative.get(HOME).text
    for words in (
        "Qui peut faire quoi",
        "Gestionnaire Démo",
        "Sansdroit Démo",
        "Enregistrement de sessions",
        "Factures",
    ):
        assert words in page
    data = {"register": "choix", "register-agrements": accreditation(), "register-fin": "31.12.2022"}
    page = representative.post(f"{HOME}{place_id()}", data=data, follow_redirects=True).text
    assert "TP-2020-0457, jusqu’au 31/12/2022" in page
    page = representative.get(f"{HOME}{place_id()}").text
    assert 'value="31/12/2022"' in page
    assert page.count("checked") == 5  # three rights not granted, one for some accreditations, and that accreditation


def test_the_matrix_costs_the_same_whatever_its_people(representative: FlaskClient, app: Flask) -> None:
    representative.get(HOME)
    with statements() as few:
        representative.get(HOME)
    for number in range(20):
        person = Person(
            username=f"p{number}", email=f"p{number}@mail.example", first_name="P", last_name=f"N{number}", active=True
        )
        db.session.add(person)
        db.session.flush()
        db.session.add(Membership(person_id=person.id, centre_id=centre_id(), role="manager"))
    db.session.commit()
    with statements() as seen:
        page = representative.get(HOME).text
    assert "p19@mail.example" in page
    assert len(seen) == len(few) < 25


def test_a_withdrawn_right_is_refused_at_the_next_request(representative: FlaskClient, manager: FlaskClient) -> None:
    path = on_draft(manager, MARIE)
    assert path.get("conducteurs").status_code == 200
    representative.post(f"{HOME}{place_id()}", data={"register": "non"})
    refused = path.get("conducteurs")
    assert refused.status_code == 403
    assert "Le droit « enregistrement de sessions » ne vous est pas accordé" in refused.text
    assert path.post("importer").status_code == 403
    assert "Droit « enregistrement de sessions » accordé" in manager.get("/sessions/").text
    representative.post(f"{HOME}{place_id()}", data={"register": "tous"})
    assert path.get("conducteurs").status_code == 200


def test_a_limited_right_says_what_it_leaves_out(representative: FlaskClient, manager: FlaskClient) -> None:
    path = on_draft(manager, MARIE)
    assert "Votre droit est limité" not in path.get("formation").text
    representative.post(f"{HOME}{place_id()}", data={"register": "choix", "register-agrements": accreditation()})
    page = path.get("formation").text
    assert "Votre droit est limité à certains agréments" in page
    assert "de l’agrément TP-2020-0457" in page
    assert "FIMO Marchandises" in page.split("ne vous sont pas ouvertes")[1].split("</p>")[0]
    assert "FIMO Marchandises" not in page.split("<select")[1].split("</select>")[0]
    path.post("verifier")
    page = path.get("controle").text
    assert "CFR non agréé pour cette formation à la date indiquée" in page
    assert "Votre droit est limité à certains agréments" in page


@on_sqlite
@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"register": "choix"}, "cochez au moins un agrément"),
        ({"register": "tous", "register-fin": "31/02/2022"}, "JJ/MM/AAAA"),
        ({"register": "tous", "register-fin": "09/01/2022"}, "déjà passé"),
        ({"api": "choix", "api-agrements": "99999"}, "n’est pas de ce centre"),
        ({"invoices": "choix", "invoices-agrements": "1"}, "ne se limite pas"),
    ],
)  # fmt: skip
def test_a_refused_form_says_why_and_keeps_what_was_chosen(
    representative: FlaskClient, data: dict[str, str], said: str
) -> None:
    page = representative.post(f"{HOME}{place_id()}", data=data)
    assert page.status_code == 422
    assert said in page.text
    assert "<title>Erreur : " in page.text
    if "register-fin" in data:
        assert f'value="{data["register-fin"]}"' in page.text


@on_sqlite
@pytest.mark.parametrize(
    "email", [MANAGER, "sansdroit@demo.example", "voisin@demo.example", "conducteur@demo.example", AGENT]
)
def test_nobody_else_opens_the_centre_s_screen(client: FlaskClient, sign_in: SignIn, email: str) -> None:
    browser, there = sign_in(client, email), place_id("sansdroit@demo.example")
    for path in ("", str(there)):
        assert browser.get(HOME + path).status_code == 403
    for path in ("inviter", str(there), f"{there}/fin", "invitations/1/renvoyer", "invitations/1/annuler"):
        assert browser.post(HOME + path, data={"email": "a@b.example", "register": "tous"}).status_code == 403


@on_sqlite
@pytest.mark.parametrize("email", [REPRESENTATIVE, MANAGER, "conducteur@demo.example"])
def test_only_agents_open_the_agents_screen(client: FlaskClient, sign_in: SignIn, email: str) -> None:
    browser, there = sign_in(client, email), place_id()
    for path in ("", str(there)):
        assert browser.get(agents_address() + path).status_code == 403
    for path in ("inviter", str(there)):
        assert browser.post(agents_address() + path, data={"reason": "x", "compte": "fermer"}).status_code == 403


def test_another_centre_s_people_are_not_found(representative: FlaskClient) -> None:
    theirs = place_id("voisin@demo.example")
    assert representative.get(f"{HOME}{theirs}").status_code == 404
    assert representative.post(f"{HOME}{theirs}", data={"register": "tous"}).status_code == 404
    assert representative.post(f"{HOME}{theirs}/fin").status_code == 404


def test_an_agent_does_the_same_for_any_centre(client: FlaskClient, sign_in: SignIn) -> None:
    agent, there = sign_in(client, AGENT), agents_address(centre_id(NEIGHBOUR))
    page = agent.get(there).text
    assert "Représentant légal nommé" in page
    assert "À compléter" in page
    data = {"email": "nouvelle@mail.example", "role": "legal_representative"}
    page = agent.post(f"{there}inviter", data=data, follow_redirects=True).text
    assert "Une invitation part à l’adresse nouvelle@mail.example." in page
    assert "nouvelle@mail.example" in page.split("invitations en attente")[1], "the centre's page says what comes next"
    page = agent.get(there).text
    assert "nouvelle@mail.example" in page.split("Invitations en attente")[1]
    voisin = place_id("voisin@demo.example")
    assert f'href="/comptes/show/{person_id("voisin@demo.example")}"' in agent.get(f"{there}{voisin}").text
    assert agent.get(f"{agents_address()}{voisin}").status_code == 404
    assert agent.get("/centres/999999/personnes/").status_code == 404


def test_agents_find_people_by_name_address_and_centre(client: FlaskClient, sign_in: SignIn) -> None:
    agent = sign_in(client, AGENT)
    for question, found, left_out in (
        ("sansdroit", "Sansdroit", "Voisin"), ("voisin@demo", "voisin@demo.example", "sansdroit@"),
        ("987654324", "voisin@demo.example", "sansdroit@"), ("formation démo", "sansdroit@", "voisin@"),
    ):  # fmt: skip
        page = agent.get("/gestionnaires/list/", query_string={"_flt_0_words": question}).text
        table = page[page.index("<table") : page.index("</table>")]
        assert found in table, question
        assert left_out not in table, question
    assert "representant@demo.example" in agent.get("/representants/list/").text
    assert "representant@demo.example" not in agent.get("/gestionnaires/list/").text
    shown = agent.get(f"/gestionnaires/show/{place_id()}").text
    assert '<dd><ul class="plainlist"><li>Enregistrement de sessions</li>' in shown
    assert agent.get(f"/representants/show/{place_id()}").status_code == 404


class TestInvitation:
    """`/invitation/<token>`: with a new account, with one's own, and for nobody else."""

    def link(self, browser: FlaskClient, address: str) -> str:
        page = browser.post(f"{HOME}inviter", data={"email": address}, follow_redirects=True)
        assert f"Une invitation part à l’adresse {address}." in page.text
        nonce = db.session.execute(select(MemberInvitation.nonce).where(MemberInvitation.email == address)).scalar_one()
        return f"/invitation/{links.token('member', nonce)}"

    def test_a_newcomer_is_signed_in_at_the_centre(self, representative: FlaskClient, app: Flask) -> None:
        address = self.link(representative, "camille@mail.example")
        browser = app.test_client()
        page = browser.get(address)
        assert "Intervenir pour Centre de formation Démo" in page.text
        assert "camille@mail.example" not in page.text
        assert page.headers["X-Robots-Tag"] == "noindex"
        refused = browser.post(address, data={"last_name": "1", "password": "court", "again": "autre"})
        assert refused.status_code == 422
        for words in ("Format du nom non conforme", "Prénom non renseigné", "ne sont pas identiques"):
            assert words in refused.text
        data = {"last_name": "Roche", "first_name": "Camille", "password": "court", "again": "court"}
        assert "12 caractères au moins" in browser.post(address, data=data).text
        data |= {"password": PASSWORD, "again": PASSWORD}
        page = browser.post(address, data=data, follow_redirects=True)
        assert "Vous intervenez désormais pour Centre de formation Démo." in page.text
        assert "Camille Roche" in representative.get(HOME).text
        spent = app.test_client().get(address)
        assert spent.status_code == 404
        assert "Cette invitation n’est plus valable" in spent.text

    def test_a_person_of_another_centre_joins_and_stands_there(
        self, representative: FlaskClient, app: Flask, sign_in: SignIn
    ) -> None:
        address = self.link(representative, "voisin@demo.example")
        browser = sign_in(app.test_client(), "voisin@demo.example")
        assert "Accepter l’invitation" in browser.get(address).text
        page = browser.post(address, follow_redirects=True).text
        assert "Mon centre" in page
        assert "<span>Centre</span><span>Centre de formation Démo</span>" in page
        assert "Centre Voisin" in page

    def test_signed_in_as_somebody_else_nothing_is_accepted(
        self, representative: FlaskClient, app: Flask, sign_in: SignIn
    ) -> None:
        address = self.link(representative, "camille@mail.example")
        browser = sign_in(app.test_client(), "voisin@demo.example")
        page = browser.get(address).text
        assert "a été envoyée à une autre adresse" in page
        assert "camille@mail.example" not in page
        assert "Accepter l’invitation" not in page
        assert "rien n’a été fait" in browser.post(address, follow_redirects=True).text

    @on_sqlite
    def test_the_sign_in_leads_back(self, representative: FlaskClient, app: Flask) -> None:
        address = self.link(representative, "voisin@demo.example")
        browser = app.test_client()
        assert f"/login/?next={address}" in browser.get(address).text
        data = {"username": "voisin@demo.example", "password": "volant-Ardoise-2026"}
        assert browser.post(f"/login/?next={address}", data=data).headers["Location"] == address

    def test_it_is_sent_again_and_cancelled_on_screen(self, representative: FlaskClient, app: Flask) -> None:
        address = self.link(representative, "camille@mail.example")
        row = db.session.execute(select(MemberInvitation.id)).scalar_one()
        page = representative.post(f"{HOME}invitations/{row}/renvoyer", follow_redirects=True).text
        assert "Le lien précédent ne sert plus." in page
        assert app.test_client().get(address).status_code == 404
        page = representative.post(f"{HOME}invitations/{row}/annuler", follow_redirects=True).text
        assert "L’invitation est annulée" in page
        assert member_invitations.waiting(centre_id()) == []

    @on_sqlite
    def test_what_is_wrong_with_an_address_is_said_at_its_field(self, representative: FlaskClient) -> None:
        for typed, said in (
            ("", "Saisissez une adresse"),
            ("x", "Saisissez une adresse"),
            (MANAGER, "intervient déjà"),
        ):
            page = representative.post(f"{HOME}inviter", data={"email": typed})
            assert page.status_code == 422
            assert said in page.text

    def test_a_representative_cannot_name_another(self, representative: FlaskClient) -> None:
        data = {"email": "camille@mail.example", "role": "legal_representative"}
        page = representative.post(f"{HOME}inviter", data=data)
        assert page.status_code == 422
        assert "Seul un agent d’IN Groupe nomme un représentant légal." in page.text

    @on_sqlite
    @pytest.mark.parametrize("token", ["x", "a" * 43, "%00"])
    def test_a_link_that_never_was_says_what_to_do(self, client: FlaskClient, token: str) -> None:
        assert client.get(f"/invitation/{token}").status_code in (400, 404)
        assert draft(MARIE)
