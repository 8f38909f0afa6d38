"""How the browser tests of the import send a file and read its report."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Error, Locator, Page, expect

from app.french.spaces import plain
from tests.registration.test_analysis import ORDER

#: To the letter and in the order of the reference document.
COLUMNS = [
    "Détail", "Ligne", "REF", "N° de commande", "Typologie", "Formation", "Date de fin de formation", "Prénom", "Nom",
    "Date de naissance", "N° de permis de conduire",
]  # fmt: skip
MAIN_REMARKS = {
    1: "Ne possède pas encore de compte sur la plateforme",
    2: "Prénom non renseigné",
    3: "CFR non agréé pour cette formation à la date indiquée",
    4: "La date de fin de formation ne peut pas être postérieure à la date du jour",
    5: "Format du prénom non conforme. Le signe « 1 » (chiffre) n’est pas accepté. Attendu : 1 à 60 lettres latines, "
    "jointes par des espaces, traits d’union ou apostrophes",
    6: "Le stagiaire doit être majeur",
}
Table = list[tuple[Any, ...]]
Found = TypeVar("Found")


def strangers(table: Table, mark: str = "9") -> Table:
    """Return the table with drivers nobody knows: what a test registers must not be remarked in the next one."""
    return [(*cells, f"{mark}{permit}") for *cells, permit in table]


def send(page: Page, path: Path) -> None:
    """Choose a file in the window that « Parcourir » opens; the analysis follows by itself."""
    other = page.get_by_text("Autre fichier")
    if other.is_visible():  # on a report, the box is folded
        other.click()
    with page.expect_file_chooser() as window:
        page.get_by_role("button", name="Parcourir").click()
    window.value.set_files(path)


def reported(page: Page, path: Path) -> None:
    """Send a file, from the report of another one as well, and wait for its own report."""
    before = page.url
    send(page, path)
    page.wait_for_url(lambda url: url != before)
    expect(page.get_by_role("heading", name="Rapport d’analyse")).to_be_visible()


def counters(page: Page) -> list[str]:
    return [" ".join(text.split()) for text in page.locator("#counters .chip").all_inner_texts()]


def settles(page: Page, read: Callable[[Page], Found], wanted: Found, seconds: float = 15) -> None:
    """Wait until what is read on screen is what is wanted: after a click, the old page or half the new one may stand."""
    until = time.monotonic() + seconds
    while (found := _found(page, read)) != wanted and time.monotonic() < until:
        page.wait_for_timeout(50)
    assert found == wanted


def _found(page: Page, read: Callable[[Page], Found]) -> Found | None:
    try:
        return read(page)
    except Error:  # the page was replaced while it was read
        return None


def cell(page: Page, line: int, field: str) -> Locator:
    return page.locator(f"#ligne-{line} [data-cell={field}]")


def correct(page: Page, line: int, field: str, value: str, key: str = "F2") -> None:
    """Correct a cell with the keyboard alone and wait for the answer; the focus must come back to the cell."""
    cell(page, line, field).focus()
    page.keyboard.press(key)
    expect(page.locator("[data-editing] .input")).to_be_focused()
    page.keyboard.type(value)
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_contain_text(f"Ligne {line} corrigée")
    expect(cell(page, line, field)).to_be_focused()


def shown_rows(page: Page) -> list[tuple[str, list[str]]]:
    """Return main remark and the ten other cells of each row, as they stand on screen at one moment."""
    read = page.locator("#rows tr").evaluate_all(
        """rows => rows.map(row => [
            row.querySelector(".remark")?.textContent ?? "", [...row.querySelectorAll("td")].map(cell => cell.textContent)
        ])"""
    )
    return [
        (plain(main).split(" : ", 1)[-1], [_bare(" ".join(text.split())) for text in cells[1:]]) for main, cells in read
    ]


def shown_lines(page: Page) -> list[str]:
    """Return the numbers of the lines on screen, in their order."""
    return [cells[0] for _, cells in shown_rows(page)]


def _bare(text: str) -> str:
    """Return what the file said: without its row in the file, and the words for those who do not see the mark."""
    text = re.sub(r"^(\d+) rang \d+$", r"\1", text)
    text = re.sub(r"^Erreur, corriger ligne \d+, [^:]+: ", "", text)
    return "" if text in ("non renseigné", "vide") else text


def expected(table: Table, order: list[int], remarks: dict[int, str], note: str) -> list[tuple[str, list[str]]]:
    lines = {number: cells for number, *cells in table}
    rows = []
    for number in order:
        label, category, *rest = lines[number]
        rows.append((remarks.get(number, ""), [str(number), note, ORDER, category, label, *rest]))
    return rows
