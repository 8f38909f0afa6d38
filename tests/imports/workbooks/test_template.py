"""The model of the import file, as its user and the import find it."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path
from zipfile import ZipFile

import openpyxl
import pytest
from openpyxl.worksheet.datavalidation import DataValidation

from app.services.imports import antivirus, reading, template_workbook
from app.services.imports.antivirus import Clean
from app.validators.file import FileCode, FileRefused
from app.validators.line import RawLine
from tests.corpus.builders import HEADERS, LINE

TRAININGS = [
    ("FIMO Voyageurs", "Voyageurs"),
    ("FCO Complète", "Voyageurs"),
    ("FIMO Marchandises", "Marchandises"),
    ("FCO Complète", "Marchandises"),
    ("CAP conducteur d'autocar", "Voyageurs"),
]


@pytest.fixture(scope="module")
def content() -> bytes:
    return template_workbook.build(TRAININGS)


@pytest.fixture(scope="module")
def book(content: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(content))


def rule_of(book: openpyxl.Workbook, cell: str) -> DataValidation:
    (rule,) = [rule for rule in book["Sessions"].data_validations.dataValidation if cell in rule.sqref]
    return rule


def test_the_headers_stand_on_text_columns(book: openpyxl.Workbook) -> None:
    sheet = book["Sessions"]
    assert tuple(cell.value for cell in sheet[1]) == (*HEADERS, "Courriel")
    assert sheet.max_row == 1
    assert {sheet.column_dimensions[letter].number_format for letter in "ABCDEFGHIJ"} == {"@"}
    assert book.sheetnames[:2] == ["Sessions", "Mode d’emploi"]


@pytest.mark.parametrize("letter", "ABCDEFGHIJ")
def test_each_column_has_a_hint_and_an_example_to_the_last_line(book: openpyxl.Workbook, letter: str) -> None:
    rule = rule_of(book, f"{letter}250001")
    assert rule is rule_of(book, f"{letter}2")
    assert rule.showInputMessage
    assert "Exemple :" in rule.prompt
    assert rule.promptTitle == book["Sessions"][f"{letter}1"].value


def test_lists_come_sorted_from_a_hidden_sheet(book: openpyxl.Workbook) -> None:
    lists = book["Listes"]
    assert lists.sheet_state == "hidden"
    assert [(row[0].value, row[1].value) for row in lists["A1:B5"]] == [
        ("Marchandises", "FCO Complète"),
        ("Marchandises", "FIMO Marchandises"),
        ("Voyageurs", "CAP conducteur d'autocar"),
        ("Voyageurs", "FCO Complète"),
        ("Voyageurs", "FIMO Voyageurs"),
    ]
    assert book.defined_names["categories"].attr_text == "Listes!$C$1:$C$2"
    assert book.defined_names["libelles"].attr_text == "Listes!$D$1:$D$4"
    assert rule_of(book, "D2").formula1 == "categories"
    assert "$D2" in rule_of(book, "C2").formula1


def test_the_instructions_name_each_column(book: openpyxl.Workbook) -> None:
    texts = {cell.value for row in book["Mode d’emploi"].iter_rows() for cell in row}
    assert {*HEADERS, "Courriel", "obligatoire", "facultative"} <= texts


def test_each_instruction_has_room_for_its_lines(book: openpyxl.Workbook) -> None:
    sheet = book["Mode d’emploi"]
    long = [cell for cell in sheet["C"] if cell.value and len(cell.value) > sheet.column_dimensions["C"].width]
    assert long
    assert {sheet.row_dimensions[cell.row].height for cell in long} == {30}  # points: two lines


def test_a_filled_model_is_read_and_an_empty_one_says_what_is_missing(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "modele.xlsx"
    path.write_bytes(content)
    assert antivirus.scan(path, None) == Clean()
    with pytest.raises(FileRefused) as refusal:
        reading.read(path, "xlsx")
    assert refusal.value.code is FileCode.NO_LINE
    book = openpyxl.load_workbook(path)
    book["Sessions"].append(LINE)
    book.save(path)
    assert reading.read(path, "xlsx").lines == [RawLine(1, *LINE)]


def test_without_a_training_there_is_no_list() -> None:
    book = openpyxl.load_workbook(io.BytesIO(template_workbook.build([])))
    assert "Listes" not in book.sheetnames
    assert rule_of(book, "C2").type is None


def test_it_is_small(content: bytes) -> None:
    assert len(content) < 20_000


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_opens_it_with_its_lists(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "modele.xlsx").write_bytes(content)
    command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "ods"]
    subprocess.run([*command, "modele.xlsx"], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    with ZipFile(tmp_path / "modele.ods") as archive:
        text = archive.read("content.xml").decode()
    assert "of:cell-content-is-in-list" in text
    assert "OFFSET" in text
    assert "Err:" not in text
