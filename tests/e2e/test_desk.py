"""The desk in a real browser: dashboards, a list searched and taken away as a file, the journal of a record."""

from __future__ import annotations

import csv
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.faults.person import Person
from tests.support import many

from .axe import violations
from .conftest import Program


@pytest.fixture(scope="module", autouse=True)
def registered(program: Program) -> None:
    """Register a driver: without any registration a dashboard has words instead of a trend."""
    person = Person(program.url, "gestionnaire@demo.example")
    key = person.draft(*many(1))
    person.post(f"/sessions/{key}/importer")
    assert "/recu" in person.at


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("who", ["agent@demo.example", "gestionnaire@demo.example"])
def test_dashboards_read_well_and_fit(new_person: Callable[..., Page], who: str, width: int) -> None:
    page = new_person(who, width=width)
    page.goto("/tableau-de-bord/")
    expect(page.get_by_role("heading", name="Tableau de bord", level=1)).to_be_visible()
    expect(page.get_by_role("img", name="nregistrement")).to_be_visible()
    summary = page.get_by_text("Voir les chiffres en tableau")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("table", name="Enregistrements par mois").get_by_role("row")).to_have_count(13)
    assert not violations(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_agent_searches_a_list_takes_it_away_and_reads_its_history(new_person: Callable[..., Page]) -> None:
    page = new_person("agent@demo.example")
    expect(page).to_have_url("/tableau-de-bord/")
    page.get_by_role("navigation", name="Menu principal").locator("summary", has_text="Centres").click()
    page.get_by_role("link", name="Centres", exact=True).click()
    page.get_by_label("Nom, SIRET ou adresse").fill("voisin")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.get_by_label("Nom, SIRET ou adresse")).to_have_value("voisin")
    assert not violations(page)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV").click()
    with waiting.value.path().open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))
    assert [row[0] for row in rows] == ["Nom", "Centre Voisin"]
    page.get_by_role("link", name="Voir : Centre Voisin").click()
    page.get_by_role("link", name="Historique").click()
    expect(page.get_by_role("heading", name="Journal", level=1)).to_be_visible()
    assert not violations(page)
    page.goto("/journal/list/")
    expect(page.get_by_text("a exporté une liste").first).to_be_visible()
    assert not violations(page)


@pytest.mark.parametrize("width", [1280, 390])
def test_registrations_and_exports_fit_and_pass_axe(new_person: Callable[..., Page], width: int) -> None:
    page = new_person("gestionnaire@demo.example", width=width)
    for address in ("/mes-enregistrements/list/?_flt_0_words=zzz", "/mes-conducteurs/list/", "/exports/"):
        page.goto(address)
        assert not violations(page), address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
