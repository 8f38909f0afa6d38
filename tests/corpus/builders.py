"""Spreadsheets made cell by cell, so that a test can hold what no spreadsheet program would write."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from xml.sax.saxutils import escape

import xlwt

HEADERS = (
    "Ref",
    "Numéro de commande client",
    "Libellé de formation",
    "Catégorie de formation",
    "Fin de formation",
    "Prénom",
    "Nom",
    "Date de naissance",
    "N° de permis",
)
LINE = (
    "REF1",
    "COM1",
    "FIMO Marchandises",
    "Marchandises",
    "05/01/2022",
    "PIERRE",
    "DUPONT",
    "01/01/1990",
    "82R987928",
)

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
ROOT = f'xmlns="{MAIN}" xmlns:r="{OFFICE}"'

CONTENT_TYPES = (
    f'<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/sharedStrings.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
)
STYLES = (
    f'<styleSheet {ROOT}><fonts count="1"><font/></fonts><fills count="1"><fill><patternFill/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="3"><xf/><xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="46" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


@dataclass(frozen=True)
class Error:
    """A cell whose value is an error."""

    text: str


@dataclass(frozen=True)
class Formula:
    """A formula and the value Excel kept of it."""

    text: str
    cached: str | float | Error


@dataclass(frozen=True)
class Xml:
    """A cell written as it stands, `{ref}` being its address."""

    text: str


def letters(column: int) -> str:
    """A for 1, XFD for 16384."""
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def serial(day: date, *, is_1904: bool = False) -> int:
    """The number Excel keeps for a day after February 1900."""
    return (day - (date(1904, 1, 1) if is_1904 else date(1899, 12, 30))).days


def cell(ref: str, value: object, *, is_1904: bool = False) -> str:
    """The XML of one cell; None is a blank one that bears a style."""
    match value:
        case None:
            return f'<c r="{ref}" s="1"/>'
        case Xml(text):
            return text.replace("{ref}", ref)
        case Error(text):
            return f'<c r="{ref}" t="e"><v>{text}</v></c>'
        case Formula(text, Error(error)):
            return f'<c r="{ref}" t="e"><f>{escape(text)}</f><v>{error}</v></c>'
        case Formula(text, str(cached)):
            return f'<c r="{ref}" t="str"><f>{escape(text)}</f><v>{escape(cached)}</v></c>'
        case Formula(text, cached):
            return f'<c r="{ref}"><f>{escape(text)}</f><v>{cached}</v></c>'
        case bool():
            return f'<c r="{ref}" t="b"><v>{int(value)}</v></c>'
        case date():
            return f'<c r="{ref}" s="1"><v>{serial(value, is_1904=is_1904)}</v></c>'
        case int() | float():
            return f'<c r="{ref}"><v>{value!r}</v></c>'
    return f'<c r="{ref}" t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'


def row(number: int, values: Sequence[object], first_column: int = 1, attributes: str = "", **how: bool) -> str:
    """The XML of one row."""
    cells = "".join(cell(f"{letters(first_column + i)}{number}", value, **how) for i, value in enumerate(values))
    return f'<row r="{number}"{attributes}>{cells}</row>'


def sheet(
    rows: Iterable[Sequence[object] | None],
    first_row: int = 1,
    first_column: int = 1,
    before: str = "",
    after: str = "",
    hidden: Sequence[int] = (),
    **how: bool,
) -> str:
    """The XML of a sheet; None is a row that is not there; `before` and `after` stand around the cells."""
    body = "".join(
        row(number, values, first_column, ' hidden="1"' if number in hidden else "", **how)
        for number, values in enumerate(rows, first_row)
        if values is not None
    )
    return f"<worksheet {ROOT}>{before}<sheetData>{body}</sheetData>{after}</worksheet>"


def members(sheets: Mapping[str, str], workbook: str = "", shared: str | None = None) -> dict[str, str]:
    """Name → content of each part of a workbook; `workbook` stands before the list of sheets."""
    names = "".join(f'<sheet name="{escape(n)}" sheetId="{i}" r:id="rId{i}"/>' for i, n in enumerate(sheets, 1))
    links = "".join(
        f'<Relationship Id="rId{i}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    links += f'<Relationship Id="rIdS" Type="{OFFICE}/styles" Target="styles.xml"/>'
    links += f'<Relationship Id="rIdT" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>' if shared else ""
    relations = f'<Relationships xmlns="{PACKAGE}/relationships">'
    parts = {
        "[Content_Types].xml": CONTENT_TYPES,
        "_rels/.rels": (
            f'{relations}<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
            "</Relationships>"
        ),
        "xl/workbook.xml": f"<workbook {ROOT}>{workbook}<sheets>{names}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f"{relations}{links}</Relationships>",
        "xl/styles.xml": STYLES,
    }
    if shared:
        parts["xl/sharedStrings.xml"] = shared
    return parts | {f"xl/worksheets/sheet{i}.xml": xml for i, xml in enumerate(sheets.values(), 1)}


def zipped(parts: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The parts in one archive."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()


def xlsx(*rows: Sequence[object] | None, workbook: str = "", **how: object) -> bytes:
    """A workbook of one sheet with these rows."""
    return zipped(members({"Feuil1": sheet(rows, **how)}, workbook))  # type: ignore[arg-type]


def xlsx_of(sheet_xml: str, **parts: str) -> bytes:
    """A workbook of one sheet given as XML."""
    return zipped(members({"Feuil1": sheet_xml}, **parts))


# By number: xlwt takes two of the names for another error.
XLS_ERRORS = {
    "#NULL!": 0x00,
    "#DIV/0!": 0x07,
    "#VALUE!": 0x0F,
    "#REF!": 0x17,
    "#NAME?": 0x1D,
    "#NUM!": 0x24,
    "#N/A": 0x2A,
}
DATE_STYLE = xlwt.easyxf(num_format_str="DD/MM/YYYY")


def xls(*rows: Sequence[object] | None, is_1904: bool = False, hidden: Sequence[int] = ()) -> bytes:
    """An .xls of one sheet with these rows."""
    target = io.BytesIO()
    xls_book(rows, is_1904=is_1904, hidden=hidden).save(target)
    return target.getvalue()


def xls_book(
    rows: Sequence[Sequence[object] | None], *, is_1904: bool = False, hidden: Sequence[int] = ()
) -> xlwt.Workbook:
    """The same, before it is written."""
    book = xlwt.Workbook()
    book.dates_1904 = is_1904
    target = book.add_sheet("Feuil1")
    for number, values in enumerate(rows):
        for column, value in enumerate(values or ()):
            _write(target, number, column, value, is_1904)
        target.row(number).hidden = number + 1 in hidden
    return book


def _write(target: xlwt.Worksheet, number: int, column: int, value: object, is_1904: bool) -> None:
    match value:
        case Error(text):
            target.row(number).set_cell_error(column, XLS_ERRORS[text])
        case Formula(text, _):
            target.write(number, column, xlwt.Formula(text))
        case date():
            target.write(number, column, serial(value, is_1904=is_1904), DATE_STYLE)
        case _:
            target.write(number, column, value)
