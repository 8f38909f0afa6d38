"""Agents at work: adding, changing, deleting, deciding, and what the forms say when they refuse."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import Accreditation, Centre, JournalEntry, Mail, Outbox, Registration, Tariff
from app.models.outbox import MAIL
from app.services.core import clock
from tests.support import MARIE, centre_id, drain, registered, training_id

CENTRE = {"name": "Auto-école du Port", "siret": "443 061 841 00047", "address": "1 quai Nord"}


@pytest.fixture
def agent(client: FlaskClient, sign_in) -> FlaskClient:
    """Give an agent's browser."""
    return sign_in(client, "agent@demo.example")


def test_a_centre_is_added_then_changed(agent: FlaskClient) -> None:
    page = agent.post("/centres/add", data=CENTRE, follow_redirects=True)
    assert "Le centre est créé." in page.text
    row = db.session.execute(select(Centre).where(Centre.siret == "44306184100047")).scalar_one()
    public = {"is_public": "y", "chorus_service": "SVC"}
    agent.post(f"/centres/edit/{row.id}", data={**CENTRE, **public, "email": " Contact@Exemple.FR"})
    db.session.refresh(row)
    assert (row.is_public, row.chorus_service, row.email) == (True, "SVC", "contact@exemple.fr")
    query = select(JournalEntry.action).where(JournalEntry.subject_type == "centre").order_by(JournalEntry.id)
    acts = db.session.execute(query).scalars().all()
    assert acts == ["centre.created", "centre.changed"]


@pytest.mark.parametrize(
    ("address", "data", "message"),
    [
        ("/centres", {**CENTRE, "siret": "44306184100048"}, "Ce SIRET n’est pas valable"),
        ("/centres", {**CENTRE, "siret": "12345678200010"}, "Un autre centre porte déjà ce SIRET."),
        *(("/centres", {**CENTRE, "email": address}, "Cette adresse électronique n’est pas valable")
          for address in ("<a@b.fr>", "a@b..fr", "a@b", "é@b.fr", f"{'a' * 120}@exemple.fr", "a@b.fr, c@d.fr")),
        ("/centres", {**CENTRE, "name": "x" * 161}, "160 caractères au plus."),
        ("/tarifs", {"amount": "25,345"}, "deux décimales au plus"),
        ("/tarifs", {"amount": "-1"}, "deux décimales au plus"),
        ("/tarifs", {"amount": "NaN"}, "deux décimales au plus"),
        ("/tarifs", {"amount": "1e9"}, "deux décimales au plus"),
        ("/tarifs", {"price_class": "gratuit"}, "Choisissez dans la liste."),
        ("/tarifs", {"valid_from": "31/02/2022"}, "Format de la date non conforme"),
        ("/agrements", {"centre_id": "4711"}, "Choisissez dans la liste."),
        ("/agrements", {"centre_id": "abc"}, "À renseigner."),
        ("/agrements", {"trainings": ["4711"]}, "Une formation choisie n’existe pas."),
        ("/conducteurs", {"last_name": "11111", "first_name": "A", "birth_date": "01/01/1990", "permit_number": "123456789"},
         "Format du nom non conforme"),
        ("/catalogue", {"hours": "beaucoup"}, "entier"),
    ],
)  # fmt: skip
def test_a_refused_form_says_why_and_keeps_what_was_typed(
    agent: FlaskClient, address: str, data: dict[str, object], message: str
) -> None:
    page = agent.post(f"{address}/add", data=data)
    assert page.status_code == 422
    assert message in page.text
    assert "<title>Erreur : " in page.text
    typed = next(iter(data.values()))
    if address in ("/centres", "/conducteurs") and isinstance(typed, str):
        assert f'value="{typed}"' in page.text


def test_a_form_opened_and_sent_unchanged_changes_nothing(agent: FlaskClient) -> None:
    """Dates and ticked trainings come back as they went out: an agent who saves must lose nothing."""
    row = db.session.execute(select(Accreditation).where(Accreditation.number == "FI-69-2020-014")).scalar_one()
    page = agent.get(f"/agrements/edit/{row.id}").text
    assert 'value="01/01/2020"' in page
    assert 'type="date"' not in re.sub(r"<input class=\"joined__picker[^>]*>", "", page)
    ticked = re.findall(r'name="trainings" value="(\d+)" checked', page)
    assert len(ticked) == 8
    data = {"centre_id": centre_id(), "authority": row.authority, "number": row.number, "trainings": ticked,
            "valid_from": "01/01/2020"}  # fmt: skip
    assert agent.post(f"/agrements/edit/{row.id}", data=data).status_code == 302
    entry = db.session.execute(select(JournalEntry).where(JournalEntry.action.like("accreditation.%"))).scalar_one()
    assert entry.before == entry.after


def test_an_amount_is_typed_with_a_comma(agent: FlaskClient) -> None:
    old = db.session.execute(select(Tariff).where(Tariff.price_class == "long")).scalar_one()
    page = agent.get(f"/tarifs/edit/{old.id}").text
    assert 'value="25,34"' in page
    assert 'value="20,00"' in page
    same = {"price_class": "long", "amount": "25,34", "vat_rate": "20", "valid_from": "01/01/2020"}
    agent.post(f"/tarifs/edit/{old.id}", data={**same, "valid_to": "30/06/2022"})
    agent.post("/tarifs/add", data={**same, "amount": "26,10 €", "valid_from": "01/07/2022"})
    assert "26,10\u00a0€" in agent.get("/tarifs/list/").text


def test_what_is_referenced_stays_and_the_page_says_so(agent: FlaskClient) -> None:
    for address, row in (("/centres", centre_id()), ("/catalogue", training_id())):
        page = agent.post(f"{address}/delete/{row}", follow_redirects=True).text
        assert "Rien n’a été supprimé : d’autres données s’appuient sur cette fiche." in page
    agent.post("/centres/add", data=CENTRE)
    row = db.session.execute(select(Centre.id).where(Centre.siret == "44306184100047")).scalar_one()
    assert "Suppression faite." in agent.post(f"/centres/delete/{row}", follow_redirects=True).text
    assert db.session.get(Centre, row) is None


def test_adding_from_a_card_names_the_centre_already(agent: FlaskClient) -> None:
    card = agent.get(f"/centres/show/{centre_id()}").text
    link = re.search(r'href="(/agrements/add\?[^"]+)"', card)
    assert link
    assert f'<option selected value="{centre_id()}">' in agent.get(link[1]).text
    assert "selected value=" not in agent.get("/agrements/add?_flt_0_centre=abc").text.replace('selected value=""', "")


def test_posts_need_a_token(app, client: FlaskClient, sign_in) -> None:
    browser = sign_in(client, "agent@demo.example")
    app.config["WTF_CSRF_ENABLED"] = True
    for address in ("/centres/add", f"/centres/delete/{centre_id()}", "/a-traiter/documents/1/remettre"):
        assert browser.post(address, data=CENTRE).status_code == 400
    assert browser.get(f"/centres/delete/{centre_id()}").status_code in (302, 405)
    assert db.session.get(Centre, centre_id()) is not None


def test_withheld_documents_are_handed_over_on_screen(agent: FlaskClient) -> None:
    registered({**MARIE, "last_name": "MARTINEZ"})
    drain()
    row = db.session.execute(select(Registration.id)).scalar_one()
    page = agent.get("/a-traiter/").text
    for words in (
        "MARTINEZ Marie",
        "MARTIN Marie",
        "Centre de formation Démo",
        "FIMO Marchandises",
        "1 document retenu",
    ):
        assert words in page
    page = agent.post(f"/a-traiter/documents/{row}/retenir", data={"reason": ""}, follow_redirects=True).text
    assert "Dites pourquoi ces documents restent retenus." in page
    page = agent.post(f"/a-traiter/documents/{row}/retenir", data={"reason": "Doute"}, follow_redirects=True).text
    assert "Motif : Doute" in page
    page = agent.post(f"/a-traiter/documents/{row}/remettre", follow_redirects=True).text
    assert "Les documents sont remis au conducteur." in page
    assert "Aucun document n’attend de décision." in page
    assert db.session.execute(select(Mail.registration_id).where(Mail.kind == "certificate")).scalar_one() == row
    again = agent.post(f"/a-traiter/documents/{row}/remettre", follow_redirects=True).text
    assert "Ces documents ont déjà été remis au conducteur, ou l’enregistrement est annulé." in again


def test_failed_work_is_relaunched_on_screen(agent: FlaskClient) -> None:
    now = clock.machine_now()
    db.session.add(Outbox(kind=MAIL, payload={"mail": 1}, created_at=now, due_at=now, attempts=2, last_error="Timeout"))
    db.session.commit()
    row = db.session.execute(select(Outbox.id)).scalar_one()
    assert "Timeout" in agent.get("/a-traiter/").text
    assert "Le travail est relancé." in agent.post(f"/a-traiter/travaux/{row}/relancer", follow_redirects=True).text
    assert agent.post("/a-traiter/travaux/99999999999/relancer").status_code == 404


@pytest.mark.parametrize("email", ["gestionnaire@demo.example", "voisin@demo.example", "conducteur@demo.example"])
def test_only_agents_decide(client: FlaskClient, sign_in, email: str) -> None:
    registered({**MARIE, "last_name": "MARTINEZ"})
    drain()
    browser = sign_in(client, email)
    for path in ("documents/1/remettre", "documents/1/retenir", "travaux/1/relancer"):
        assert browser.post(f"/a-traiter/{path}", data={"reason": "x"}).status_code == 403
    assert db.session.execute(select(Registration.withheld)).scalar_one() is True
