"""The first start as a person sees it: a year of work on every screen, from the first sign-in on."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from .conftest import sign_in, start_program


def test_the_first_sign_in_finds_a_year_of_work_and_the_worker_draws_its_documents(
    browser: Browser, tmp_path: Path
) -> None:
    program = start_program(tmp_path / "data", SEED="year")
    try:

        def page_of(email: str) -> Page:
            page = browser.new_context(base_url=program.url, locale="fr-FR").new_page()
            sign_in(page, email)
            page.wait_for_url(lambda url: "/login" not in url)
            return page

        manager = page_of("gestionnaire@demo.example")
        manager.goto("/tableau-de-bord/")
        expect(manager.get_by_text("5 lignes")).to_be_visible()
        expect(manager.get_by_text("à reprendre, 4 conducteurs")).to_be_visible()
        expect(page_of("conducteur@demo.example").get_by_text(re.compile("restants, jusqu’au"))).to_be_visible()
        agent = page_of("agent@demo.example")
        agent.goto("/a-traiter/")
        for text in ("NGUYEN Thierry", "MOREL Camille", "LEFÈVRE Nathalie", "Fichier introuvable", "SMTP 550"):
            expect(agent.get_by_text(text).first).to_be_visible()
        # The documents of the last receipt are drawn first.
        manager.goto("/sessions/")
        manager.get_by_role("link", name="FCO Complète — Voyageurs").first.click()
        documents = manager.locator("#documents")
        expect(documents).to_contain_text(re.compile("Envoyé|attend", re.IGNORECASE), timeout=60_000)
        expect(documents).not_to_contain_text("préparation", timeout=60_000)
    finally:
        assert program.stop() == 0
