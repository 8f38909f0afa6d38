"""Trainers and instructors, as people register them: with the fee borne by the centre, with the keyboard alone without it."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import violations
from tests.e2e.conftest import Program

pytestmark = pytest.mark.browser
LEGAL = "representant@demo.example"


def letters_to(program: Program, address: str) -> list[str]:
    """Return the texts of the mails sent to an address."""
    messages = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in (program.folder / "mails").glob("*.eml")
    ]
    return [str(m.get_body(("plain",)).get_content()) for m in messages if m["To"] == address]  # type: ignore[union-attr]


def test_a_trainer_whose_fee_the_centre_bears(new_person: Callable[..., Page], program: Program) -> None:
    page = new_person(LEGAL)
    page.goto("/sessions/")
    page.get_by_label("Formateur", exact=False).first.check()
    expect(page.get_by_text("Il ne donne pas lieu à la délivrance d'un certificat")).to_be_visible()
    expect(page.get_by_text("Importer un fichier", exact=True)).to_be_hidden()
    assert violations(page) == []
    page.get_by_role("button", name="Continuer").first.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Étape 1 sur 3 — Personne")
    page.get_by_role("button", name="Étape suivante").click()
    expect(page.get_by_role("alert")).to_be_focused()
    assert violations(page) == []
    page.get_by_label("Prénom").fill("Chloé")
    page.get_by_label("Nom", exact=True).fill("DURAND")
    page.get_by_label("Date de naissance", exact=True).fill("03051980")
    page.get_by_label("N° de permis", exact=True).fill("8005 6921 0042")
    page.get_by_label("Adresse électronique").fill("chloe@exemple")
    page.get_by_label("Prénom").click()
    expect(page.get_by_text("Format de l’adresse électronique non conforme")).to_be_visible()
    page.get_by_label("Adresse électronique").fill("chloe.durand@exemple.fr")
    page.get_by_role("button", name="Étape suivante").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Étape 2 sur 3 — Secteurs et redevance")
    expect(page.get_by_label("N° de commande")).to_be_hidden()
    page.get_by_label("Marchandises").check()
    page.get_by_label("Le centre prend la redevance en charge").check()
    expect(page.get_by_text("47,00\xa0€ HT, facturés à votre centre")).to_be_visible()
    page.get_by_role("button", name="Étape suivante").click()
    expect(page.get_by_role("link", name="Numéro de commande non renseigné")).to_be_visible()
    assert violations(page) == []
    page.get_by_label("N° de commande").fill("COM2022")
    page.get_by_role("button", name="Étape suivante").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Étape 3 sur 3 — Contrôles")
    expect(page.get_by_text("Ne possède pas encore de compte sur la plateforme")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Enregistrer le formateur — 47,00\xa0€ HT").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Ni certificat, ni récapitulatif ne sera délivré")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name=re.compile("Enregistrer le formateur"))).to_be_focused()
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Enregistrer le formateur — 47,00\xa0€ HT").click()

    expect(page.get_by_text("Le formateur est enregistré")).to_be_visible()
    expect(page.get_by_text("56,40\xa0€")).to_be_visible()
    expect(page.locator("#notice").get_by_text("Envoyé", exact=True)).to_be_visible(timeout=30_000)
    assert violations(page) == []
    [letter] = letters_to(program, "chloe.durand@exemple.fr")
    assert "La redevance de la carte est prise en charge par Centre de formation Démo" in letter
    number = re.search(r"FM-22-[0-9A-Z]{5}-[0-9A-Z]{5}", letter)
    assert number
    page.get_by_role("link", name="Formateurs et moniteurs").click()
    page.get_by_role("link", name=number[0]).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Reçu {number[0]}")

    agent = new_person("agent@demo.example")
    agent.goto("/formateurs-et-moniteurs/")
    expect(agent.get_by_role("row").filter(has_text="800569210042").get_by_text("47,00\xa0€")).to_be_visible()
    assert violations(agent) == []


def test_an_instructor_who_pays_the_fee_with_the_keyboard_alone(
    new_person: Callable[..., Page], program: Program
) -> None:
    page = new_person(LEGAL, width=390)
    page.goto("/sessions/?profil=moniteur")
    page.get_by_label("Moniteur").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Étape 1 sur 3 — Personne")
    page.get_by_label("Prénom").focus()
    for text in ("Noé", "LEGRAND", "27.3.1985", "850327100456"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
        while page.evaluate("document.activeElement.tagName") != "INPUT":  # the calendar's button
            page.keyboard.press("Tab")
    page.keyboard.type("noe.legrand@exemple.fr")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Étape 2 sur 3 — Secteurs et redevance")
    page.get_by_label("Voyageurs").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")  # the last choice of the group: the person pays
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Étape 3 sur 3 — Contrôles")
    expect(page.get_by_text("Rien ne sera facturé à votre centre").first).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Enregistrer le moniteur — 0,00\xa0€ HT").press("Space")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Rien n’est facturé à votre centre")).to_be_visible()
    expect(page.locator("#notice").get_by_text("Envoyé", exact=True)).to_be_visible(timeout=30_000)
    [letter] = letters_to(program, "noe.legrand@exemple.fr")
    assert "n’est pas prise en charge" in letter
    page.get_by_role("button", name="Enregistrer un autre moniteur").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Étape 1 sur 3 — Personne")
    expect(page.get_by_label("Prénom")).to_have_value("")
