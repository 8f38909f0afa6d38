"""The reader says of each cell what openpyxl and xlrd say, whichever of its own readers has the file, whoever wrote it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlrd
import xlwt

from app.services.imports import reading
from app.services.imports.reading import Sheet
from app.validators.file import FileCode, FileRefused, Kind
from tests.corpus import biff
from tests.corpus.builders import HEADERS, LINE, ROOT, Error, Formula, Xml, members, sheet, xls_book, xlsx, zipped

ERRORS = (
    "#REF!",
    "#N/A",
    "#SPILL!",
    "#CALC!",
    "#GETTING_DATA",
    "#FIELD!",
    "#BLOCKED!",
    "#UNKNOWN!",
    "#BUSY!",
    "#PYTHON!",
)
SHARED = (
    f'<sst {ROOT}><si><t>Zoë</t></si><si><r><t>DU</t></r><r><t xml:space="preserve">PONT </t></r>'
    '<rPh sb="0" eb="1"><t>x</t></rPh></si></sst>'
)
TEXTS = ("é", " a ", "=1", "0042", "a\nb", "Œ’", "🚚", Xml('<c r="{ref}" t="s"><v>1</v></c>'))
NUMBERS = (0, -3, 42.0, 12.5, 1e20, 1.5e-7, 123456789012345, 850492100123, Formula("1+1", 2.5))
DAYS = (date(2022, 1, 5), date(1990, 2, 28), date(1904, 1, 5), True, False, Formula("1", "x"))
MOMENTS = tuple(
    Xml(f'<c r="{{ref}}" s="{s}"><v>{v}</v></c>') for s, v in ((1, 44566.6041), (1, 0.5), (2, 1.75), (2, 0))
)


def grid(*values: object) -> list[list[object]]:
    """Lines of nine cells that hold these values, the last being a text so that none is blank."""
    rows = [list(values[at : at + 8]) for at in range(0, len(values), 8)]
    return [[*row, *[None] * (8 - len(row)), "82R987928"] for row in rows]


def shown(value: Any) -> str:
    """What a French Excel shows, written anew: the tests do not ask the code that they test."""
    match value:
        case None:
            return ""
        case bool():
            return "VRAI" if value else "FAUX"
        case datetime() | date():
            return f"{value.day:02}/{value.month:02}/{value.year:04}"
        case time():
            return f"{value.hour:02}:{value.minute:02}:{value.second:02}"
        case timedelta():
            return f"{value.days * 24 + value.seconds // 3600:02}:{value.seconds // 60 % 60:02}:{value.seconds % 60:02}"
        case int() | float():
            return f"{value:.15G}".replace(".", ",")
    return str(value)


@pytest.fixture(params=["read", "careful"])
def read(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[bytes, Kind], Sheet]:
    """Reads as usual, and as after a child that did not survive."""
    monkeypatch.setattr(reading, "READ", request.param)

    def read_bytes(content: bytes, kind: Kind = "xlsx") -> Sheet:
        path = tmp_path / "upload"
        path.write_bytes(content)
        return reading.read(path, kind)

    return read_bytes


def cells_of(found: Sheet) -> list[list[str]]:
    return [list(line[1:10]) for line in found.lines]


def by_openpyxl(content: bytes) -> list[list[str]]:
    rows = openpyxl.load_workbook(io.BytesIO(content), data_only=True).worksheets[0].iter_rows(values_only=True)
    wanted = [list(map(shown, row[:9])) for row in rows]
    return [row for row in wanted[wanted.index(list(HEADERS)) + 1 :] if any(map(str.strip, row))]


def by_xlrd(content: bytes) -> list[list[str]]:
    book = xlrd.open_workbook(file_contents=content)
    rows = list(book.sheet_by_index(0).get_rows())[1:]
    return [[_shown_by_xlrd(cell, book.datemode) for cell in row] for row in rows]


def _shown_by_xlrd(cell: xlrd.sheet.Cell, mode: int) -> str:
    if cell.ctype == xlrd.XL_CELL_DATE:
        moment = xlrd.xldate_as_datetime(cell.value, mode)
        return shown(moment.time() if cell.value < 1 else moment)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return {0x2B: "#GETTING_DATA"}.get(cell.value) or xlrd.error_text_from_code[cell.value]
    return shown(bool(cell.value) if cell.ctype == xlrd.XL_CELL_BOOLEAN else cell.value)


# --- .xlsx ------------------------------------------------------------------------------------------------------------

ROWS = [HEADERS, *grid(*TEXTS, *NUMBERS, *DAYS, *MOMENTS, *map(Error, ERRORS))]
PARTS = members({"Feuil1": sheet(ROWS)}, shared=SHARED)
SHEET = "xl/worksheets/sheet1.xml"


def with_sheet(change: Callable[[str], str]) -> dict[str, str]:
    return {**PARTS, SHEET: change(PARTS[SHEET])}


def after_cells(text: str) -> Mapping[str, str]:
    return with_sheet(lambda xml: xml.replace("</sheetData>", f"</sheetData>{text}"))


def before_cells(text: str) -> Mapping[str, str]:
    return with_sheet(lambda xml: xml.replace("<sheetData>", f"{text}<sheetData>"))


def far(ref: str, text: str = "<is><t> </t></is>") -> Mapping[str, str]:
    row = f'<row><c r="{ref}" t="inlineStr">{text}</c></row>'
    return with_sheet(lambda xml: xml.replace("</sheetData>", f"{row}</sheetData>"))


def moved(folder: str) -> Mapping[str, str]:
    """The same with its parts in another folder, as the package allows."""
    return {name.replace("xl/", folder): text.replace("xl/", folder) for name, text in PARTS.items()}


def utf16(*names: str) -> Mapping[str, str | bytes]:
    head = '<?xml version="1.0" encoding="UTF-16"?>'
    return {name: (head + text).encode("utf-16") if name in names else text for name, text in PARTS.items()}


VARIANTS: dict[str, Mapping[str, str | bytes]] = {
    "as it is": PARTS,
    "days from 1904": {**PARTS, **members({"Feuil1": sheet(ROWS)}, '<workbookPr date1904="1"/>', shared=SHARED)},
    "a merge of a row": after_cells('<mergeCells><mergeCell ref="1:1"/></mergeCells>'),
    "a merge of a column": after_cells('<mergeCells><mergeCell ref="L:L"/><mergeCell ref="N:XFD"/></mergeCells>'),
    "a dimension of rows": before_cells('<dimension ref="1:4"/>'),
    "a dimension of columns": before_cells('<dimension ref="A:I"/>'),
    "a blank at the end of the first line": with_sheet(
        lambda xml: xml.replace('</row><row r="3"', '<c r="XFD2" t="inlineStr"><is><t> </t></is></c></row><row r="3"', 1)
    ),
    "a blank at the end of the rows": far("A1048576"),
    "a blank in the last corner": far("XFD1048576"),
    "a text in the last corner": far("XFD1048576", "<is><t>x</t></is>"),
    "cells in UTF-16": utf16(SHEET),
    "texts and list in UTF-16": utf16("xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml"),
    "all in UTF-16": utf16(*PARTS),
    "parts in another folder": moved("content/"),
    "parts in no folder": moved(""),
    "prefixes": with_sheet(
        lambda xml: xml.replace("xmlns=", "xmlns:x=").replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:")
    ),
    "cells that do not say where they are": with_sheet(
        lambda xml: re.sub(r' r="[A-Z]*[0-9]+"', "", xml)
    ),
    "texts between marks of CDATA": with_sheet(lambda xml: xml.replace(">é<", "><![CDATA[é]]><")),
    "formats under low numbers": {
        **PARTS,
        "xl/styles.xml": PARTS["xl/styles.xml"]
        .replace("<fonts", '<numFmts><numFmt numFmtId="70" formatCode="dd/mm/yy"/></numFmts><fonts', 1)
        .replace('numFmtId="14"', 'numFmtId="70"'),
    },
    "a number under the number of a day": {
        **PARTS,
        "xl/styles.xml": PARTS["xl/styles.xml"].replace(
            "<fonts", '<numFmts><numFmt numFmtId="14" formatCode="00000"/></numFmts><fonts', 1
        ),
    },
}  # fmt: skip


#: What openpyxl cannot read, or not in its time: the same cells without it are the measure.
BEYOND_OPENPYXL = frozenset({
    "a blank at the end of the first line", "a blank at the end of the rows", "a blank in the last corner",
    "a text in the last corner", "a merge of a row", "a merge of a column", "a dimension of rows", "a dimension of columns",
    "parts in another folder", "parts in no folder",
})  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_cell_of_an_xlsx_is_what_openpyxl_says(read, variant: str) -> None:
    content = zipped(VARIANTS[variant])
    measure = zipped(PARTS) if variant in BEYOND_OPENPYXL else content
    assert cells_of(read(content, "xlsx")) == by_openpyxl(measure)


@pytest.mark.parametrize("encoding", ["windows-1252", "iso-8859-1"])
def test_a_part_in_an_old_encoding_is_read_by_what_it_says(read, encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + sheet([HEADERS, [*LINE[:5], "Zoë", *LINE[6:]]])
    found = read(zipped({**PARTS, SHEET: text.encode(encoding)}), "xlsx")
    assert cells_of(found) == [[*LINE[:5], "Zoë", *LINE[6:]]]


def test_an_error_outside_the_nine_columns_does_not_count(read) -> None:
    for error in ERRORS:
        assert cells_of(read(xlsx([*HEADERS, "Détail"], [*LINE, Error(error)]), "xlsx")) == [list(LINE)]
        assert cells_of(read(xlsx([*HEADERS], [*LINE, "", Error(error)]), "xlsx")) == [list(LINE)]


@pytest.mark.parametrize("how", ["xl/macrosheets/sheet1.xml", "macros/m.xml"])
def test_macro_sheets_of_an_xlsx_are_refused_wherever_they_are(read, how: str) -> None:
    listed = f'<Override PartName="/{how}" ContentType="application/vnd.ms-excel.macrosheet+xml"/></Types>'
    parts = {**PARTS, how: "<x/>", "[Content_Types].xml": PARTS["[Content_Types].xml"].replace("</Types>", listed)}
    with pytest.raises(FileRefused) as refused:
        read(zipped(parts), "xlsx")
    assert refused.value.code is FileCode.ACTIVE_CONTENT


# --- .xls -------------------------------------------------------------------------------------------------------------


def book(number_format: str = "General") -> xlwt.Workbook:
    made = xls_book(
        [HEADERS, *grid("é", "Œ’", "Dvořák", 42, 12.5, True, Formula("1+1", 0), Error("#REF!"), Error("#N/A"))]
    )
    style = xlwt.easyxf(num_format_str=number_format)
    target = made.get_sheet(0)
    for column, value in enumerate((2022, 39998.0, 0.5, 44566.604)):
        target.write(3, column, value, style)
    target.write(3, 8, "82R987928")
    return made


CHANGES: dict[str, tuple[str, Sequence[biff.Change]]] = {
    "as it is": ("General", ()),
    "code page 1252": ("General", [biff.code_page(1252)]),
    "code page 1251": ("General", [biff.code_page(1251)]),
    "code page of a Mac": ("General", [biff.code_page(10000)]),
    "no code page": ("General", [biff.without(biff.CODEPAGE)]),
    "a number under 14": ("00000", [biff.format_number(14)]),
    "a number under 22": ("0.0", [biff.format_number(22)]),
    "a number under 52": ("00000", [biff.format_number(52)]),
    "a number under 58": ("# ##0", [biff.format_number(58)]),
    "a day under 44": ("dd/mm/yyyy", [biff.format_number(44)]),
    "a day under 59": ("dd/mm/yyyy", [biff.format_number(59)]),
    "a day under 163": ("d mmm yy", [biff.format_number(163)]),
    "formulas of BIFF 3": ("General", [biff.formulas(0x0206, 2.5)]),
    "formulas of BIFF 4": ("General", [biff.formulas(0x0406, 850492100123.0)]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_cell_of_an_xls_is_what_xlrd_says(read, change: str) -> None:
    number_format, changes = CHANGES[change]
    content = biff.changed(book(number_format), *changes)
    assert cells_of(read(content, "xls")) == by_xlrd(content)


def test_the_value_of_an_old_formula_is_not_lost(read) -> None:
    content = biff.changed(book(), biff.formulas(0x0206, 2.5))
    assert cells_of(read(content, "xls"))[0][6] == "2,5"


@pytest.mark.parametrize("at", [0, 1])
def test_a_macro_sheet_of_an_xls_is_refused_like_that_of_an_xlsx(read, at: int) -> None:
    made = book()
    made.add_sheet("Macro1")
    with pytest.raises(FileRefused) as refused:
        read(biff.changed(made, biff.macro_sheet(at)), "xls")
    assert refused.value.code is FileCode.ACTIVE_CONTENT
    assert "(macros)" in refused.value.message
