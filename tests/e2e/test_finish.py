"""Where the focus goes, what is told on leaving a field, a photograph framed before it is sent: met all day, proved here."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.axe import violations

from .test_corrections import MARIE, register

pytestmark = pytest.mark.browser
MANAGER, DRIVER = "gestionnaire@demo.example", "conducteur@demo.example"
FOCUSED = "() => document.activeElement?.id || document.activeElement?.tagName"


def _on_step_two(page: Page) -> None:
    page.goto("/sessions/")
    page.get_by_text("Manuellement", exact=True).click()
    page.get_by_role("button", name="Continuer").click()
    page.locator("#training_id").select_option(index=1)
    page.locator("#end_date").fill("07/01/2022")
    page.get_by_role("button", name="Étape suivante").click()
    expect(page.locator("#entry")).to_be_visible()


def test_a_day_to_come_is_told_on_leaving_the_field_and_no_longer_once_mended(new_person: Callable[..., Page]) -> None:
    page = new_person(MANAGER)
    page.goto("/sessions/")
    page.get_by_text("Manuellement", exact=True).click()
    page.get_by_role("button", name="Continuer").click()
    field = page.locator("#end_date")
    field.fill("11/01/2022")
    field.press("Tab")
    said = page.get_by_role("alert").filter(has_text="La date de fin de formation ne peut pas être postérieure")
    expect(said).to_be_visible()
    expect(field).to_have_attribute("aria-invalid", "true")
    assert violations(page) == []
    field.fill("10/01/2022")
    field.press("Tab")
    expect(said).to_have_count(0)
    expect(field).not_to_have_attribute("aria-invalid", "true")


def test_the_calendar_is_no_tab_stop_and_the_summary_follows_what_was_mended(new_person: Callable[..., Page]) -> None:
    page = new_person(MANAGER)
    page.goto("/sessions/")
    page.get_by_text("Manuellement", exact=True).click()
    page.get_by_role("button", name="Continuer").click()
    page.locator("#end_date").fill("07/01/2022")
    page.locator("#end_date").press("Tab")
    assert page.evaluate("() => document.activeElement.matches('[data-date] button')") is False
    page.get_by_role("button", name="Étape suivante").click()
    summary = page.locator("[data-error-summary]")
    expect(summary).to_be_focused()
    page.locator("#training_id").select_option(index=1)
    expect(summary.locator("li.is-mended")).to_contain_text("(modifié)")


def test_step_two_takes_the_focus_and_no_act_drops_it(new_person: Callable[..., Page]) -> None:
    page = new_person(MANAGER)
    _on_step_two(page)
    expect(page.locator("#order_number:focus, #first_name:focus")).to_have_value("")  # the first that is empty
    for number in (1, 2):
        values = {
            "order_number": "COM1", "first_name": "Jean", "last_name": f"FOYER{'AB'[number - 1]}",
            "birth_date": "01/02/1980", "permit_number": f"76000000000{number}",
        }  # fmt: skip
        for name, value in values.items():
            page.locator(f"#entry [name={name}]").fill(value)
        page.locator("#entry [name=permit_number]").press("Enter")
        expect(page.get_by_text(f"FOYER{'AB'[number - 1]}").first).to_be_visible()
        expect(page.locator("#first_name")).to_be_focused()
    for _ in range(2):
        page.locator("#lines .rowactions button").first.focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        if dialog.is_visible():
            dialog.get_by_role("button", name="Supprimer").click()
        page.wait_for_timeout(1_000)
        assert page.evaluate(FOCUSED) not in ("BODY", "HTML", None)


def test_what_is_replaced_hands_its_focus_on(new_person: Callable[..., Page]) -> None:
    """Whatever takes the focused control away, the focus stays in that part of the page."""
    page = new_person(MANAGER)
    page.goto("/sessions/")
    for remove in ("document.activeElement.remove()", "document.activeElement.parentElement.replaceChildren()"):
        page.evaluate(
            """() => { document.getElementById("contenu").insertAdjacentHTML("beforeend",
            '<div id="part"><button id="un" type="button">Un</button><button id="deux" type="button">Deux</button></div>'); }"""
        )
        page.locator("#un").focus()
        page.evaluate(f"() => {{ {remove}; document.body.click(); }}")
        page.wait_for_timeout(300)
        assert page.evaluate(FOCUSED) not in ("BODY", "HTML", None)
        page.locator("#part").evaluate("one => one.remove()")


def _photograph(path: Path) -> Path:
    """Write a wide picture whose middle is red and whose right third is blue."""
    picture = Image.new("RGB", (1500, 1000), "red")
    picture.paste(Image.new("RGB", (500, 1000), "blue"), (1000, 0))
    for at in range(0, 1000, 50):  # not of one colour alone
        picture.paste(Image.new("RGB", (1500, 10), "white"), (0, at))
    picture.save(path, "JPEG")
    return path


@pytest.mark.parametrize("width", [1280, 390])
def test_a_photograph_is_shown_framed_by_keyboard_and_sent_as_framed(
    new_person: Callable[..., Page], tmp_path: Path, width: int
) -> None:
    page = new_person(DRIVER, width=width)
    page.goto("/mon-espace/")
    opener = page.get_by_role("button", name="Demander ma carte").or_(
        page.get_by_role("link", name=re.compile("Reprendre|Continuer"))
    )
    if not opener.first.is_visible():
        register(new_person(MANAGER), MARIE)
        for _ in range(120):  # the certificate that gives the right to ask is drawn by the worker
            page.reload()
            if opener.first.is_visible():
                break
            page.wait_for_timeout(500)
    opener.first.click()
    if page.get_by_label("Numéro et voie").is_visible():
        page.get_by_label("Numéro et voie").fill("12 rue des Ateliers")
        page.get_by_label("Code postal").fill("69007")
        page.get_by_label("Commune").fill("LYON")
        page.get_by_role("button", name="Étape suivante").click()
    page.get_by_label("Photo d’identité").set_input_files(_photograph(tmp_path / "large.jpg"))
    expect(page.get_by_role("group", name="Cadrer la photo")).to_be_visible()
    canvas = page.locator("canvas").first
    expect(canvas).to_be_visible()
    assert violations(page) == []
    slider = page.get_by_label("De gauche à droite")
    slider.focus()
    page.keyboard.press("End")
    expect(slider).to_have_value("1")
    colour = "one => [...one.getContext('2d').getImageData(one.width - 20, 55, 1, 1).data].slice(0, 3)"
    red, _, blue = canvas.evaluate(colour)
    assert blue > 200 > red, "the right edge is in the frame"
    page.get_by_role("button", name="Étape suivante").click()
    kept = page.get_by_alt_text("Votre photo")
    expect(kept).to_be_visible()
    source = kept.get_attribute("src")
    assert source
    sent = Image.open(io.BytesIO(page.request.get(source).body()))
    assert abs(sent.width / sent.height - 35 / 45) < 0.02
    pixel = sent.convert("RGB").getpixel((sent.width - 30, sent.height // 2 + 30))
    assert isinstance(pixel, tuple)
    assert pixel[2] > 150 > pixel[0]


def test_a_birth_date_to_come_is_told_wherever_it_is_typed_by_one_mechanism(new_person: Callable[..., Page]) -> None:
    page = new_person("agent@demo.example")
    page.goto("/conducteurs/list/")
    page.locator("a[href*='/conducteurs/show/']").first.click()
    addresses = [page.get_by_role("link", name="Corriger l’identité").get_attribute("href"), "/conducteurs/add"]
    for address in addresses:
        page.goto(str(address))
        field = page.locator("#birth_date")
        field.fill("11012022")
        field.press("Tab")
        expect(field).to_have_value("11/01/2022")
        said = page.get_by_role("alert").filter(has_text="La date de naissance ne peut pas être postérieure")
        expect(said).to_be_visible()
        assert violations(page) == []
        field.fill("12/04/1985")
        field.press("Tab")
        expect(said).to_have_count(0)
