"""An agent joins two records of one person and parts them, and corrects an identity, in a browser at both widths."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .test_corrections import fits

pytestmark = pytest.mark.browser
AGENT = "agent@demo.example"
PERMITS = ("990269200041", "990969300777")


def add(page: Page, permit: str) -> None:
    """Add a driver by hand: another record of the same person."""
    page.goto("/conducteurs/add")
    for label, value in (
        ("Nom", "VASSEUR"), ("Prénom", "Inès"), ("Date de naissance", "14/02/1988"), ("N° de permis", permit),
    ):  # fmt: skip
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_text("Ajout enregistré")).to_be_visible()


def open_card(page: Page, permit: str) -> None:
    page.goto(f"/conducteurs/list/?_flt_0_words={permit}")
    page.locator("table a[href*='/conducteurs/show/']").first.click()
    expect(page.get_by_role("heading", name="Identité")).to_be_visible()


def test_two_records_are_joined_parted_and_one_is_corrected(new_person: Callable[..., Page]) -> None:
    page = new_person(AGENT)
    for permit in PERMITS:
        add(page, permit)
    open_card(page, PERMITS[0])
    fits(page)
    page.get_by_role("link", name="Réunir avec un autre conducteur").click()
    fits(page)
    page.get_by_role("link", name="Comparer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Réunir deux fiches de conducteur ?")
    fits(page)
    page.get_by_role("button", name="Réunir les deux fiches").click()
    expect(page.get_by_role("alert")).to_contain_text("Dites pourquoi")
    expect(page).to_have_title(re.compile("^Erreur"))
    fits(page)
    page.get_by_label("Pourquoi ces deux fiches").fill("permis renouvelé, vu les deux")
    page.get_by_role("button", name="Réunir les deux fiches").click()
    expect(page.get_by_text("Les deux fiches sont réunies")).to_be_visible()
    fits(page)
    open_card(page, PERMITS[1])
    expect(page.get_by_text(f"permis {PERMITS[1]}").first).to_be_visible()
    page.get_by_role("link", name="Défaire la réunion").click()
    fits(page)
    page.get_by_label("Pourquoi ce sont deux personnes").fill("deux sœurs")
    page.get_by_role("button", name="Défaire la réunion").click()
    expect(page.get_by_text("La réunion est défaite")).to_be_visible()
    page.get_by_role("link", name="Corriger l’identité").click()
    fits(page)
    page.get_by_label("N° de permis").fill("440969300222")
    page.get_by_role("button", name="Voir ce qui se passera").click()
    expect(page.get_by_role("alert")).to_contain_text("dites pourquoi")
    fits(page)
    page.get_by_label("L’identité a changé").check()
    page.get_by_label("Motif").fill("permis renouvelé")
    page.get_by_role("button", name="Voir ce qui se passera").click()
    expect(page.get_by_role("heading", name="Ce qui se passera")).to_be_visible()
    fits(page)
    page.get_by_role("button", name="Corriger l’identité").click()
    expect(page.get_by_text("L’identité est corrigée")).to_be_visible()
    open_card(page, PERMITS[0])
    expect(page.get_by_text("440969300222").first).to_be_visible()
    fits(page)
