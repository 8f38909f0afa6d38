"""`make screenshots`: the README's pictures, taken from the real program with its year of demonstration."""

from __future__ import annotations

import re
import tempfile
from itertools import count
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.conftest import FLAGS, ROOT, Program, chromium_path, sign_in, start_program
from tests.e2e.test_import import cell, correct
from tests.support import MARIE, PIERRE

IMAGES = ROOT / "docs" / "images"


def entered(browser: Browser, program: Program, email: str) -> Page:
    """Return a page of a person signed in."""
    page = browser.new_context(base_url=program.url, viewport={"width": 1280, "height": 860}, locale="fr-FR").new_page()
    sign_in(page, email)
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def by_hand(page: Page) -> None:
    """Register two drivers by hand, with a picture of each step that has something to show."""
    page.goto("/sessions/")
    page.screenshot(path=IMAGES / "sessions.png")
    page.get_by_text("Manuellement", exact=True).click()
    page.get_by_role("button", name="Continuer").click()
    page.get_by_label("FIMO").check()
    page.get_by_label("Libellé de la formation").select_option(index=2)
    page.get_by_label("Date de fin de la formation", exact=True).fill("07/01/2022")
    page.get_by_role("button", name=re.compile("Étape suivante")).click()
    page.get_by_label("N° de commande").fill("COM20220101")
    page.get_by_label("Réf").fill("REF202201")
    for number, line in enumerate((MARIE, PIERRE), 1):
        page.get_by_label("Prénom").fill(line["first_name"])
        page.get_by_label("Nom", exact=True).fill(line["last_name"])
        page.get_by_label("Date de naissance", exact=True).fill(line["birth_date"])
        page.get_by_label("N° de permis", exact=True).fill(line["permit_number"])
        page.keyboard.press("Enter")
        page.get_by_text(f"Ligne {number} ajoutée").wait_for()
    page.screenshot(path=IMAGES / "conducteurs.png")
    page.get_by_role("link", name=re.compile("Étape suivante")).click()
    page.get_by_role("button", name="Vérifier").click()
    page.get_by_role("button", name=re.compile("Importer 2 lignes")).first.click()
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    page.screenshot(path=IMAGES / "confirmation.png")
    dialog.get_by_role("button", name=re.compile("Importer 2 lignes")).click()
    page.get_by_text("1 certificat envoyé").first.wait_for(timeout=60_000)
    page.screenshot(path=IMAGES / "recu.png")


def tour(page: Page) -> None:
    """Take the import in error that waits in the demonstration to its receipt, in six stills."""
    stills = count(1)

    def still() -> None:
        page.screenshot(path=IMAGES / f"visite-{next(stills)}.png")

    page.goto("/tableau-de-bord/")
    still()
    page.get_by_role("link", name="dans 1 import").click()
    page.get_by_role("link", name="Corriger").click()
    page.get_by_text("Prénom non renseigné").first.wait_for()
    page.screenshot(path=IMAGES / "rapport.png", full_page=True)
    still()
    cell(page, 2, "first_name").click()
    page.locator("[data-editing] .input").fill("MARIE")
    still()
    page.keyboard.press("Enter")
    page.get_by_text("4 erreur(s)").wait_for()
    for line, field, text in (
        (3, "training_label", "Passerelle Marchandises"),
        (4, "end_date", "01/01/2022"),
        (5, "first_name", "JEANNE"),
        (6, "birth_date", "21/03/2001"),
        (6, "category", "Voyageurs"),
    ):
        correct(page, line, field, text)
    page.get_by_text("0 erreur(s)").wait_for()
    still()
    page.get_by_role("button", name="Importer", exact=True).click()
    dialog = page.get_by_role("dialog", name="Confirmation")
    dialog.wait_for()
    still()
    dialog.get_by_role("button", name=re.compile("Importer 6 lignes")).click()
    page.locator("#documents:not([hx-get])").wait_for(timeout=90_000)  # nothing is about to change
    still()


def of_the_representative(page: Page) -> None:
    """Show the centre's dashboard and who may do what."""
    page.goto("/tableau-de-bord/")
    page.screenshot(path=IMAGES / "tableau-de-bord.png")
    page.goto("/mon-centre/droits/")
    page.screenshot(path=IMAGES / "droits.png")


def main() -> None:
    """Take the pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        program = start_program(folder / "data", SEED="year")
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        try:
            manager = entered(browser, program, "gestionnaire@demo.example")
            tour(manager)
            by_hand(manager)
            entered(browser, program, "conducteur@demo.example").screenshot(path=IMAGES / "mon-espace.png")
            of_the_representative(entered(browser, program, "representant@demo.example"))
            entered(browser, program, "agent@demo.example").screenshot(path=IMAGES / "agents.png")
        finally:
            browser.close()
            program.stop()
    print(f"{len(list(IMAGES.glob('*.png')))} pictures in docs/images")


if __name__ == "__main__":
    main()
