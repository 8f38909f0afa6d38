"""A manager who typed one wrong digit mends it, in a browser at both widths; the public page of the old number says so."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import violations

pytestmark = pytest.mark.browser
MANAGER = "gestionnaire@demo.example"
#: What stands out of the screen.
WIDER = """width => document.documentElement.scrollWidth <= width ? [] : [...document.querySelectorAll("main *")]
    .filter(one => one.getBoundingClientRect().right > width + 1).map(one => one.outerHTML.slice(0, 120)).slice(0, 6)"""
WRONG, RIGHT = "761234500123", "761234500132"


def fits(page: Page) -> None:
    """The page has no violation, and is no wider than the screen, at 1280 and at 390 px."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert violations(page) == []
        wide = page.evaluate(WIDER, width)
        assert wide == []
    page.set_viewport_size({"width": 1280, "height": 900})


PAUL = ("Paul", "MARTINEAU", "12/04/1976", WRONG)
MARIE = ("Marie", "MARTIN", "12/04/1985", "850492100123")
#: A driver with an account, whose number is one digit from somebody else's.
LEROY, OTHER_LEROY = ("Marie", "LEROY", "25/12/2002", "298795874"), "298795875"


def register(page: Page, driver: tuple[str, str, str, str] = PAUL, order: str = "COM1") -> None:
    page.goto("/sessions/")
    page.get_by_role("button", name="Continuer").first.click()
    page.locator("#training_id").select_option(index=1)
    page.locator("#end_date").fill("07/01/2022")
    page.get_by_role("button", name="Étape suivante").click()
    names = ("first_name", "last_name", "birth_date", "permit_number")
    for name, value in (("order_number", order), *zip(names, driver, strict=True)):
        page.locator(f"[name={name}]").first.fill(value)
    page.get_by_role("button", name="Ajouter").first.click()
    expect(page.get_by_text(driver[1]).first).to_be_visible()
    page.get_by_role("link", name="Étape suivante").or_(page.get_by_role("button", name="Étape suivante")).first.click()
    page.get_by_role("button", name="Vérifier").click()
    page.get_by_role("button", name=re.compile("Importer 1 ligne")).first.click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Importer 1 ligne")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Reçu RE-")


def test_a_wrong_digit_is_mended_within_a_minute(new_person: Callable[..., Page]) -> None:
    page = new_person(MANAGER)
    register(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Reçu RE-")
    page.get_by_role("link", name="Corriger ou annuler").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Corriger l’enregistrement de MARTINEAU Paul")
    fits(page)
    page.get_by_role("button", name="Voir ce qui se passera").click()
    expect(page.get_by_role("alert")).to_contain_text("Choisissez le motif")
    page.get_by_label("Motif de la correction").select_option(label="N° de permis faux")
    page.get_by_label("N° de permis, corrigé").fill(RIGHT)
    page.get_by_role("button", name="Voir ce qui se passera").click()
    expect(page.get_by_text(f"Le permis {RIGHT} n’a pas de compte")).to_be_visible()
    fits(page)
    number = page.locator(".effects li").first.inner_text().split("certificat ")[1].split()[0]
    page.get_by_role("button", name="Remplacer l’enregistrement").click()
    expect(page.get_by_text("Remplace RE-")).to_be_visible()
    fits(page)
    page.goto(f"/verifier/{number}")
    expect(page.get_by_text("et remplacé. Demandez à son titulaire")).to_be_visible()
    page.goto("/mes-enregistrements/list/")
    expect(page.locator("del", has_text="MARTINEAU Paul").first).to_be_visible()
    fits(page)


def mend(page: Page, permit: str) -> None:
    """Replace the line of the receipt that is shown by one with another permit number, within a minute."""
    began = time.monotonic()
    page.get_by_role("link", name="Corriger ou annuler").first.click()
    page.get_by_label("Motif de la correction").select_option(label="N° de permis faux")
    page.get_by_label("N° de permis, corrigé").fill(permit)
    page.get_by_role("button", name="Voir ce qui se passera").click()
    page.get_by_role("button", name="Remplacer l’enregistrement").click()
    expect(page.get_by_text("Remplace RE-")).to_be_visible()
    assert time.monotonic() - began < 60


def test_the_right_driver_finds_the_certificate(new_person: Callable[..., Page]) -> None:
    manager, driver = new_person(MANAGER), new_person("conducteur@demo.example")
    register(manager, (*MARIE[:3], "850492100132"))
    driver.goto("/mon-espace/")
    certificates = driver.get_by_role("link", name=re.compile("PDF : Certificat"))
    before = certificates.count()
    mend(manager, MARIE[3])
    expect(manager.get_by_text("envoyé le").first).to_be_visible(timeout=60_000)
    driver.goto("/mon-espace/")
    expect(certificates).to_have_count(before + 1)
    fits(driver)


def test_the_stranger_s_space_says_nothing_of_the_other_person(new_person: Callable[..., Page]) -> None:
    manager, stranger = new_person(MANAGER), new_person("leroy@demo.example")
    register(manager, LEROY)
    stranger.goto("/mon-espace/")
    expect(stranger.get_by_role("heading", name="Mes formations")).to_be_visible()
    mend(manager, OTHER_LEROY)
    stranger.goto("/mon-espace/")
    expect(stranger.get_by_text("Un enregistrement établi par erreur a été annulé le")).to_be_visible()
    told = stranger.locator("main").inner_text()
    for secret in (OTHER_LEROY, "emplacé", "RE-22"):
        assert secret not in told, told
    fits(stranger)


def test_several_lines_are_cancelled_in_one_act(new_person: Callable[..., Page]) -> None:
    page = new_person(MANAGER)
    register(page)
    page.get_by_role("link", name="Annuler des lignes").click()
    fits(page)
    page.get_by_label("Motif pour tout l’envoi").select_option(label="Ligne en double")
    page.get_by_role("button", name="Annuler tout cet envoi…").click()
    fits(page)
    page.get_by_role("button", name="Annuler 1 ligne").click()
    expect(page.get_by_text("La ligne est annulée.")).to_be_visible()
    fits(page)


def test_a_driver_reports_an_error_and_reads_the_answer(new_person: Callable[..., Page]) -> None:
    driver, manager = new_person("conducteur@demo.example"), new_person(MANAGER)
    register(manager, MARIE)
    driver.goto("/mon-espace/")
    driver.get_by_role("link", name=re.compile("Signaler une erreur")).first.click()
    fits(driver)
    driver.get_by_role("button", name="Envoyer au centre").click()
    expect(driver.get_by_role("alert")).to_contain_text("Écrivez ce qui est exact")
    fits(driver)
    driver.get_by_label("N° de permis, ce qui est exact").fill("850492100132")
    driver.get_by_role("button", name="Envoyer au centre").dblclick()
    expect(driver.get_by_text("Votre signalement est envoyé")).to_be_visible()
    fits(driver)
    manager.goto("/centre/a-traiter/")
    fits(manager)
    manager.get_by_role("link", name=re.compile("Voir et répondre")).click()
    expect(manager.get_by_role("cell", name="850492100132")).to_be_visible()
    fits(manager)
    manager.get_by_role("link", name="Corriger l’enregistrement").click()
    expect(manager.get_by_label("N° de permis, corrigé")).to_have_value("850492100132")
    manager.go_back()
    manager.get_by_label("Votre réponse au conducteur").fill("Relu sur votre permis")
    manager.get_by_role("button", name="Répondre que les données sont exactes").click()
    expect(manager.get_by_text("Votre réponse est envoyée")).to_be_visible()
    driver.goto("/mon-espace/")
    expect(driver.get_by_text("Relu sur votre permis")).to_be_visible()
    fits(driver)
