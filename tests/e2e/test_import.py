"""A file, from « Parcourir » to the receipt, in a real browser: the two tables of the reference document among others."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from app.validators.remark import HEADERS
from tests.corpus import builders
from tests.faults.test_kill import children
from tests.registration.test_analysis import FIRST_TABLE, ORDER, REF, SECOND_TABLE

from .axe import violations
from .conftest import Program, start_program
from .importing import (
    COLUMNS,
    MAIN_REMARKS,
    Table,
    cell,
    correct,
    counters,
    expected,
    reported,
    send,
    settles,
    shown_lines,
    shown_rows,
    strangers,
)  # fmt: skip

pytestmark = pytest.mark.browser

MANAGER = "gestionnaire@demo.example"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Run a program of its own: what other tests register would be remarked in these reports."""
    running = start_program(tmp_path_factory.mktemp("imports"))
    yield running
    assert running.stop() == 0


@pytest.fixture
def sheet(tmp_path: Path) -> Callable[..., Path]:
    """Write a table of the reference document to a file: ``sheet(FIRST_TABLE, "xls")``; `note` makes it one of its own."""

    def write(table: Table, kind: str = "xlsx", note: str = REF) -> Path:
        make: Any = builders.xlsx if kind == "xlsx" else builders.xls
        path = tmp_path / f"sessions.{kind}"
        path.write_bytes(make(list(HEADERS.values()), *([note, ORDER, *cells] for _, *cells in table)))
        return path

    return write


@pytest.fixture
def page(new_person: Callable[..., Page]) -> Page:
    """Give the browser of the demonstration centre's manager, on « Mes imports »."""
    person = new_person(MANAGER)
    person.goto("/imports/")
    return person


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_the_two_tables_of_the_reference_document_on_screen(page: Page, sheet: Any, kind: str) -> None:
    note = f"TABLE{kind.upper()}"
    reported(page, sheet(FIRST_TABLE, kind, note))
    expect(page.locator("thead th")).to_have_text(COLUMNS)
    settles(page, counters, ["Nombre de ligne(s) analysée(s) : 6", "1 information(s)", "5 erreur(s)"])
    settles(page, shown_rows, expected(FIRST_TABLE, [2, 3, 4, 5, 6, 1], MAIN_REMARKS, note))
    expect(page.get_by_role("button", name="Importer", exact=True)).to_have_attribute("aria-disabled", "true")
    # Corrected, it is sent again from the report itself.
    reported(page, sheet(SECOND_TABLE, kind, note))
    expect(page.locator("#counters")).to_contain_text("0 erreur(s)")
    settles(page, counters, ["Nombre de ligne(s) analysée(s) : 6", "1 information(s)", "0 erreur(s)"])
    settles(page, shown_rows, expected(SECOND_TABLE, [1, 2, 3, 4, 5, 6], {1: MAIN_REMARKS[1]}, note))
    expect(page.get_by_role("button", name="Importer", exact=True)).not_to_have_attribute("aria-disabled", "true")


def test_cell_by_cell_with_the_keyboard_until_the_receipt(page: Page, sheet: Any) -> None:
    assert violations(page) == []
    reported(page, sheet(strangers(FIRST_TABLE), note="CELLULES"))
    assert violations(page) == []
    cell(page, 2, "first_name").click()
    expect(page.locator("[data-editing] .input")).to_be_focused()
    assert violations(page) == []
    page.keyboard.type("PERDU")
    page.keyboard.press("Escape")
    expect(cell(page, 2, "first_name")).to_be_focused()
    expect(page.locator("#ligne-2")).not_to_contain_text("PERDU")
    correct(page, 2, "first_name", "MARIE")
    expect(page.locator("#counters")).to_contain_text("4 erreur(s)")
    correct(page, 3, "training_label", "Passerelle Marchandises", "Enter")
    correct(page, 4, "end_date", "01012022", " ")
    correct(page, 5, "first_name", "12")
    expect(page.locator("#ligne-5")).to_contain_text("Format du prénom non conforme")
    correct(page, 5, "first_name", "JEANNE")
    correct(page, 6, "birth_date", "21/03/2001")
    page.get_by_role("button", name="Corriger 1 ligne").click()  # « Vouliez-vous dire « Voyageurs » ? »
    expect(page.locator("#messages")).to_contain_text("1 ligne corrigée")
    remarks = dict.fromkeys(range(1, 7), MAIN_REMARKS[1])
    settles(page, shown_rows, expected(strangers(SECOND_TABLE), [1, 2, 3, 4, 5, 6], remarks, "CELLULES"))
    opener = page.get_by_role("button", name="Importer", exact=True)
    opener.click()
    dialog = page.get_by_role("dialog", name="Confirmation")
    expect(dialog).to_contain_text("Vous êtes sur le point d'importer vos sessions.")
    expect(dialog.get_by_role("button", name="Annuler")).to_be_focused()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    opener.click()
    dialog.get_by_role("button", name="Importer 6 lignes — 152,04 € HT").click()
    expect(page.get_by_text("Votre import a été pris en compte avec succès")).to_be_visible()


def test_from_error_to_error_everywhere_and_back_with_the_keyboard(page: Page, sheet: Any) -> None:
    late = [(*row[:3], "30/12/2022", *row[4:]) for row in SECOND_TABLE]
    reported(page, sheet(strangers(late), note="SUIVANTE"))
    why = page.locator("#why")
    expect(why).to_contain_text("6 lignes à corriger avant l’import")
    for line in (1, 2):
        page.keyboard.press("F8")
        expect(cell(page, line, "end_date")).to_be_focused()
    page.get_by_role("button", name="Erreur suivante").click()
    expect(cell(page, 3, "end_date")).to_be_focused()
    page.keyboard.press("F2")
    expect(page.locator("[data-editing] .input")).to_be_focused()
    page.evaluate("scrollTo(0, 0)")  # what the bar covers while one scrolls is no target
    assert violations(page) == []
    page.keyboard.type("01/01/2022")
    page.get_by_label("Corriger aussi les 5 autres").check()
    page.get_by_role("button", name="Valider").click()
    expect(why).to_contain_text("les 6 lignes peuvent être importées")
    expect(cell(page, 3, "end_date")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.locator("#told")).to_contain_text("Correction défaite : 6 lignes")
    expect(why).to_contain_text("6 lignes à corriger avant l’import")
    expect(page.get_by_role("button", name="Erreur suivante")).to_be_focused()
    page.keyboard.press("F8")
    expect(cell(page, 4, "end_date")).to_be_focused()


def test_leaving_a_cell_for_another_keeps_what_was_typed(page: Page, sheet: Any) -> None:
    reported(page, sheet(FIRST_TABLE, note="SUITE"))
    cell(page, 5, "first_name").click()
    expect(page.locator("#ligne-5 .input")).to_be_focused()
    page.keyboard.type("JEANNE")
    cell(page, 2, "first_name").click()
    expect(page.locator("#told")).to_contain_text("Ligne 5 corrigée")
    expect(page.locator("#ligne-2 .input")).to_be_focused()
    expect(cell(page, 5, "first_name")).to_have_text("JEANNE")


def test_a_cell_with_line_breaks_that_is_only_looked_at_stays_as_it_is(page: Page, sheet: Any) -> None:
    table = [(*FIRST_TABLE[0][:4], "JEAN\nPIERRE", *FIRST_TABLE[0][5:]), *FIRST_TABLE[1:]]
    reported(page, sheet(table, note="RETOURS"))
    before = page.locator("#ligne-1").inner_text()
    cell(page, 1, "first_name").click()
    expect(page.locator("#ligne-1 .input")).to_have_value("JEAN PIERRE")
    cell(page, 2, "first_name").click()
    expect(page.locator("#ligne-2 .input")).to_be_focused()
    page.keyboard.press("Escape")
    expect(cell(page, 2, "first_name")).to_be_focused()
    settles(page, lambda page: page.locator("#ligne-1").inner_text(), before)
    page.reload()
    settles(page, lambda page: page.locator("#ligne-1").inner_text(), before)


def test_a_refusal_is_seen_from_the_last_line_as_well(page: Page, sheet: Any) -> None:
    one = SECOND_TABLE[0]
    reported(page, sheet([(*one[:7], f"6{at:011}") for at in range(50)], note="LOIN"))
    cell(page, 50, "last_name").click()
    expect(page.locator("#ligne-50 .input")).to_be_focused()
    page.locator("#ligne-50 .input").fill("A" * 1001)
    page.keyboard.press("Enter")
    refusal = page.locator("#messages .notice")
    expect(refusal).to_contain_text("Cette valeur ne peut pas être corrigée ici.")
    expect(refusal).to_be_in_viewport(ratio=1)
    # What was typed is not lost.
    expect(page.locator("#ligne-50 .input")).to_have_value("A" * 1001)


def test_lines_set_aside_let_the_rest_go(page: Page, sheet: Any) -> None:
    reported(page, sheet(FIRST_TABLE, note="ECARTEES"))
    for line in (2, 3, 4, 5, 6):
        page.locator(f"#ligne-{line}").get_by_role("button", name="Écarter").click()
        expect(page.locator(f"#ligne-{line}").get_by_role("button", name="Reprendre")).to_be_focused()
    struck = page.locator("#ligne-3 td").nth(5)
    expect(struck).to_have_css("text-decoration-line", "line-through")
    assert violations(page) == []
    page.get_by_role("button", name="Importer", exact=True).click()
    expect(page.get_by_role("button", name="Importer 1 ligne — 25,34 € HT")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("#ligne-2").get_by_role("button", name="Reprendre").click()
    expect(page.get_by_role("button", name="Importer", exact=True)).to_have_attribute("aria-disabled", "true")


def test_the_annotated_file_goes_out_and_comes_back(page: Page, sheet: Any, tmp_path: Path) -> None:
    reported(page, sheet(FIRST_TABLE, note="ANNOTE"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Télécharger le fichier annoté").click()
    annotated = tmp_path / download.value.suggested_filename
    download.value.save_as(annotated)
    assert load_workbook(annotated).active["A3"].value == "Prénom non renseigné"
    reported(page, annotated)
    settles(page, shown_rows, expected(FIRST_TABLE, [2, 3, 4, 5, 6, 1], MAIN_REMARKS, "ANNOTE"))


def test_counters_and_kinds_filter(page: Page, sheet: Any) -> None:
    reported(page, sheet(FIRST_TABLE, note="FILTRES"))
    page.get_by_role("link", name="information(s)").click()
    settles(page, shown_lines, ["1"])
    page.get_by_role("link", name="Catégorie d’une autre formation").click()
    settles(page, shown_lines, ["3", "6"])
    page.get_by_label("Nom ou N° de permis").fill("raikonen")
    page.get_by_role("button", name="Rechercher").click()
    settles(page, shown_lines, ["6"])


def test_what_cannot_be_read_is_one_sentence(page: Page, tmp_path: Path) -> None:
    hostile = tmp_path / "sessions.xlsx"
    hostile.write_bytes(b"PK\x03\x04" + b"\x00" * 4000)
    send(page, hostile)
    expect(page.get_by_role("heading", name="Fichier refusé")).to_be_visible()
    expect(page.locator(".notice--error h2")).to_have_text(re.compile("^Le fichier est .*\\.$"))
    assert violations(page) == []
    expect(page.get_by_role("button", name="Parcourir")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "size", "sentence"),
    [
        ("sessions.xlsx", 10 * 1024 * 1024 + 1, "Le fichier dépasse 10 Mo"),
        ("sessions.csv", 10, "Le fichier doit être au format XLSX ou XLS"),
        ("sessions.xls", 0, "Le fichier est vide"),
    ],
)
def test_what_would_be_refused_is_said_before_it_travels(
    page: Page, tmp_path: Path, name: str, size: int, sentence: str
) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    path = tmp_path / name
    path.write_bytes(bytes(size))
    send(page, path)
    expect(page.locator("[data-upload-error]")).to_contain_text(sentence)
    assert "POST" not in sent


def test_a_file_is_dropped_on_the_box(page: Page, sheet: Any) -> None:
    content = list(sheet(FIRST_TABLE, note="DEPOT").read_bytes())
    dropped = page.evaluate_handle(
        """bytes => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], "depot.xlsx"));
            return files;
        }""",
        content,
    )
    page.dispatch_event(".filebox", "drop", {"dataTransfer": dropped})
    expect(page.get_by_role("heading", name="Rapport d’analyse")).to_be_visible()
    expect(page.locator(".pagehead__sub").first).to_contain_text("depot.xlsx")


@contextmanager
def worker_paused(program: Program) -> Iterator[None]:
    """Hold the program's worker still, so that what waits for it can be looked at."""
    workers = children(program, "flask --app run worker")
    assert workers
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)


def test_the_sending_and_the_analysis_show_how_far_they_are(page: Page, program: Program, tmp_path: Path) -> None:
    one = SECOND_TABLE[0]
    rows = ([f"REF{at}", ORDER, *one[1:7], f"8{at:011}"] for at in range(20_000))
    path = tmp_path / "grand.xlsx"
    path.write_bytes(builders.xlsx(list(HEADERS.values()), *rows))
    page.evaluate(
        """() => {
            const bar = document.querySelector("progress");
            new MutationObserver(() => sessionStorage.setItem("sent", bar.value)).observe(
                document.querySelector("[data-sent-percent]"), { childList: true });
        }"""
    )
    with worker_paused(program):
        send(page, path)
        expect(page.get_by_role("heading", name="Import des données en cours ...")).to_be_visible()
        assert page.evaluate("sessionStorage.getItem('sent')") == "100"
        assert violations(page) == []
    # The page may be left: the analysis is found again in the list, and then its report.
    page.goto("/imports/")
    page.get_by_role("link", name="grand.xlsx").first.click()
    expect(page.get_by_role("heading", name="Rapport d’analyse")).to_be_visible(timeout=60_000)
    expect(page.locator("#counters")).to_contain_text("20 000")
    expect(page.locator("#rows tr")).to_have_count(50)


def test_without_scripts_everything_goes_by_plain_forms(new_person: Any, sheet: Any) -> None:
    page = new_person(MANAGER, java_script_enabled=False)
    page.goto("/imports/")
    page.get_by_label("Fichier à importer").set_input_files(sheet(strangers(FIRST_TABLE, "A"), note="SANSSCRIPT"))
    page.get_by_role("button", name="Envoyer").click()
    address = page.url
    for _ in range(50):  # the page refreshes itself every three seconds
        page.goto(address)
        if page.get_by_role("heading", name="Rapport d’analyse").count():
            break
        page.wait_for_timeout(200)
    cell(page, 2, "first_name").click()
    page.get_by_label("Prénom, ligne 2").fill("MARIE")
    page.get_by_role("button", name="Valider").click()
    expect(page.locator("#messages")).to_contain_text("Ligne 2 corrigée.")
    for line in (3, 4, 5, 6):
        page.locator(f"#ligne-{line}").get_by_role("button", name="Écarter").click()
    page.get_by_role("button", name="Importer", exact=True).click()
    page.get_by_role("button", name="Importer 2 lignes — 50,68 € HT").click()
    expect(page.get_by_text("Votre import a été pris en compte avec succès")).to_be_visible()


def test_on_a_narrow_screen_nothing_is_cut(new_person: Any, sheet: Any) -> None:
    page = new_person(MANAGER, width=390)
    page.goto("/imports/")
    reported(page, sheet(FIRST_TABLE, note="ETROIT"))
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto("/imports/")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


LONG = (
    "TITRE PROFESSIONNEL TRES LONG SANS FIN",
    "MARCHANDISES-ET-VOYAGEURS",
    "COMMANDE/2022/01/0000000001/LYON",
    "REF-2022-01-10-CENTRE-001",
)


@pytest.mark.parametrize("width", [1280, 1024])
def test_a_wide_table_hides_nothing(new_person: Any, tmp_path: Path, width: int) -> None:
    page = new_person(MANAGER, width=width)
    page.goto("/imports/")
    label, category, order, reference = LONG
    cells = [reference, order, label, category, "01/01/2022", "MARIE-ANTOINETTE-CHARLOTTE", "VAN DEN BROUCKE-MONTMORENCY",
             "25/12/1982", "98R7958747777777"]  # fmt: skip
    path = tmp_path / "large.xlsx"
    path.write_bytes(builders.xlsx(list(HEADERS.values()), cells))
    reported(page, path)
    page.evaluate("document.documentElement.style.setProperty('--font', 'DejaVu Sans, Verdana, sans-serif')")
    settles(page, lambda page: bool(page.evaluate(REACHES)), True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


#: Whoever goes to the last column sees it: the card around the table does not cut it.
REACHES = """() => {
    const cell = document.querySelector("#ligne-1 [data-cell=permit_number]");
    cell.blur();
    cell.focus();
    const card = document.querySelector(".tablecard").getBoundingClientRect();
    const { left, right } = cell.getBoundingClientRect();
    return card.left <= left && right <= card.right + 1;
}"""
