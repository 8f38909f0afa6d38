"""A sign-in ended elsewhere, in a real browser: what stands in the fields is there again, with scripts and without."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import PASSWORD
from .importing import settles
from .test_account import look

pytestmark = pytest.mark.browser

MANAGER, LEGAL = "gestionnaire@demo.example", "representant@demo.example"
BACK = "Ce que vous aviez saisi est de retour dans les champs"
TYPED = {"N° de commande": "COM42", "Prénom": "Nora", "Nom": "VASSEUR", "N° de permis": "990011223344"}


def to_step_two(page: Page) -> None:
    """Begin a session by hand up to its drivers."""
    page.goto("/sessions/")
    page.get_by_role("button", name="Continuer").first.click()
    page.locator("#training_id").select_option(index=1)
    page.locator("#end_date").fill("07/01/2022")
    page.get_by_role("button", name="Étape suivante").click()
    expect(page.get_by_role("heading", name="Ajouter un conducteur")).to_be_visible()


def end_elsewhere(new_person: Callable[..., Page]) -> None:
    """« Déconnecter mes autres sessions », in another browser."""
    elsewhere = new_person(MANAGER)
    elsewhere.goto("/mon-profil/")
    elsewhere.get_by_role("button", name="Déconnecter mes autres sessions").click()
    expect(elsewhere.get_by_text("Vos autres sessions sont fermées.")).to_be_visible()


def type_line(page: Page) -> None:
    """Fill the fields of a line in, without leaving the last one."""
    for label, value in TYPED.items():
        page.get_by_label(label, exact=True).first.fill(value)


def sign_in_here(page: Page, email: str = MANAGER) -> None:
    """Sign in where the program has led."""
    expect(page.get_by_role("heading", name="Se connecter")).to_be_visible()
    page.get_by_label("Adresse électronique").fill(email)
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    page.wait_for_url(lambda url: "/login" not in url)


def is_back(page: Page) -> None:
    """See the line typed in its fields, and nothing added."""
    expect(page.get_by_text(BACK)).to_be_visible()
    for label, value in TYPED.items():
        expect(page.get_by_label(label, exact=True).first).to_have_value(value)
    expect(page.locator("#lines tbody tr")).to_have_count(0)


@pytest.mark.parametrize("scripts", [True, False])
def test_the_line_typed_is_there_after_signing_in_again(new_person: Callable[..., Page], scripts: bool) -> None:
    page = new_person(MANAGER, java_script_enabled=scripts)
    to_step_two(page)
    type_line(page)
    end_elsewhere(new_person)
    page.get_by_label("Prénom", exact=True).first.press("Enter")
    sign_in_here(page)
    is_back(page)
    if scripts:
        look(page, "resumed-line")
        assert "reprise" not in page.url
    page.get_by_label("Date de naissance").first.fill("03/03/1983")
    page.get_by_role("button", name="Ajouter", exact=True).click()
    expect(page.locator("#lines tbody tr")).to_have_count(1)


def test_a_call_without_fields_hands_over_what_was_typed(new_person: Callable[..., Page]) -> None:
    page = new_person(MANAGER)
    to_step_two(page)
    type_line(page)
    page.get_by_label("Date de naissance").first.fill("03/03/1983")
    page.get_by_role("button", name="Ajouter", exact=True).click()
    expect(page.locator("#lines tbody tr")).to_have_count(1)
    page.locator("#first_name").fill("Zoé")
    page.locator("#last_name").fill("LAMBERT")
    end_elsewhere(new_person)
    held: list[Route] = []
    page.route("**/saisie-gardee/", lambda route: held.append(route))
    # The field that was left is being checked: two calls meet the end, and what is handed over is not cut off.
    with page.expect_response("**/lignes/champ"), page.expect_response("**/supprimer"):
        page.locator(".rowactions button").first.click()  # it takes a line out, and sends no field of the other form
    settles(page, lambda _page: len(held), 1)  # a request is told of before its route is asked
    held.pop().continue_()
    sign_in_here(page)
    expect(page.get_by_text(BACK)).to_be_visible()
    expect(page.locator("#last_name")).to_have_value("LAMBERT")
    expect(page.locator("#first_name")).to_have_value("Zoé")
    expect(page.locator("#lines tbody tr")).to_have_count(1)


def test_another_person_finds_nothing_in_that_browser(new_person: Callable[..., Page]) -> None:
    page = new_person(MANAGER)
    to_step_two(page)
    type_line(page)
    end_elsewhere(new_person)
    page.get_by_label("Prénom", exact=True).first.press("Enter")
    sign_in_here(page, LEGAL)
    expect(page.get_by_role("heading", name="Ajouter un conducteur")).to_be_visible()
    assert "VASSEUR" not in page.content()
    assert BACK not in page.content()


@pytest.mark.parametrize("scripts", [True, False])
def test_pasted_rows_are_there_with_their_corrections(new_person: Callable[..., Page], scripts: bool) -> None:
    page = new_person(MANAGER, java_script_enabled=scripts)
    to_step_two(page)
    page.get_by_role("link", name="Coller des lignes du tableur").click()
    page.locator("#text").fill("Jean\tPETIT\t01/02/1980\t123456789\nLuc\tGRAND\t01/02/1981\t12")
    page.get_by_role("button", name="Voir l’aperçu").click()
    cell = page.locator('[name="case-1-permit_number"]').last
    end_elsewhere(new_person)
    cell.fill("223456789")
    page.get_by_role("button", name="Ajouter 2 lignes").click()
    sign_in_here(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Aperçu des lignes collées")
    expect(page.locator('[name="case-1-permit_number"]').last).to_have_value("223456789")
    if scripts:
        look(page, "resumed-paste")
    page.get_by_role("button", name="Ajouter 2 lignes").click()
    expect(page.locator("#lines tbody tr")).to_have_count(2)
