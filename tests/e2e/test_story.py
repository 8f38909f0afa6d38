"""The main job, as people do it: three drivers registered by hand, the documents, the driver's space, the mail."""

from __future__ import annotations

import email
import email.policy
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import violations
from tests.e2e.conftest import Program

pytestmark = pytest.mark.browser

LINES = (
    ("Marie", "MARTIN", "12041985", "850492100123"),
    ("Pierre", "DUPONT", "01/01/1990", "82R987928"),
    ("Jean-Noël", "D'ARTAGNAN", "1970-03-27", "8104 9210 0999"),
)


def fill_line(page: Page, first: str, last: str, born: str, permit: str) -> None:
    page.get_by_label("Prénom").fill(first)
    page.get_by_label("Nom", exact=True).fill(last)
    page.get_by_label("Date de naissance", exact=True).fill(born)
    page.get_by_label("N° de permis", exact=True).fill(permit)


def pdf_text(path: Path) -> str:
    return " ".join(subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout.split())


def test_from_three_drivers_to_their_documents(
    new_person: Callable[..., Page], program: Program, tmp_path: Path
) -> None:
    page = new_person("gestionnaire@demo.example")
    page.goto("/sessions/")
    expect(page.get_by_text("vous sera facturé de 25.34€ HT pour une formation longue")).to_be_visible()
    page.get_by_text("Manuellement", exact=True).click()
    page.get_by_role("button", name="Continuer").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Étape 1 sur 3 — Formation")
    page.get_by_label("FIMO").check()
    page.get_by_label("Libellé de la formation").select_option(label="FIMO Marchandises (25,34\xa0€ HT)")
    page.get_by_label("Date de fin de la formation", exact=True).fill("7.1.2022")
    page.get_by_role("button", name=re.compile("Étape suivante|Continuer")).click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Étape 2 sur 3 — Conducteurs")
    page.get_by_label("Réf").fill("REF2022")
    page.get_by_label("N° de commande").fill("COM2022")
    for number, line in enumerate(LINES, 1):
        fill_line(page, *line)
        page.keyboard.press("Enter")
        expect(page.get_by_text(f"Ligne {number} ajoutée : {line[1]} {line[0]}")).to_be_visible()
        expect(page.get_by_label("Prénom")).to_be_focused()
        expect(page.get_by_label("N° de commande").first).to_have_value("COM2022")
    expect(page.get_by_text("Ne possède pas encore de compte sur la plateforme").first).to_be_visible()
    page.get_by_role("link", name=re.compile("Étape suivante")).click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Étape 3 sur 3 — Contrôles")
    page.get_by_role("button", name="Vérifier").click()
    page.get_by_role("button", name=re.compile("Importer 3 lignes — 76,02\\s€ HT")).first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Vous êtes sur le point d'importer vos sessions.")).to_be_visible()
    dialog.get_by_role("button", name=re.compile("Importer 3 lignes")).click()

    expect(page.get_by_text("Votre import a été pris en compte avec succès")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="MARTIN")
    expect(row.get_by_text("Envoyé", exact=True)).to_be_visible(timeout=30_000)
    expect(page.get_by_role("row").filter(has_text="DUPONT").get_by_text("Attend un compte")).to_be_visible()

    driver = new_person("conducteur@demo.example")
    driver.goto("/mon-espace/")
    assert violations(driver) == []
    texts = []
    for kind in ("Certificat de qualification", "Récapitulatif de formation"):
        row = driver.get_by_role("table").get_by_role("row").filter(has_text=kind).first  # the latest
        with driver.expect_download() as download:
            row.get_by_role("link").first.click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        texts.append(pdf_text(path))
    assert "Certificat de qualification" in texts[0]
    assert "Récapitulatif de formation" in texts[1]
    for text in texts:
        for part in ("MARTIN", "Marie", "12/04/1985", "850492100123", "FIMO Marchandises", "07/01/2022"):
            assert part in text, part

    number = re.search(r"CQ-22-[0-9A-Z]{5}-[0-9A-Z]{5}", texts[0])
    assert number
    letters = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in (program.folder / "mails").glob("*.eml")
    ]
    [letter] = [letter for letter in letters if number[0] in letter["Subject"]]
    assert letter["To"] == "conducteur@demo.example"
    [attachment] = list(letter.iter_attachments())  # type: ignore[attr-defined]
    assert attachment.get_filename() == f"certificat-{number[0]}.pdf"
    assert attachment.get_content().startswith(b"%PDF")

    anybody = new_person()
    anybody.goto(f"/verifier/{number[0]}")
    expect(anybody.get_by_role("heading", name=re.compile("valide", re.IGNORECASE)).first).to_be_visible()
    expect(anybody.get_by_text("M. M.")).to_be_visible()
    assert "MARTIN" not in anybody.content()
    assert violations(anybody) == []
