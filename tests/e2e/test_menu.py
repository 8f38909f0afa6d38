"""The agents' menu in a real browser: groups by keyboard and without scripts, the entry one stands on in sight on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .axe import violations

AGENT, MANAGER = "agent@demo.example", "gestionnaire@demo.example"


@pytest.mark.parametrize("width", [1280, 390])
def test_groups_open_by_keyboard_close_by_escape_and_fit(new_person: Callable[..., Page], width: int) -> None:
    page = new_person(AGENT, width=width)
    page.goto("/agrements/list/")
    menu = page.get_by_role("navigation", name="Menu principal")
    group = menu.locator("summary", has_text="Centres")
    expect(group).to_contain_text("Agréments")
    expect(menu.get_by_role("link", name="Contrats")).to_be_hidden()
    group.focus()
    page.keyboard.press("Enter")
    expect(menu.get_by_role("link", name="Contrats")).to_be_visible()
    assert not violations(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Escape")
    expect(menu.get_by_role("link", name="Contrats")).to_be_hidden()
    expect(group).to_be_focused()
    page.keyboard.press("Enter")
    menu.get_by_role("link", name="Contrats").press("Enter")
    expect(page).to_have_url("/contrats/list/")


def test_groups_work_without_scripts(new_person: Callable[..., Page]) -> None:
    page = new_person(AGENT, java_script_enabled=False)
    page.goto("/aide/")
    menu = page.get_by_role("navigation", name="Menu principal")
    menu.locator("summary", has_text="Réglages").click()
    menu.get_by_role("link", name="Tarifs").click()
    expect(page.get_by_role("heading", name="Tarifs", level=1)).to_be_visible()


@pytest.mark.parametrize(
    ("who", "address", "entry"),
    [
        (AGENT, "/tarifs/list/", "Tarifs"),
        (AGENT, "/demandes-de-carte/", "Cartes"),
        (MANAGER, "/mon-centre/", "Mon centre"),
    ],
)
def test_the_entry_one_stands_on_is_in_sight_on_a_phone(
    new_person: Callable[..., Page], who: str, address: str, entry: str
) -> None:
    page = new_person(who, width=390)
    page.goto(address)
    here = page.get_by_role("navigation", name="Menu principal").locator(".topnav__here")
    expect(here).to_contain_text(entry)
    box = here.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
