"""Files that people and programs really made (tests/corpus/files), each read as its writer meant it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.services.imports import reading
from app.services.imports.reading import Sheet
from app.validators.file import FileCode, FileRefused, kind_of
from app.validators.line import RawLine
from tests.corpus.builders import HEADERS, LINE, sheet, xlsx_of

FILES = Path(__file__).parents[2] / "corpus" / "files"
GOOD = RawLine(1, *LINE)


def read(name: str) -> Sheet:
    path = FILES / name
    kind = kind_of(path.read_bytes()[:8])
    assert kind is not None
    return reading.read(path, kind)


def test_a_file_with_a_byte_missing_is_damaged() -> None:
    with pytest.raises(FileRefused) as refused:
        read("one_byte_missing.xlsx")
    assert refused.value.code is FileCode.DAMAGED


@pytest.mark.parametrize(
    ("name", "last_names"),
    [
        ("jexcelapi_2.6.12.xls", ["DUPONT"]),
        (
            "biff8_codepage_1252_utf16_strings.xls",
            ["Œuvrard", "L’HÔPITAL", "Dvořák", "Núñez", "O'Brien", "Šimić"],
        ),
    ],
)
def test_a_biff8_file_holds_unicode_whatever_code_page_it_names(name: str, last_names: list[str]) -> None:
    assert [line.last_name for line in read(name).lines] == last_names


def test_a_format_that_says_another_thing_than_its_number_usually_does_is_believed() -> None:
    (line,) = read("format_id_52_is_00000.xls").lines
    assert (line.reference, line.order_number, line.permit_number) == ("2022", "39998", "850492100123")


def test_an_error_that_is_new_is_an_error_cell_like_the_others() -> None:
    assert read("error_SPILL.xlsx").lines == [GOOD._replace(reference="#SPILL!")]


def test_a_merge_of_whole_rows_as_libreoffice_writes_it_is_nothing_wrong() -> None:
    found = read("rowmerge.xlsx")
    assert (found.header_row, found.lines) == (2, [GOOD, GOOD._replace(number=2)])


def test_stray_blanks_at_the_far_ends_of_a_sheet_are_nothing() -> None:
    assert read("two_stray_blanks_A1048576_XFD2.xlsx").lines == [GOOD._replace(number=n) for n in (1, 2, 3)]


def test_three_thousand_lines_and_a_blank_in_the_last_column(tmp_path: Path) -> None:
    content = sheet([HEADERS, *[LINE] * 3_000])
    blank = '<c r="XFD2" t="inlineStr"><is><t> </t></is></c></row><row r="3"'
    path = tmp_path / "upload"
    path.write_bytes(xlsx_of(content.replace('</row><row r="3"', blank, 1)))
    assert len(reading.read(path, "xlsx").lines) == 3_000


def test_order_numbers_that_came_as_something_else_than_text() -> None:
    lines = {line.number: line for line in read("commande-nombres.xlsx").lines}
    doubtful = {number: line.order_number for number, line in lines.items() if line.not_text}
    assert doubtful == {
        1: "1,23456789012346E+15", 3: "1E+20", 4: "VRAI", 5: "01/11/2026", 6: "12:00:00", 11: "0,3",
    }  # fmt: skip
    assert {line.not_text for line in lines.values()} == {"", "order_number"}
    assert [lines[number].order_number for number in (2, 10, 22)] == ["42", "7", "0"]


@pytest.mark.parametrize(
    ("name", "read_sheet", "last_names", "others"),
    [
        ("premiere-feuille-masquee.xlsx", "Novembre", ["VISIBLE", "MARTIN"], []),
        ("premiere-feuille-tres-masquee.xlsx", "Novembre", ["VISIBLE"], []),
        ("premiere-feuille-vide-seconde-remplie.xlsx", "Novembre", ["MARTIN", "MARTIN"], []),
        ("deux-feuilles-remplies.xlsx", "Octobre", ["MARTIN", "MARTIN"], ["Novembre"]),
    ],
)
def test_the_sheet_that_is_read(name: str, read_sheet: str, last_names: list[str], others: list[str]) -> None:
    found = read(name)
    assert (found.name, [line.last_name for line in found.lines], found.others) == (read_sheet, last_names, others)
