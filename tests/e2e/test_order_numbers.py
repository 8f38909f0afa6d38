"""A wrong order number, mended in a browser: two nearly the same become one; a line is billed under another, and back."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import ROOT, Program
from .test_corrections import fits, register

pytestmark = pytest.mark.browser
LEGAL = "representant@demo.example"
ADA = ("Ada", "CARTIER", "12/04/1976", "761234500777")
BEN = ("Ben", "DUVAL", "13/04/1976", "761234500888")


def build(program: Program) -> None:
    """Make the drafts of January, as the night of 1 February does."""
    settings = {**os.environ, "DATA_DIR": str(program.folder), "TODAY": "2022-02-01", "SEED": "bare"}
    command = [sys.executable, "-m", "flask", "--app", "run", "billing", "build", "--period", "2022-01"]
    subprocess.run(command, cwd=ROOT, env=settings, check=True, capture_output=True)


def seen(page: Page, name: str) -> None:
    """Look at a page at both widths; SHOTS=folder keeps pictures."""
    fits(page)
    folder = os.environ.get("SHOTS")
    for width in (1280, 390) if folder else ():
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_wrong_order_number_is_mended_before_the_invoice(program: Program, new_person: Callable[..., Page]) -> None:
    page = new_person(LEGAL)
    register(page, ADA, "ENG 2022")
    register(page, BEN, "eng-2022")
    receipt = page.url
    seen(page, "receipt")
    page.goto("/factures/")
    expect(page.get_by_text("Numéros de commande presque identiques").first).to_be_visible()
    page.get_by_role("link", name="Facturer sous le même numéro").first.click()
    seen(page, "estimate")
    build(program)
    page.goto("/factures/")
    page.get_by_role("link", name="eng-2022").first.click()
    expect(page.get_by_text("Deux numéros presque identiques")).to_be_visible()
    seen(page, "draft")
    page.get_by_label("Numéro à garder pour toutes les lignes").select_option("ENG 2022")
    page.get_by_role("button", name="Facturer sous le même numéro").click()
    expect(page.get_by_text("Tout est facturé sous la commande ENG 2022")).to_be_visible()
    page.get_by_role("link", name="ENG 2022").first.click()
    page.get_by_role("link", name="Facturer sous un autre numéro").click()
    seen(page, "lines")
    page.get_by_role("button", name="Facturer sous ce numéro").click()
    expect(page.get_by_role("alert")).to_contain_text("indiquez un numéro de commande")
    seen(page, "lines-error")
    page.get_by_label(re.compile("DUVAL Ben")).check()
    page.get_by_label("N° de commande facturé").fill("MARCHÉ 7")
    page.get_by_role("button", name="Facturer sous ce numéro").click()
    expect(page.get_by_text("1 ligne est facturée comme demandé")).to_be_visible()
    page.goto(receipt)
    expect(page.get_by_text("commande eng-2022, facturée sous")).to_be_visible()
    page.get_by_role("link", name="MARCHÉ 7").click()
    seen(page, "alone")
    page.get_by_role("button", name="Rétablir le numéro d’origine").click()
    expect(page.get_by_text("sous son propre numéro de commande")).to_be_visible()
    page.goto(receipt)
    expect(page.get_by_text("facturée sous")).to_have_count(0)
