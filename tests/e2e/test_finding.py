"""The search of the top bar in a real browser: the key that leads to it, off in fields and where it was switched off."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .axe import violations


def test_a_key_leads_to_the_search_but_is_a_letter_in_a_field_and_can_be_switched_off(
    new_person: Callable[..., Page],
) -> None:
    page = new_person("agent@demo.example")
    page.goto("/aide/")
    field = page.get_by_role("searchbox", name="Chercher dans le registre")
    page.keyboard.press("/")
    expect(field).to_be_focused()
    page.keyboard.type("zz/zz")
    expect(field).to_have_value("zz/zz")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Aucune réponse pour")
    expect(field).to_have_value("zz/zz")
    page.get_by_label("La touche").uncheck()
    page.goto("/aide/")
    page.keyboard.press("/")
    expect(field).not_to_be_focused()


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_the_search_fits(new_person: Callable[..., Page], width: int) -> None:
    page = new_person("gestionnaire@demo.example", width=width)
    for asked in ("", "martin", "zzz"):
        page.goto(f"/recherche/?q={asked}")
        expect(page.get_by_role("searchbox")).to_be_visible()
        assert not violations(page), (width, asked)
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), (width, asked)


def test_it_works_without_scripts(new_person: Callable[..., Page]) -> None:
    page = new_person("agent@demo.example", java_script_enabled=False)
    page.goto("/aide/")
    page.get_by_label("Chercher dans le registre").fill("12345678200010")
    page.get_by_label("Chercher dans le registre").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Centre de formation Démo")
