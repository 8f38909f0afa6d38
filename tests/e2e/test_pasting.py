"""Rows pasted from a spreadsheet whose columns nobody knows: asked by selects, with the keyboard, with and without scripts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import violations

pytestmark = pytest.mark.browser

TEXT = "Apellido\tNombre\tNacido\tCarnet\tVille\nMARTIN\tJean\t01/02/1990\t850493200011\tLyon\n"


def _asked(page: Page, scripts: bool) -> None:
    """Go to the question which column is which."""
    page.goto("/sessions/")
    page.get_by_text("Manuellement", exact=True).click()
    page.get_by_role("button", name="Continuer").click()
    if scripts:  # families narrow the labels; without scripts all labels are there
        page.get_by_label("FIMO").check()
    page.get_by_label("Libellé de la formation").select_option(label="FIMO Marchandises (25,34\xa0€ HT)")
    page.get_by_label("Date de fin de la formation", exact=True).fill("07/01/2022")
    page.get_by_role("button", name="Étape suivante").click()
    page.goto(page.url.replace("conducteurs", "coller"))
    page.get_by_label("N° de commande").fill("COM1")
    page.get_by_label("Lignes copiées").fill(TEXT)
    page.get_by_role("button", name="Voir l’aperçu").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Que porte chaque colonne ?")


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_order_of_columns_is_asked_and_answered_by_keyboard(
    new_person: Callable[..., Page], scripts: bool, width: int
) -> None:
    page = new_person("gestionnaire@demo.example", java_script_enabled=scripts, width=width)
    _asked(page, scripts)
    page.get_by_role("button", name="Voir l’aperçu").press("Enter")
    expect(page.get_by_text("Indiquez quelle colonne porte : Prénom, Nom.").first).to_be_visible()
    if scripts:
        assert violations(page) == []
    page.get_by_label("Colonne A").press("N")
    page.get_by_label("Colonne A").select_option(label="Nom")
    page.get_by_label("Colonne B").select_option(label="Prénom")
    page.get_by_role("button", name="Voir l’aperçu").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Aperçu des lignes collées")
    expect(page.get_by_text("Colonne non reprise : « Ville ».")).to_be_visible()
    if scripts:
        assert violations(page) == []
    page.get_by_role("button", name="Ajouter la ligne").press("Enter")
    expect(page.get_by_text("1 ligne ajoutée.")).to_be_visible()


ROWS = (
    "Jean\tMARTIN\t01/02/1990\t850493200011\n\tDUPONT\t01/01/1990\t82R987928\nJean\tMARTIN\t01/02/1990\t850493200011\n"
)


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("width", [1280, 390])
def test_pasted_rows_are_corrected_in_place_with_one_order_number(
    new_person: Callable[..., Page], scripts: bool, width: int
) -> None:
    page = new_person("gestionnaire@demo.example", java_script_enabled=scripts, width=width)
    _asked(page, scripts)
    page.get_by_role("button", name="Revoir le collage").click()
    page.get_by_label("N° de commande").fill("")
    page.get_by_label("Lignes copiées").fill(ROWS)
    page.get_by_role("button", name="Voir l’aperçu").click()
    expect(page.get_by_role("heading", name="3 lignes à corriger")).to_be_visible()
    page.get_by_role("link", name="N° de commande : saisissez-le une fois").click()
    page.get_by_label("N° de commande", exact=True).fill("COM1")
    page.get_by_label("N° de commande", exact=True).press("Enter")
    expect(page.get_by_role("heading", name="1 ligne à corriger")).to_be_visible()
    cell = page.get_by_label("Prénom, ligne 2")
    cell.fill("Pierre")
    if scripts:  # judged as soon as it is left, and the focus stays with who types
        cell.press("Tab")
        expect(page.get_by_label("Nom, ligne 2", exact=True)).to_be_focused()
        expect(cell).not_to_have_attribute("aria-invalid", "true")
        assert violations(page) == []
    else:
        cell.press("Enter")
    expect(page.get_by_text("Prénom non renseigné")).to_have_count(0)
    expect(page.get_by_text("2 lignes, 50,68\xa0€ HT à l’import")).to_be_visible()
    page.get_by_role("button", name="Ajouter 3 lignes").press("Enter")
    expect(page.get_by_text("3 lignes ajoutées.")).to_be_visible()
    expect(page.get_by_role("heading", name="Pour toutes les lignes")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_any_cell_of_steps_2_and_3_is_corrected_where_it_stands(new_person: Callable[..., Page], width: int) -> None:
    page = new_person("gestionnaire@demo.example", width=width)
    _asked(page, scripts=True)
    page.get_by_role("button", name="Revoir le collage").click()
    page.get_by_label("N° de commande").fill("COM1")
    page.get_by_label("Lignes copiées").fill("\n".join(ROWS.split("\n")[:2]))
    page.get_by_role("button", name="Voir l’aperçu").click()
    expect(page.locator("[data-error-summary]")).to_be_focused()  # the page is there with its scripts
    page.keyboard.press("F8")
    expect(page.get_by_label("Prénom, ligne 2")).to_be_focused()
    page.get_by_role("button", name="Ajouter 2 lignes").click()
    cell = page.locator("#ligne-1 [data-cell=last_name]")
    cell.click()
    field = page.locator("[data-editing] .input")
    expect(field).to_be_focused()
    page.evaluate("scrollTo(0, 0)")  # what the bar covers while one scrolls is no target
    assert violations(page) == []
    field.fill("PERDU")
    field.press("Escape")
    expect(cell).to_be_focused()
    expect(page.locator("#ligne-1")).not_to_contain_text("PERDU")
    cell.press("Enter")
    field.fill("MARTINEAU")
    field.press("Enter")
    expect(page.locator("#told")).to_contain_text("Ligne 1 corrigée.")
    expect(cell).to_be_focused()
    page.keyboard.press("F8")
    expect(page.locator("#case-2-first_name")).to_be_focused()
    page.keyboard.type("Pierre")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 ligne corrigée.")).to_be_visible()
    page.get_by_role("link", name="Étape suivante : Contrôles").click()
    page.get_by_role("button", name="Vérifier").click()
    importing = page.get_by_role("button", name="Importer 2 lignes")
    expect(importing).to_be_visible()
    page.locator("#ligne-2 [data-cell=order_number]").press(" ")
    field.fill("")
    field.press("Enter")
    expect(page.locator("#case-2-order_number")).to_be_focused()
    expect(page.get_by_text("Des lignes ont changé depuis la dernière vérification")).to_be_visible()
    expect(importing).to_have_count(0)
    page.keyboard.type("COM2")
    page.locator("#ligne-1 [data-cell=reference]").click()
    field.fill("REF9")  # neither is validated: « Vérifier » takes both
    page.get_by_role("button", name="Vérifier").click()
    expect(page.locator("#ligne-1")).to_contain_text("REF9")
    expect(page.locator("#ligne-2")).to_contain_text("COM2")
    assert violations(page) == []
