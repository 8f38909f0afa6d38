"""A driver's account in a real browser: invited, signed up, documents there; a mismatch decided; a password lost."""

from __future__ import annotations

import email
import email.policy
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.cards.making import picture

from .axe import violations
from .conftest import Program

pytestmark = pytest.mark.browser

SECRET = "girafe-lampe-nuage-72"
ADDRESS = "camille.lefevre@mail.example"
#: A folder for screenshots to look at; none are taken without it.
SHOTS = os.environ.get("SCREENSHOTS", "")


def look(page: Page, name: str) -> None:
    """Check the screen's accessibility at both widths, and keep a picture of each where a folder is named."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert violations(page) == [], f"{name} at {width}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} at {width} is too wide"
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})


def register(page: Page, last_name: str, permit: str) -> None:
    """Register one driver by hand, up to the receipt."""
    page.goto("/sessions/")
    page.get_by_text("Manuellement", exact=True).click()
    page.get_by_role("button", name="Continuer").click()
    page.get_by_label("FIMO").check()
    page.get_by_label("Libellé de la formation").select_option(label="FIMO Marchandises (25,34\xa0€ HT)")
    page.get_by_label("Date de fin de la formation", exact=True).fill("07/01/2022")
    page.get_by_role("button", name=re.compile("Étape suivante|Continuer")).click()
    for label, text in (
        ("Réf", "REF1"), ("N° de commande", "COM1"), ("Prénom", "Camille"), ("Date de naissance", "12/05/1991"),
        ("N° de permis", permit), ("Nom", last_name),
    ):  # fmt: skip
        page.get_by_label(re.compile(rf"^{label}( facultatif)?$")).fill(text)
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Ligne 1 ajoutée : {last_name} Camille")).to_be_visible()
    page.get_by_role("link", name=re.compile("Étape suivante")).click()
    page.get_by_role("button", name="Vérifier").click()
    page.get_by_role("button", name=re.compile("Importer 1 ligne")).first.click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Importer 1 ligne")).click()
    expect(page.get_by_text("Votre import a été pris en compte avec succès")).to_be_visible()


def sign_up(page: Page, last_name: str, permit: str, address: str) -> None:
    """Fill the sign-up in and send it."""
    for label, text in (
        ("Nom", last_name), ("Prénom", "camille"), ("Date de naissance", "12051991"), ("N° de permis", permit),
        ("Adresse électronique", address), ("Mot de passe", SECRET),
    ):  # fmt: skip
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_label("J’accepte l’usage de ces données").check()
    page.get_by_role("button", name="Créer mon compte").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Consultez votre messagerie")


def letter(program: Program, to: str, subject: str) -> email.message.EmailMessage:
    """Wait for the mail of this subject to this address."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for path in (program.folder / "mails").glob("*.eml"):
            found = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if found["To"] == to and subject in found["Subject"]:
                return found  # type: ignore[return-value]
        time.sleep(0.2)
    raise AssertionError(f"no mail « {subject} » to {to}")


def link(program: Program, to: str, subject: str) -> str:
    """Return the first address of a mail."""
    body = letter(program, to, subject).get_body(("plain",))
    assert body is not None
    found = re.search(r"http://\S+/(?:inscription|mot-de-passe)/\S*", body.get_content())
    assert found
    return found[0]


def test_invited_signed_up_and_the_documents_are_there(new_person: Callable[..., Page], program: Program) -> None:
    manager = new_person("gestionnaire@demo.example")
    register(manager, "LEFÈVRE", "910512300111")
    expect(manager.get_by_text("documents en préparation")).to_have_count(0, timeout=30_000)
    look(manager, "receipt-invite")
    manager.get_by_label("Adresse électronique de LEFÈVRE").fill(ADDRESS)
    manager.get_by_role("button", name="Inviter 1 conducteur").click()
    expect(manager.get_by_text("1 invitation est en cours d’envoi.")).to_be_visible()
    expect(manager.get_by_text("Invitation envoyée")).to_be_visible(timeout=30_000)

    driver = new_person()
    driver.goto("/login/")
    look(driver, "login")
    driver.goto(link(program, ADDRESS, "Créez votre espace conducteur"))
    look(driver, "sign-up")
    driver.get_by_role("button", name="Créer mon compte").click()
    expect(driver.get_by_role("heading", name="7 champs à corriger")).to_be_visible()
    look(driver, "sign-up-errors")
    sign_up(driver, "Lefevre", "9105 1230 0111", ADDRESS)
    look(driver, "sent")

    driver.goto(link(program, ADDRESS, "Confirmez votre adresse"))
    look(driver, "confirm")
    driver.get_by_label("Mot de passe", exact=True).fill(SECRET)
    driver.get_by_role("button", name="Confirmer mon adresse").click()
    expect(driver.get_by_text("Votre compte est ouvert.")).to_be_visible()
    expect(driver.get_by_role("link", name="Télécharger le certificat")).to_be_visible()
    look(driver, "space")
    [certificate] = letter(program, ADDRESS, "Votre certificat de qualification").iter_attachments()
    assert certificate.get_content().startswith(b"%PDF")

    manager.reload()
    expect(manager.get_by_text("1 stagiaire enregistré : 1 certificat envoyé.")).to_be_visible(timeout=30_000)


def test_without_a_proof_nothing_shows_until_an_agent_has_seen_a_document(
    new_person: Callable[..., Page], program: Program
) -> None:
    register(new_person("gestionnaire@demo.example"), "MOREAU", "910512300222")
    address = "camille.petit@mail.example"
    driver = new_person()
    driver.goto("/inscription/")
    sign_up(driver, "Petit", "910512300222", address)
    driver.goto(link(program, address, "Confirmez votre adresse"))
    driver.get_by_label("Mot de passe", exact=True).fill(SECRET)
    driver.get_by_role("button", name="Confirmer mon adresse").click()
    expect(driver.get_by_text("Votre compte est ouvert.")).to_be_visible()
    expect(driver.get_by_text("FIMO")).to_have_count(0)
    look(driver, "unproved")
    driver.get_by_role("link", name="Prouver mon identité").click()
    look(driver, "identity")
    driver.get_by_role("textbox", name="Code d’activation").fill("ACDE-FGHJ")
    driver.get_by_role("button", name="Vérifier ce code").click()
    expect(driver.get_by_role("heading", name="1 champ à corriger")).to_be_visible()
    look(driver, "identity-code-refused")
    document = {"name": "piece.jpg", "mimeType": "image/jpeg", "buffer": picture(900, 600).read()}
    driver.get_by_label("Photo de la pièce d’identité").set_input_files(document)  # type: ignore[arg-type]
    expect(driver.get_by_role("img", name="La pièce d’identité choisie")).to_be_visible()  # seen before it is sent
    look(driver, "identity-seen")
    driver.get_by_role("button", name="Envoyer la pièce d’identité").click()
    expect(driver.get_by_text("Pièce d’identité en cours d’examen")).to_be_visible()

    agent = new_person("agent@demo.example")
    agent.goto("/a-traiter/")
    look(agent, "to-handle")
    agent.get_by_role("link", name="Examiner la pièce de Petit camille").click()
    expect(agent.get_by_text("MOREAU Camille").first).to_be_visible()
    look(agent, "identity-check")
    agent.get_by_role("button", name="Accepter la pièce").click()
    agent.get_by_role("dialog").get_by_role("button", name="Accepter la pièce").click()
    expect(agent.get_by_text("L’identité est vérifiée")).to_be_visible()
    letter(program, address, "Votre identité est vérifiée")

    driver.goto("/mon-espace/")
    expect(driver.get_by_role("link", name="Télécharger le certificat")).to_be_visible(timeout=30_000)


def test_a_lost_password_is_replaced_then_changed(new_person: Callable[..., Page], program: Program) -> None:
    address = "baelen@demo.example"
    page = new_person()
    page.goto("/login/")
    page.get_by_role("link", name="Mot de passe oublié ?").click()
    look(page, "forgotten")
    page.get_by_label("Adresse électronique").fill(address)
    page.get_by_role("button", name="Recevoir le lien").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Consultez votre messagerie")
    look(page, "reset-sent")
    address_of_link = link(program, address, "Choisissez un nouveau mot de passe")
    page.goto(address_of_link)
    look(page, "new-password")
    page.get_by_label("Nouveau mot de passe", exact=True).fill(SECRET)
    page.get_by_label("Nouveau mot de passe, une seconde fois").fill(SECRET)
    page.get_by_role("button", name="Changer le mot de passe").click()
    expect(page.get_by_text("Votre mot de passe est changé.")).to_be_visible()
    page.goto(address_of_link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Ce lien n’est plus valable")
    look(page, "spent")

    page.goto("/login/")
    page.get_by_label("Adresse électronique").fill(address)
    page.get_by_label("Mot de passe", exact=True).fill(SECRET)
    page.get_by_role("button", name="Se connecter").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Mon espace")
    page.goto("/mon-profil/")
    look(page, "profile")
    page.get_by_label("Mot de passe actuel").fill("pas le bon")
    for label in ("Nouveau mot de passe", "Nouveau mot de passe, une seconde fois"):
        page.get_by_label(label, exact=True).fill("tracteur bleu sous la pluie")
    page.get_by_role("button", name="Changer le mot de passe").click()
    expect(page.get_by_role("link", name="Ce n’est pas votre mot de passe actuel.")).to_be_visible()
    look(page, "profile-error")
