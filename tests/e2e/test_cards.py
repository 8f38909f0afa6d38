"""From an unknown driver to the card, in a real browser: registered, invited, signed up, card asked for, decided, seen."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.cards.making import photo, picture, signature

from .conftest import PASSWORD, Program
from .test_account import SECRET, letter, link, look, register, sign_up

pytestmark = pytest.mark.browser

ADDRESS = "camille.garnier@mail.example"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Write the pictures a person would choose."""
    made = {"photo": photo(), "signature": signature(), "small": picture(300, 300)}
    for name, content in made.items():
        (tmp_path / f"{name}.jpg").write_bytes(content.read())
    return {name: tmp_path / f"{name}.jpg" for name in made}


def open_account(page: Page, program: Program) -> None:
    """Follow the invitation, sign up, confirm."""
    page.goto(link(program, ADDRESS, "Créez votre espace conducteur"))
    sign_up(page, "Garnier", "910512300333", ADDRESS)
    page.goto(link(program, ADDRESS, "Confirmez votre adresse"))
    page.get_by_label("Mot de passe", exact=True).fill(SECRET)
    page.get_by_role("button", name="Confirmer mon adresse").click()
    expect(page.get_by_text("Votre compte est ouvert.")).to_be_visible()


def fill_address(page: Page) -> None:
    """Step 1, wrong first, then right, by the keyboard alone."""
    page.get_by_label("Numéro et voie").focus()
    page.keyboard.type("12")
    page.get_by_label("Code postal").fill("99999")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="3 champs à corriger")).to_be_visible()
    look(page, "card-address-errors")
    page.get_by_label("Numéro et voie").fill("12 rue des Ateliers")
    page.get_by_label("Numéro et voie").focus()
    for text in ("Bâtiment B", "69007", "LYON"):
        page.keyboard.press("Tab")
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(text)
    page.keyboard.press("Enter")


def choose_pictures(page: Page, files: dict[str, Path]) -> None:
    """Step 2: a photo too small is told, framed or not, the signature is kept meanwhile."""
    expect(page.get_by_role("heading", level=1)).to_contain_text("Étape 2 sur 4")
    look(page, "card-pictures")
    page.get_by_label("Photo d’identité").set_input_files(files["small"])
    page.get_by_label("Signature", exact=True).set_input_files(files["signature"])
    page.get_by_role("button", name="Étape suivante").click()
    expect(page.get_by_text("La photo est trop petite").first).to_be_visible()
    expect(page.get_by_alt_text("Votre signature")).to_be_visible()
    look(page, "card-pictures-errors")
    page.get_by_label("Photo d’identité").set_input_files(files["photo"])
    page.get_by_role("button", name="Étape suivante").click()


def test_from_an_unknown_driver_to_the_card(
    new_person: Callable[..., Page], program: Program, files: dict[str, Path]
) -> None:
    manager = new_person("gestionnaire@demo.example")
    register(manager, "GARNIER", "910512300333")
    expect(manager.get_by_text("documents en préparation")).to_have_count(0, timeout=30_000)
    manager.get_by_label("Adresse électronique de GARNIER").fill(ADDRESS)
    manager.get_by_role("button", name="Inviter 1 conducteur").click()

    driver = new_person()
    open_account(driver, program)
    expect(driver.get_by_role("link", name="Télécharger le certificat")).to_be_visible()
    driver.goto("/mon-espace/")
    look(driver, "space-with-ground")
    driver.get_by_role("button", name="Demander ma carte").click()
    expect(driver.get_by_role("heading", level=1)).to_contain_text("Étape 1 sur 4")
    look(driver, "card-address")
    fill_address(driver)
    choose_pictures(driver, files)
    expect(driver.get_by_role("heading", level=1)).to_contain_text("Étape 3 sur 4")
    driver.get_by_role("button", name="Étape suivante").click()
    look(driver, "card-payment-errors")
    driver.get_by_text("Carte d’essai refusée par la banque").click()
    driver.get_by_role("button", name="Étape suivante").click()
    look(driver, "card-summary")
    driver.get_by_role("button", name=re.compile("Payer 56,40")).click()
    expect(driver.get_by_text("Le paiement a été refusé")).to_be_visible()
    driver.get_by_text("Carte d’essai acceptée").click()
    look(driver, "card-payment")
    driver.get_by_role("button", name="Étape suivante").click()
    driver.get_by_role("button", name=re.compile("Payer 56,40")).click()
    expect(driver.get_by_role("heading", level=1)).to_contain_text("Demande de carte n° DC-22-")
    look(driver, "card-sent")
    letter(program, ADDRESS, "Votre demande de carte est déposée")

    agent = new_person("agent@demo.example")
    agent.goto("/demandes-de-carte/")
    look(agent, "card-queue")
    agent.get_by_role("link", name="GARNIER Camille").click()
    agent.get_by_role("button", name="Prendre en charge").click()
    expect(agent.get_by_alt_text("Photo de Camille GARNIER")).to_be_visible()
    look(agent, "card-desk")
    agent.get_by_label("Motif du refus").fill("La signature est trop pâle.")
    agent.get_by_role("button", name="Refuser la demande").click()
    letter(program, ADDRESS, "Votre demande de carte est refusée")

    driver.reload()
    expect(driver.get_by_text("La signature est trop pâle.").first).to_be_visible()
    look(driver, "card-refused")
    driver.get_by_role("link", name="Corriger la demande").click()
    driver.get_by_role("button", name="Étape suivante").click()
    look(driver, "card-correction")
    driver.get_by_label("Signature", exact=True).set_input_files(files["signature"])
    driver.get_by_role("button", name="Étape suivante").click()
    expect(driver.get_by_text("Déjà payée")).to_be_visible()
    look(driver, "card-paid")
    driver.get_by_role("button", name="Étape suivante").click()
    driver.get_by_role("button", name="Envoyer la demande").click()

    agent.goto("/demandes-de-carte/?recherche=garnier")
    agent.get_by_role("link", name="GARNIER Camille").click()
    agent.get_by_role("button", name="Prendre en charge").click()
    agent.get_by_role("button", name="Accepter la demande").click()
    agent.get_by_role("dialog").get_by_role("button", name="Accepter la demande").click()
    expect(agent.get_by_text("La demande est acceptée ; son titulaire en est averti.")).to_be_visible()

    driver.goto("/mon-espace/")
    expect(driver.get_by_text("Acceptée").first).to_be_visible()
    look(driver, "space-with-card")
    letter(program, ADDRESS, "Votre demande de carte est acceptée")


def test_a_new_address_and_a_copy_of_one_s_data(new_person: Callable[..., Page], program: Program) -> None:
    new = "vincent.petit@mail.example"
    page = new_person("petit@demo.example")
    page.goto("/mon-profil/")
    page.get_by_role("link", name="Changer d’adresse électronique").click()
    page.get_by_role("button", name="Recevoir le lien").click()
    expect(page.get_by_role("heading", name="2 champs à corriger")).to_be_visible()
    look(page, "address-errors")
    page.get_by_label("Adresse électronique").fill(new)
    page.get_by_label("Mot de passe actuel").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Un lien part à l’adresse {new}.")).to_be_visible()
    look(page, "profile-with-address")
    letter(program, "petit@demo.example", "Un changement d’adresse a été demandé")
    body = letter(program, new, "Confirmez votre nouvelle adresse").get_body(("plain",))
    assert body is not None
    found = re.search(r"http://\S+/adresse/\S*", body.get_content())
    assert found
    page.goto(found[0])
    look(page, "address-confirm")
    page.get_by_role("button", name="Confirmer cette adresse").click()
    expect(page.get_by_text(f"Votre adresse électronique est maintenant {new}.")).to_be_visible()

    page.goto("/mon-espace/")
    page.get_by_role("link", name="Mes données").click()
    look(page, "data")
    page.get_by_role("button", name="Préparer ma copie").click()
    expect(page.get_by_role("link", name="Télécharger ma copie")).to_be_visible(timeout=30_000)
    look(page, "data-ready")
    with page.expect_download() as sent:
        page.get_by_role("link", name="Télécharger ma copie").click()
    with zipfile.ZipFile(sent.value.path()) as pack:
        assert {"mes-donnees.json", "mes-donnees.html"} <= set(pack.namelist())
