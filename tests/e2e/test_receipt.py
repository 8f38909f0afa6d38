"""The receipt in a browser: printed on one sheet, addresses typed and pasted, refusals in place while the page follows."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from tests.support import MARIE, drain, many, registered
from tests.walls import everybody

from .conftest import Program, sign_in, start_program
from .screen import Screens

pytestmark = pytest.mark.browser


@dataclass
class House:
    """A program with two receipts: forty drivers without account, some of each kind."""

    program: Program
    forty: str
    mixed: str


def furnish(folder: Path) -> tuple[Path, str, str, str]:
    with everybody.demonstration(folder) as (app, file):
        forty = registered(*many(40))
        mixed = registered({**MARIE, "last_name": "DURAND"}, *({**one, "reference": "R2"} for one in many(3)))
        drain()
        return file, app.config["SECRET_KEY"], forty.key, mixed.key


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Furnish a base and run a program on it."""
    folder = tmp_path_factory.mktemp("receipts")
    with ThreadPoolExecutor(1) as apart:  # sealing runs a loop of its own, which the thread of Playwright's may not
        file, secret, forty, mixed = apart.submit(furnish, folder).result()
    program = start_program(folder, DATABASE_URL=f"sqlite:///{file}", SECRET_KEY=secret)
    yield House(program, f"/sessions/{forty}/recu", f"/sessions/{mixed}/recu")
    assert program.stop() == 0


@pytest.fixture
def manager(house: House, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(base_url=house.program.url, locale="fr-FR", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error on {page.url}: {error}"))
    sign_in(page, "gestionnaire@demo.example")
    page.wait_for_url(lambda url: "/login" not in url)
    yield page
    context.close()


@pytest.mark.parametrize("which", ["", "/imprimer"])
def test_forty_drivers_print_on_one_sheet(house: House, manager: Page, which: str) -> None:
    manager.goto(f"{house.forty}{which}")
    [sheet] = PdfReader(io.BytesIO(manager.pdf(prefer_css_page_size=True))).pages
    text = " ".join(sheet.extract_text().split())
    assert "Page 1/1" in text
    assert "IN Groupe, exploitant du Registre CQC" in text
    assert "Édité le 10/01/2022 à" in text
    assert text.count("Attend un compte") == 40
    assert "Inviter" not in text


def test_a_column_pasted_fills_the_fields_and_the_button_counts_them(house: House, manager: Page) -> None:
    manager.goto(house.forty)
    fields = manager.locator(".mailcell .input")
    fields.nth(1).focus()
    manager.evaluate(
        """() => { const data = new DataTransfer(); data.setData("text/plain", "a@x.fr\\n\\nb@x.fr\\n");
        const paste = new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true});
        document.activeElement.dispatchEvent(paste); }"""
    )
    assert [fields.nth(at).input_value() for at in range(4)] == ["", "a@x.fr", "", "b@x.fr"]
    expect(manager.get_by_role("button", name="Inviter 2 conducteurs")).to_be_visible()


def test_a_refusal_stays_in_place_while_the_page_follows_the_mails(house: House, manager: Page) -> None:
    manager.goto(house.mixed)
    fields = manager.locator(".mailcell .input")
    fields.nth(0).fill("pas une adresse")
    fields.nth(1).fill("bon@mail.example")
    manager.get_by_role("button", name="Inviter 2 conducteurs").click()
    expect(manager.locator("[data-error-summary]")).to_be_focused()
    expect(manager).to_have_title(re.compile(r"^Erreur\s: "))
    screens = Screens()
    screens.look(manager, "a refused address")
    assert not (complaints := screens.tell()), complaints
    manager.get_by_role("link", name="NA Jean : Saisissez").click()
    expect(fields.nth(0)).to_be_focused()
    manager.keyboard.press("End")
    manager.keyboard.type(" encore")
    expect(manager.get_by_text("Invitation envoyée")).to_be_visible(timeout=120_000)
    expect(fields.nth(0)).to_have_value("pas une adresse encore")
    expect(fields.nth(0)).to_be_focused()
    manager.keyboard.type("!")
    expect(fields.nth(0)).to_have_value("pas une adresse encore!")
    expect(manager.locator(".mailcell .fielderror")).to_be_visible()
    expect(manager.get_by_text("1 retenu pour contrôle du nom", exact=False).first).to_be_visible()
