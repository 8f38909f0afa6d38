"""What the user typed is what is read: each kind of cell, each way to lay out the sheet, in both formats."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest

from app.services.imports import reading
from app.services.imports.reading import Sheet
from app.validators.file import FileCode, FileRefused, Kind
from app.validators.line import RawLine
from tests.bases import BOTH
from tests.corpus.builders import HEADERS, LINE, Error, Formula, Xml, members, row, sheet, xls, xlsx, xlsx_of, zipped

BACKENDS = BOTH
EACH_VALUE = True

Build = Callable[..., bytes]
BOTH = pytest.mark.parametrize(("build", "kind"), [(xlsx, "xlsx"), (xls, "xls")])


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes, Kind], Sheet]:
    def read_bytes(content: bytes, kind: Kind = "xlsx", **how: int) -> Sheet:
        path = tmp_path / "upload"
        path.write_bytes(content)
        return reading.read(path, kind, **how)

    return read_bytes


def with_value(field: str, value: object) -> Sequence[object]:
    """The good line with one cell changed."""
    at = RawLine._fields.index(field) - 1
    return [*LINE[:at], value, *LINE[at + 1 :]]


@BOTH
def test_texts_are_read_as_typed(read, build: Build, kind: Kind) -> None:
    found = read(build(HEADERS, LINE, with_value("last_name", "  Núñez\u00a0 de la Tour ")), kind)
    assert found.lines == [RawLine(1, *LINE), RawLine(2, *with_value("last_name", "  Núñez\u00a0 de la Tour "))]
    assert (found.name, found.header_row) == ("Feuil1", 1)


@BOTH
@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("reference", 2022.0, "2022"),
        ("reference", 123456789012.0, "123456789012"),
        ("reference", 12.5, "12,5"),
        ("reference", -3, "-3"),
        ("reference", 1e20, "1E+20"),
        ("reference", True, "VRAI"),
        ("reference", False, "FAUX"),
        ("end_date", date(2022, 1, 5), "05/01/2022"),
        ("birth_date", date(1949, 9, 17), "17/09/1949"),
        ("first_name", 11111, "11111"),
    ],
)
def test_a_value_reads_as_a_text_column_would_show_it(
    read, build: Build, kind: Kind, field: str, value: object, shown: str
) -> None:
    assert getattr(read(build(HEADERS, with_value(field, value)), kind).lines[0], field) == shown


def test_dates_of_the_1904_system_are_the_days_shown(read) -> None:
    values = with_value("birth_date", date(1990, 2, 28))
    new = read(xlsx(HEADERS, values, is_1904=True, workbook='<workbookPr date1904="1"/>'))
    old = read(xls(HEADERS, values, is_1904=True), "xls")
    assert (new.lines[0].birth_date, old.lines[0].birth_date) == ("28/02/1990", "28/02/1990")


def test_a_date_with_an_hour_is_its_day(read) -> None:
    moment = Xml('<c r="{ref}" s="1"><v>44566.604166</v></c>')
    assert read(xlsx(HEADERS, with_value("end_date", moment))).lines[0].end_date == "05/01/2022"


@BOTH
@pytest.mark.parametrize(
    ("value", "text", "is_doubtful"),
    [
        (123456789012.0, "123456789012", False),
        ("012345678901", "012345678901", False),
        ("82R987928", "82R987928", False),
        (12345678901.0, "12345678901", True),
        (298795874, "298795874", True),
        (123456789012.5, "123456789012,5", True),
        (1234567890123.0, "1234567890123", True),
        (0, "0", True),
    ],
)
def test_a_numeric_permit_is_taken_only_with_its_twelve_digits(
    read, build: Build, kind: Kind, value: object, text: str, is_doubtful: bool
) -> None:
    found = read(build(HEADERS, LINE, with_value("permit_number", value)), kind).lines
    assert (found[1].permit_number, found[1].not_text) == (text, "permit_number" if is_doubtful else "")
    assert not found[0].not_text


def test_a_formula_reads_as_the_value_kept(read) -> None:
    text = with_value("last_name", Formula('CONCATENATE("DU","PONT")', "DUPONT"))
    number = with_value("permit_number", Formula("1+1", 850492100123.0))
    lines = read(xlsx(HEADERS, text, number)).lines
    assert (lines[0].last_name, lines[1].permit_number) == ("DUPONT", "850492100123")


@BOTH
@pytest.mark.parametrize("error", ["#REF!", "#DIV/0!", "#N/A", "#NAME?", "#VALUE!", "#NUM!", "#NULL!"])
def test_an_error_cell_is_seen_as_the_user_sees_it(read, build: Build, kind: Kind, error: str) -> None:
    found = read(build(HEADERS, LINE, with_value("reference", Error(error)), LINE), kind).lines
    assert [line.reference for line in found] == ["REF1", error, "REF1"]


def test_an_error_of_a_formula_is_seen_with_leading_columns_and_other_order(read) -> None:
    rows = [reversed(HEADERS), list(reversed(with_value("reference", Formula("B1/0", Error("#DIV/0!")))))]
    assert read(xlsx(*map(list, rows), first_row=4, first_column=3)).lines[0].reference == "#DIV/0!"


def test_error_cells_are_those_of_the_sheet_that_is_read(read) -> None:
    other = sheet([["Autre"], [Error("#REF!")], [Error("#REF!")]])
    content = zipped(members({"Notes": other, "Sessions": sheet([HEADERS, with_value("reference", "")])}))
    assert read(content).lines[0].reference == ""


def test_error_cells_far_into_a_large_sheet_are_found(read) -> None:
    rows = [LINE] * 9_000 + [with_value("reference", Error("#N/A"))] + [LINE] * 9_000
    found = read(xlsx(HEADERS, *rows)).lines
    assert [line.number for line in found if line.reference == "#N/A"] == [9_001]


def test_a_merged_cell_gives_its_value_to_the_first_only(read) -> None:
    second = with_value("order_number", None)
    content = xlsx(HEADERS, LINE, second, after='<mergeCells count="1"><mergeCell ref="B2:B3"/></mergeCells>')
    assert [line.order_number for line in read(content).lines] == ["COM1", ""]


@BOTH
def test_hidden_rows_count_like_the_others(read, build: Build, kind: Kind) -> None:
    assert [line.number for line in read(build(HEADERS, LINE, LINE, LINE, hidden=[3]), kind).lines] == [1, 2, 3]


@BOTH
def test_blank_rows_are_skipped_but_keep_their_number(read, build: Build, kind: Kind) -> None:
    blank, spaces = [""] * 9, ["  ", "\u00a0", "\u200b", *[""] * 6]
    assert [line.number for line in read(build(HEADERS, LINE, blank, LINE, spaces, None, LINE), kind).lines] == [
        1,
        3,
        6,
    ]


def test_leading_empty_rows_and_columns_are_passed_over(read) -> None:
    found = read(xlsx(HEADERS, LINE, LINE, first_row=5, first_column=3))
    assert found.lines == [RawLine(1, *LINE), RawLine(2, *LINE)]
    assert found.header_row == 5


def test_a_title_above_the_headers_is_passed_over(read) -> None:
    found = read(xlsx(["Sessions de janvier"], None, HEADERS, LINE))
    assert (found.header_row, found.lines) == (3, [RawLine(1, *LINE)])


def test_headers_are_found_in_another_order_and_writing(read) -> None:
    order = [8, 2, 0, 1, 3, 7, 6, 5, 4]
    headers = [f" {HEADERS[i].upper()}\u00a0".replace("É", "E") for i in order]
    assert read(xlsx(headers, [LINE[i] for i in order])).lines == [RawLine(1, *LINE)]


def test_only_the_first_sheet_with_the_headers_is_read(read) -> None:
    sheets = {
        "Mode d'emploi": sheet([["Ref", "Numéro de commande client"], ["à lire"]]),
        "Vide": sheet([]),
        "Sessions": sheet([HEADERS, LINE]),
        "Anciennes": sheet([HEADERS, LINE, LINE]),
    }
    found = read(zipped(members(sheets)))
    assert (found.name, len(found.lines)) == ("Sessions", 1)


def test_the_detail_column_of_the_annotated_file_is_passed_over(read) -> None:
    content = xlsx(["Détail", *HEADERS], ["Prénom non renseigné", *LINE], ["reste d'un ancien détail"])
    assert read(content).lines == [RawLine(1, *LINE)]


@pytest.mark.parametrize("dimension", ["A1:B1", "A1:XFD1048576", "Z9:A1", "A5:ZZZZ99"])
def test_a_false_dimension_loses_no_line(read, dimension: str) -> None:
    content = xlsx(HEADERS, *[LINE] * 10, before=f'<dimension ref="{dimension}"/>')
    assert read(content).lines == [RawLine(number, *LINE) for number in range(1, 11)]


def test_blank_formatted_rows_are_nothing(read) -> None:
    blank = row(0, [None] * 9).replace('r="0"', 'r="#"').replace('0"', '#"')
    rows = "".join(blank.replace("#", str(number)) for number in range(3, 300_003))
    last = row(300_003, LINE)
    content = xlsx_of(sheet([HEADERS, LINE]).replace("</sheetData>", f"{rows}{last}</sheetData>"))
    assert [line.number for line in read(content).lines] == [1, 300_002]


def test_lines_beyond_the_limit_are_refused_and_blank_rows_not_counted(read) -> None:
    content = xlsx(HEADERS, LINE, [None] * 9, LINE, LINE)
    assert len(read(content, max_lines=3).lines) == 3
    with pytest.raises(FileRefused) as refusal:
        read(content, max_lines=2)
    assert refusal.value.code is FileCode.TOO_MANY_LINES


@BOTH
def test_a_file_without_a_line_says_so(read, build: Build, kind: Kind) -> None:
    with pytest.raises(FileRefused, match="Le fichier doit contenir au moins une ligne"):
        read(build(HEADERS, [" "] * 9), kind)


@BOTH
def test_wrong_headers_are_named(read, build: Build, kind: Kind) -> None:
    headers = ["Référence dossier", *HEADERS[1:5], "Prenom", *HEADERS[6:]]
    with pytest.raises(FileRefused) as refusal:
        read(build(headers, LINE), kind)
    assert refusal.value.code is FileCode.HEADERS
    assert "manquants : « Ref » ; inconnus : « Référence dossier »" in refusal.value.message


def test_a_decomposed_name_and_zero_width_characters_come_as_typed(read) -> None:
    name = unicodedata.normalize("NFD", "Núñez") + "\u200b\ufeff"
    assert read(xlsx(HEADERS, with_value("last_name", name))).lines[0].last_name == name


def test_characters_that_xml_cannot_hold_are_dropped(read) -> None:
    typed = with_value("last_name", "DU_x0000__x0007_PO_x001E_N_x001F_T\uffff")
    assert read(xlsx(HEADERS, LINE, typed, LINE)).lines[1].last_name == "DUPONT"
    old = with_value("last_name", "DU\x07PO\x1eN\x1fT")
    assert read(xls(HEADERS, old), "xls").lines[0].last_name == "DUPONT"


def test_a_very_long_cell_is_cut_and_still_too_long(read) -> None:
    text = read(xlsx(HEADERS, with_value("last_name", "A" * 30_000))).lines[0].last_name
    assert text == "A" * 1_000 + "…"


def test_rich_shared_and_broken_texts_are_whole(read) -> None:
    rich = Xml('<c r="{ref}" t="s"><v>0</v></c>')
    shared = (
        '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        '<si><r><t>DU</t></r><r><rPr><b/></rPr><t>PONT</t></r><rPh sb="0" eb="1"><t>x</t></rPh></si></sst>'
    )
    content = xlsx_of(sheet([HEADERS, with_value("last_name", rich), with_value("reference", "a\nb")]), shared=shared)
    lines = read(content).lines
    assert (lines[0].last_name, lines[1].reference) == ("DUPONT", "a\nb")
