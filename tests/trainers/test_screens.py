"""Trainers and instructors on screen: the choice, three steps, refusals, the receipt, both lists, « À traiter »."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from app.extensions import db
from app.models import Accreditation, Mail, Membership, MembershipRight, ServiceContract, Tariff, Trainer
from app.models.centre import TRAINERS
from app.services.core import clock
from tests.bases import UNDER_THE_ROLE, on_sqlite
from tests.support import CHLOE, LEGAL, MARIE, drain, person_id, registered_trainer, statements, trainer_draft

BACKENDS = UNDER_THE_ROLE

SignIn = Callable[[FlaskClient, str], FlaskClient]
MANAGER, NEIGHBOUR, AGENT = "gestionnaire@demo.example", "voisin@demo.example", "agent@demo.example"


@pytest.fixture
def legal(client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    """Give the browser of a legal representative, who holds every right."""
    return sign_in(client, LEGAL)


def grant(email: str) -> None:
    query = select(Membership).where(Membership.person_id == person_id(email))
    place = db.session.execute(query).scalar_one()
    db.session.add(MembershipRight(membership_id=place.id, right=TRAINERS, granted_at=clock.now()))
    db.session.commit()


def count() -> int:
    return db.session.scalar(select(func.count()).where(Trainer.state == "registered")) or 0


@pytest.mark.parametrize(("profile", "code"), [("formateur", "trainer"), ("moniteur", "instructor")])
def test_the_profile_starts_the_path_of_its_own(legal: FlaskClient, profile: str, code: str) -> None:
    response = legal.post("/sessions/nouveau", data={"profil": profile, "mode": "fichier"})
    row = db.session.execute(select(Trainer)).scalar_one()
    assert row.profile == code
    assert response.headers["Location"] == f"/formateurs/{row.key}/personne"
    assert f"{profile.capitalize()} à enregistrer" in legal.get(response.headers["Location"]).text


def test_from_the_first_step_to_the_receipt(legal: FlaskClient) -> None:
    legal.post("/sessions/nouveau", data={"profil": "formateur", "mode": "manuel"})
    key = db.session.execute(select(Trainer.key)).scalar_one()
    for ahead in ("redevance", "controle", "confirmation", "recu"):
        assert legal.get(f"/formateurs/{key}/{ahead}").headers["Location"] == f"/formateurs/{key}/personne"
    typed = {**CHLOE, "birth_date": "3-5-1980", "permit_number": "8005 6921 0042"}
    assert legal.post(f"/formateurs/{key}/personne", data=typed).headers["Location"] == f"/formateurs/{key}/redevance"
    terms = {"sectors": ["Marchandises", "Voyageurs"], "fee_borne": "oui", "order_number": "COM1", "reference": "R1"}
    assert legal.post(f"/formateurs/{key}/redevance", data=terms).headers["Location"] == f"/formateurs/{key}/controle"
    page = legal.get(f"/formateurs/{key}/controle").text
    for said in (
        "DURAND",
        "800569210042",
        "chloe.durand@exemple.fr",
        "Marchandises, Voyageurs",
        "47,00\xa0€",
        "56,40\xa0€",
    ):
        assert said in page, said
    assert "Enregistrer le formateur — 47,00\xa0€ HT" in page
    assert legal.get(f"/formateurs/{key}/confirmation").status_code == 200
    response = legal.post(f"/formateurs/{key}/enregistrer", data={"version": "2"})
    assert response.headers["Location"] == f"/formateurs/{key}/recu?nouveau=1"
    receipt = legal.get(response.headers["Location"]).text
    number = db.session.execute(select(Trainer.receipt_number)).scalar_one()
    for said in (
        f"Reçu {number}",
        "Le formateur est enregistré",
        "par Représentant Démo",
        "Droit ouvert",
        "COM1",
        "R1",
    ):
        assert said in receipt, said
    for step in ("personne", "redevance", "controle", "annuler"):
        assert legal.get(f"/formateurs/{key}/{step}").headers["Location"] == f"/formateurs/{key}/recu"


def test_a_fee_not_borne_is_told_before_and_after(legal: FlaskClient) -> None:
    row = trainer_draft("non", profile="instructor")
    page = legal.get(f"/formateurs/{row.key}/controle").text
    assert "Enregistrer le moniteur — 0,00\xa0€ HT" in page
    assert "Rien ne sera facturé à votre centre" in page
    assert "56,40\xa0€ TTC aujourd’hui" in page
    assert "47,00" not in page
    terms = legal.get(f"/formateurs/{row.key}/redevance").text
    assert "47,00\xa0€ HT, facturés à votre centre" in terms
    assert "56,40\xa0€ TTC, demandés avec la demande de carte" in terms
    assert "47,00\xa0€ HT pour le centre, 56,40\xa0€ TTC pour la personne" in legal.get("/sessions/").text
    legal.post(f"/formateurs/{row.key}/enregistrer", data={"version": row.version})
    page = legal.get(f"/formateurs/{row.key}/recu").text
    assert "Rien n’est facturé à votre centre" in page
    assert "N° de commande" not in page


@on_sqlite
def test_each_page_says_what_is_wrong_and_keeps_what_was_typed(legal: FlaskClient) -> None:
    row = trainer_draft()
    page = legal.post(f"/formateurs/{row.key}/personne", data={**CHLOE, "email": "chloe@", "birth_date": "11/01/2004"})
    assert page.status_code == 422
    for said in (
        "Format de l’adresse électronique non conforme",
        "Le formateur doit être majeur",
        "2 champs à corriger",
    ):
        assert said in page.text, said
    assert 'value="chloe@"' in page.text
    assert "<title>Erreur : " in page.text
    page = legal.post(f"/formateurs/{row.key}/redevance", data={"fee_borne": "oui", "sectors": ["x"]})
    assert page.status_code == 422
    for said in ("Secteurs non renseignés", "Numéro de commande non renseigné"):
        assert said in page.text, said
    page = legal.post(f"/formateurs/{row.key}/redevance", data={"sectors": "Voyageurs"})
    assert "Prise en charge de la redevance non renseignée" in page.text


@on_sqlite
def test_a_field_is_judged_when_it_is_left(legal: FlaskClient) -> None:
    row = trainer_draft()
    address = f"/formateurs/{row.key}/personne/champ"
    assert "Format du prénom non conforme" in legal.post(address, data={"champ": "first_name", "first_name": "1"}).text
    assert "fielderror" not in legal.post(address, data={"champ": "first_name", "first_name": "Zoé"}).text
    assert legal.post(address, data={"champ": "x"}).status_code == 400


@on_sqlite
@pytest.mark.parametrize("version", ["0", "", "abc", "99999999999999999999"])
def test_a_confirmation_of_another_version_registers_nothing(legal: FlaskClient, version: str) -> None:
    row = trainer_draft()
    response = legal.post(f"/formateurs/{row.key}/enregistrer", data={"version": version})
    assert response.headers["Location"] == f"/formateurs/{row.key}/controle"
    assert "Cette saisie a changé depuis que vous l’avez relue" in legal.get(response.headers["Location"]).text
    assert count() == 0


def test_sent_twice_it_leads_to_the_same_receipt(legal: FlaskClient) -> None:
    row = trainer_draft()
    for _ in range(2):
        response = legal.post(f"/formateurs/{row.key}/enregistrer", data={"version": "2"})
        assert response.headers["Location"].startswith(f"/formateurs/{row.key}/recu")
    assert count() == 1


def test_a_draft_is_taken_up_again_or_given_up(legal: FlaskClient) -> None:
    row = trainer_draft()
    page = legal.get("/sessions/").text
    assert "Formateur : DURAND Chloé" in page
    assert f'href="/formateurs/{row.key}/controle"' in page
    assert "votre saisie sera supprimé" in legal.get(f"/formateurs/{row.key}/annuler").text
    legal.post(f"/formateurs/{row.key}/annuler")
    page = legal.get("/sessions/").text
    assert "DURAND" not in page
    response = legal.get(f"/formateurs/{row.key}/personne")
    assert response.headers["Location"] == "/sessions/"
    assert "a été annulé" in legal.get("/sessions/").text


def test_without_a_fee_in_force_only_the_person_can_pay(legal: FlaskClient) -> None:
    db.session.execute(update(Tariff).where(Tariff.price_class == "card_fee").values(valid_to=date(2022, 1, 9)))
    db.session.commit()
    row, other = trainer_draft(), trainer_draft("non", permit_number="999999999")
    page = legal.get(f"/formateurs/{row.key}/controle").text
    assert "Aucune redevance n’est en vigueur" in page
    assert 'data-dialog="confirmation"' not in page
    legal.post(f"/formateurs/{row.key}/enregistrer", data={"version": row.version})
    assert count() == 0
    legal.post(f"/formateurs/{other.key}/enregistrer", data={"version": other.version})
    assert count() == 1


def test_a_manager_without_the_right_sees_what_is_missing(client: FlaskClient, sign_in: SignIn) -> None:
    row, done = trainer_draft(), registered_trainer(permit_number="999999999")
    manager = sign_in(client, MANAGER)
    for address in ("/sessions/?profil=formateur", "/mes-formateurs/list/"):
        page = manager.get(address)
        assert page.status_code == 200
        assert "Droit « formateurs et moniteurs » accordé" in page.text
        assert "Représentant légal" in page.text
        assert "DURAND" not in page.text
    for method, address in (
        ("GET", f"/formateurs/{row.key}/personne"), ("POST", f"/formateurs/{row.key}/enregistrer"),
        ("GET", f"/formateurs/{done.key}/recu"), ("GET", f"/mes-formateurs/show/{done.id}"),
    ):  # fmt: skip
        assert manager.open(address, method=method).status_code == 403, address
    response = manager.post("/sessions/nouveau", data={"profil": "formateur", "mode": "manuel"})
    assert response.status_code == 403
    assert "« formateurs et moniteurs »" in response.text


def test_the_right_to_register_trainers_alone_opens_them_alone(client: FlaskClient, sign_in: SignIn) -> None:
    grant("sansdroit@demo.example")
    browser = sign_in(client, "sansdroit@demo.example")
    page = browser.get("/sessions/").text
    assert "Ce qu’il reste à faire pour enregistrer des sessions" in page
    assert "Mode d’enregistrement" not in page
    assert browser.post("/sessions/nouveau", data={"profil": "moniteur"}).status_code == 302
    assert browser.post("/sessions/nouveau", data={"profil": "conducteur", "mode": "manuel"}).status_code == 403


@on_sqlite
@pytest.mark.parametrize("what", ["contract", "accreditation"])
def test_without_contract_or_accreditation_the_path_is_shut_and_receipts_stay(legal: FlaskClient, what: str) -> None:
    row, done = trainer_draft(), registered_trainer(permit_number="999999999")
    if what == "accreditation":
        db.session.execute(update(Accreditation).values(withdrawn_on=clock.today()))
    else:
        db.session.execute(update(ServiceContract).values(state="suspended"))
    db.session.commit()
    assert legal.get(f"/formateurs/{row.key}/personne").status_code == 403
    assert legal.post(f"/formateurs/{row.key}/enregistrer", data={"version": row.version}).status_code == 403
    assert legal.get(f"/formateurs/{done.key}/recu").status_code == 200


def test_another_centre_finds_nothing(client: FlaskClient, sign_in: SignIn) -> None:
    row, done = trainer_draft(), registered_trainer(permit_number="999999999")
    grant(NEIGHBOUR)
    neighbour = sign_in(client, NEIGHBOUR)
    for path in ("personne", "redevance", "controle", "confirmation", "annuler"):
        assert neighbour.get(f"/formateurs/{row.key}/{path}").status_code == 404
    for path in ("enregistrer", "annuler", "personne", "redevance", "personne/champ", "recu/prevenir"):
        assert neighbour.post(f"/formateurs/{row.key}/{path}").status_code == 404
    for address in (
        f"/formateurs/{done.key}/recu",
        f"/formateurs/{done.key}/recu/etat",
        f"/mes-formateurs/show/{done.id}",
    ):
        assert neighbour.get(address).status_code == 404
    assert "DURAND" not in neighbour.get("/mes-formateurs/list/").text


def test_the_receipt_follows_its_notice(legal: FlaskClient) -> None:
    row = registered_trainer()
    address = f"/formateurs/{row.key}/recu"
    assert "En cours d’envoi" in legal.get(address).text
    assert legal.get(f"{address}/etat?vu=pending").status_code == 204
    drain()
    told = legal.get(f"{address}/etat?vu=pending").text
    assert "Envoyé" in told
    assert "hx-get" not in told
    db.session.execute(update(Mail).values(state="refused", error="SMTP 550"))
    db.session.commit()
    assert "Le serveur de courriel a refusé cette adresse" in legal.get(address).text
    legal.post(f"{address}/prevenir", data={"email": "chloe@"})
    assert "Saisissez l’adresse électronique de la personne" in legal.get(address).text
    legal.post(f"{address}/prevenir", data={"email": "chloe@exemple.fr"})
    assert "Le message part à l’adresse chloe@exemple.fr." in legal.get(address).text


def test_a_withheld_right_says_that_an_agent_looks_at_the_name(legal: FlaskClient) -> None:
    row = registered_trainer(birth_date=MARIE["birth_date"], permit_number=MARIE["permit_number"])
    page = legal.get(f"/formateurs/{row.key}/recu?nouveau=1").text
    assert "Retenu, contrôle du nom" in page
    assert "Droit en attente" in page
    assert "MARTIN" not in page


def test_the_centre_finds_its_trainers_again(legal: FlaskClient) -> None:
    row = registered_trainer()
    other = registered_trainer(
        "non", profile="instructor", last_name="PETIT", permit_number="999999999", email="p@exemple.fr"
    )
    trainer_draft(last_name="BROUILLON")
    page = legal.get("/mes-formateurs/list/").text
    assert "BROUILLON" not in page
    assert f'href="/formateurs/{row.key}/recu"' in page
    for question, found, left_out in (
        ("words=durand", "DURAND", "PETIT"), ("words=999999999", "PETIT", "DURAND"), ("words=COM1", "DURAND", "PETIT"),
        (f"words={other.receipt_number}", "PETIT", "DURAND"), ("profile=instructor", "PETIT", "DURAND"),
        ("borne=oui", "DURAND", "PETIT"), ("borne=non", "PETIT", "DURAND"),
    ):  # fmt: skip
        page = legal.get(f"/mes-formateurs/list/?_flt_0_{question}").text
        assert f"{found} Chloé" in page, question
        assert f"{left_out} Chloé" not in page, question
    page = legal.get(f"/mes-formateurs/show/{row.id}").text
    assert "chloe.durand@exemple.fr" in page
    for path in ("add", f"edit/{row.id}", f"delete/{row.id}"):
        assert legal.post(f"/mes-formateurs/{path}").status_code == 404


def test_a_longer_list_asks_the_base_no_more(legal: FlaskClient) -> None:
    registered_trainer()
    with statements() as few:
        legal.get("/mes-formateurs/list/")
    for at in range(5):
        registered_trainer(permit_number=f"99999999{at}")
    with statements() as many:
        legal.get("/mes-formateurs/list/")
    assert len(many) <= len(few)


def test_the_agent_sees_those_of_all_centres_and_refused_addresses_by_name(
    client: FlaskClient, sign_in: SignIn
) -> None:
    row = registered_trainer()
    db.session.execute(update(Mail).values(state="refused", error="SMTP 550"))
    db.session.commit()
    agent = sign_in(client, AGENT)
    page = agent.get("/formateurs-et-moniteurs/list/").text
    assert "DURAND" in page
    assert "Centre de formation Démo" in page
    assert "chloe.durand@exemple.fr" in agent.get(f"/formateurs-et-moniteurs/show/{row.id}").text
    page = agent.get("/a-traiter/").text
    assert "DURAND Chloé" in page
    assert "SMTP 550" in page


@on_sqlite
def test_hostile_names_come_out_as_text(legal: FlaskClient) -> None:
    row = trainer_draft()
    page = legal.post(f"/formateurs/{row.key}/personne", data={**CHLOE, "last_name": '"><script>alert(1)</script>'})
    assert page.status_code == 422
    assert "<script>alert" not in page.text


def test_the_agent_decides_on_a_withheld_right(client: FlaskClient, sign_in: SignIn) -> None:
    row = registered_trainer(birth_date=MARIE["birth_date"], permit_number=MARIE["permit_number"])
    agent = sign_in(client, AGENT)
    page = agent.get("/a-traiter/").text
    assert "DURAND Chloé" in page
    assert "MARTIN Marie" in page
    agent.post(f"/a-traiter/droits/{row.id}/retenir", data={"reason": ""})
    assert "Dites pourquoi ce droit n’est pas ouvert." in agent.get("/a-traiter/").text
    agent.post(f"/a-traiter/droits/{row.id}/retenir", data={"reason": "Homonyme"})
    assert "Motif : Homonyme" in agent.get("/a-traiter/").text
    agent.post(f"/a-traiter/droits/{row.id}/ouvrir")
    assert "Le droit est ouvert" in agent.get("/a-traiter/").text
    agent.post(f"/a-traiter/droits/{row.id}/ouvrir")
    assert "Ce droit est déjà ouvert." in agent.get("/a-traiter/").text
