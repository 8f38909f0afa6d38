"""From the offer to the last refusal: a contract signed, a manager invited, a right granted, used, withdrawn."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import Program
from .test_account import letter, look, register

pytestmark = pytest.mark.browser

SECRET = "girafe-lampe-nuage-72"
ADDRESS = "camille.roche@mail.example"


def test_a_centre_is_put_in_service(new_person: Callable[..., Page], program: Program) -> None:
    agent = new_person("agent@demo.example")
    agent.goto("/contrats/add")
    look(agent, "contract-offer")
    agent.get_by_label("Centre").select_option(label="Centre de formation Démo (123\xa0456\xa0782\xa000010)")
    agent.get_by_role("button", name="Enregistrer").click()
    expect(agent.get_by_text("Le contrat est proposé")).to_be_visible()

    representative = new_person("representant@demo.example")
    representative.goto("/mon-centre/")
    look(representative, "opening")
    representative.get_by_role("link", name="Contrat", exact=True).click()
    look(representative, "contracts")
    representative.get_by_role("link", name="Lire et signer la version 2").click()
    expect(representative.get_by_role("heading", name="Annexe. Tarifs en vigueur le 10/01/2022")).to_be_visible()
    representative.get_by_role("button", name="Signer le contrat").click()
    expect(representative.get_by_role("heading", name="2 champs à corriger")).to_be_visible()
    look(representative, "contract-errors")
    representative.get_by_label("Qualité").fill("Directrice")
    representative.get_by_label("J’ai lu le contrat").check()
    representative.get_by_role("button", name="Signer le contrat").click()
    expect(representative.get_by_text("Le contrat est signé et en vigueur.")).to_be_visible()
    letter(program, "representant@demo.example", "Le contrat de service est signé")
    representative.reload()
    with representative.expect_download() as download:
        representative.get_by_role("link", name="Télécharger le PDF de la version 2").click()
    assert download.value.suggested_filename == "contrat-de-service-2.pdf"

    representative.get_by_role("link", name="Gestionnaires et droits").click()
    look(representative, "rights")
    representative.get_by_label("Adresse électronique").fill(ADDRESS)
    representative.keyboard.press("Enter")
    expect(representative.get_by_text(f"Une invitation part à l’adresse {ADDRESS}.")).to_be_visible()
    look(representative, "rights-invited")

    body = letter(program, ADDRESS, "vous invite au Registre CQC").get_body(("plain",))
    assert body is not None
    address = re.search(r"http://\S+/invitation/\S+", body.get_content())
    assert address
    manager = new_person()
    manager.goto(address[0])
    look(manager, "invitation")
    for label, text in (
        ("Nom", "Roche"), ("Prénom", "Camille"), ("Mot de passe", SECRET), ("Mot de passe, une seconde fois", SECRET),
    ):  # fmt: skip
        manager.get_by_label(label, exact=True).fill(text)
    manager.get_by_role("button", name="Créer mon compte et accepter").click()
    expect(manager.get_by_text("Vous intervenez désormais pour Centre de formation Démo.")).to_be_visible()
    manager.goto("/sessions/")
    expect(manager.get_by_text("Droit « enregistrement de sessions » accordé")).to_be_visible()
    look(manager, "missing")

    representative.reload()
    representative.get_by_role("link", name="Modifier : Camille Roche").click()
    look(representative, "person")
    register_right = representative.get_by_role("group", name=re.compile("Enregistrement de sessions à la main"))
    register_right.get_by_label("Certains agréments").check()
    register_right.get_by_label(re.compile("FI-69-2020-014")).check()
    look(representative, "person-named")
    representative.get_by_role("button", name="Enregistrer les droits").click()
    expect(representative.get_by_text("Les droits de Camille Roche sont modifiés")).to_be_visible()
    expect(representative.get_by_text("FI-69-2020-014", exact=True)).to_be_visible()

    register(manager, "ROCHEFORT", "910512300777")

    representative.get_by_role("link", name="Modifier : Camille Roche").click()
    register_right.get_by_label("Non accordé").check()
    representative.get_by_role("button", name="Enregistrer les droits").click()
    expect(representative.get_by_text("Les droits de Camille Roche sont modifiés")).to_be_visible()
    manager.reload()
    expect(manager.get_by_text("Le droit « enregistrement de sessions » ne vous est pas accordé")).to_be_visible()

    agent.goto("/gestionnaires/list/")
    look(agent, "managers")
    agent.get_by_role("link", name="Voir : Roche").click()
    look(agent, "person-agent")
    agent.goto("/gestionnaires/list/")
    agent.get_by_role("link", name="Retirer : Roche").click()
    agent.get_by_label("Motif").fill("Départ du centre")
    look(agent, "person-end")
    agent.get_by_role("button", name="Retirer de ce centre").click()
    expect(agent.get_by_text("Camille Roche n’intervient plus pour")).to_be_visible()
    look(agent, "rights-agent")
    manager.goto("/sessions/")
    expect(manager.get_by_text("Vous n’intervenez pour aucun centre de formation.")).to_be_visible()
