"""Lists as files: .xlsx or .csv, written row by row. No text ever becomes a formula, whatever it begins with."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, BinaryIO

from app.services.core.clock import PARIS
from app.services.core.xlsx import DECLARATION, NAMESPACE, PARTS, TYPES, text_cell

XLSX, CSV = "xlsx", "csv"
#: Media types; what is sent as text gets its charset when it is sent, once.
FORMATS = {
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    CSV: "text/csv",
}
#: What a spreadsheet program holds on one sheet, the headers aside.
XLSX_ROWS = 1_048_575
#: What begins so is taken for a formula by a program that opens a .csv.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_BATCH = 2_000
_STYLES = (
    f'<styleSheet xmlns="{NAMESPACE}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="2">'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)

Row = Sequence[Any]


def write(kind: str, heads: Sequence[str], rows: Iterable[Row], target: BinaryIO) -> int:
    """Write rows of plain values (texts, numbers, days, amounts, None) below their headers; return how many."""
    return (_write_xlsx if kind == XLSX else _write_csv)(heads, rows, target)


def plain(value: Any) -> str | int | Decimal:
    """Return a value as both kinds of file hold it: days as JJ/MM/AAAA, « Oui » or « Non », nothing for None."""
    if isinstance(value, bool):
        return "Oui" if value else "Non"
    if isinstance(value, datetime):
        return f"{value.astimezone(PARIS):%d/%m/%Y %H:%M}"
    if isinstance(value, date):
        return f"{value:%d/%m}/{value.year:04d}"
    if isinstance(value, (int, Decimal)):
        return value
    return "" if value is None else str(value)


def _write_csv(heads: Sequence[str], rows: Iterable[Row], target: BinaryIO) -> int:
    text = io.TextIOWrapper(target, "utf-8-sig", newline="", write_through=False)
    writer, count = csv.writer(text, delimiter=";"), 0
    writer.writerow([_csv(head) for head in heads])
    for row in rows:
        writer.writerow([_csv(value) for value in row])
        count += 1
    text.detach()  # flushes, and leaves the target open
    return count


def _csv(value: Any) -> str:
    held = plain(value)
    if isinstance(held, (int, Decimal)):
        return str(held).replace(".", ",")
    return f"'{held}" if held.startswith(_FORMULA) else held


def _write_xlsx(heads: Sequence[str], rows: Iterable[Row], target: BinaryIO) -> int:
    count = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        for name, content in PARTS.items():
            archive.writestr(name, DECLARATION + content)
        archive.writestr("xl/styles.xml", DECLARATION + _STYLES)
        archive.writestr("[Content_Types].xml", DECLARATION + TYPES)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            part.write((DECLARATION + _head(heads)).encode())
            lines = ("".join(["<row>", *map(_cell, row), "</row>"]) for row in rows)
            while batch := list(islice(lines, _BATCH)):
                part.write("".join(batch).encode())
                count += len(batch)
            part.write(b"</sheetData></worksheet>")
    return count


def _head(heads: Sequence[str]) -> str:
    cells = "".join(text_cell(head).replace("<c ", '<c s="1" ', 1) for head in heads)
    return (
        f'<worksheet xmlns="{NAMESPACE}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f'<cols><col min="1" max="{len(heads)}" width="22" customWidth="1"/></cols><sheetData><row>{cells}</row>'
    )


def _cell(value: Any) -> str:
    held = plain(value)
    return f"<c><v>{held}</v></c>" if isinstance(held, (int, Decimal)) else text_cell(held)
