"""Error cells (#REF!), which calamine hands back as blanks: looked for in the file itself. In the child process only."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from .workbook_child import Place

ErrorCells = dict[int, dict[int, str]]
"""Row from 0 → place of the field among the nine → what the cell shows."""

_PIECE = 1024 * 1024
_LONGEST_CELL = 64 * 1024  # bytes of XML; a formula has at most 8,192 characters
_ERROR_CELL = re.compile(
    rb"""<(?:\w+:)?c\s(?=[^<>]*\bt=["']e["'])[^<>]*\br=["']([A-Z]{1,3})([0-9]{1,7})["'][^<>]*>"""
    rb"""(?:(?!</(?:\w+:)?c>).)*?<(?:\w+:)?v>\s*(\#[A-Z0-9/_]{1,12}[!?]?)\s*</""",
    re.DOTALL,
)
_RELATION_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION_ID = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


def error_cells(content: bytes, kind: str, sheet: str, place: Place) -> ErrorCells:
    """The error cells of the nine columns of this sheet; none where they cannot be found, as blanks they stay."""
    find = _in_xlsx if kind == "xlsx" else _in_xls
    field_by_column = {index + place.offset: field for field, index in enumerate(place.columns)}
    cells: ErrorCells = {}
    try:
        for row, column, text in find(content, sheet):
            if row > place.row and column in field_by_column:
                cells.setdefault(row, {})[field_by_column[column]] = text
    except Exception:  # noqa: S110  a file that calamine could read: its other cells are good
        pass
    return cells


def may_have_error_cells(content: bytes) -> bool:
    """Whether the bytes of an .xls look as if some cell held an error; a false alarm costs only time."""
    return _XLS_ERROR.search(content) is not None


# BIFF: a BOOLERR record that says « error », or a FORMULA record whose value is one.
_XLS_ERROR = re.compile(
    rb"\x05\x02\x08\x00.{7}\x01|\x06\x00.{2}.{6}\x02.[\x00\x07\x0f\x17\x1d\x24\x2a].{3}\xff\xff",
    re.DOTALL,
)


def _in_xls(content: bytes, sheet: str) -> Iterator[tuple[int, int, str]]:
    if not may_have_error_cells(content):
        return
    import xlrd

    book = xlrd.open_workbook(file_contents=content, logfile=io.StringIO(), on_demand=True, ragged_rows=True)
    cells = book.sheet_by_name(sheet)
    for row in range(cells.nrows):
        for column, kind in enumerate(cells.row_types(row)):
            if kind == xlrd.XL_CELL_ERROR:
                yield row, column, xlrd.error_text_from_code.get(cells.cell_value(row, column), "#N/A")


def _in_xlsx(content: bytes, sheet: str) -> Iterator[tuple[int, int, str]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for found in _matches(archive, _part_of(archive, sheet)):
            yield int(found[2]) - 1, _column_number(found[1].decode()), found[3].decode()


def _matches(archive: zipfile.ZipFile, part: str) -> Iterator[re.Match[bytes]]:
    """Streams the part; only as much as one cell may fill is kept from one piece to the next."""
    kept = b""
    with archive.open(part) as stream:
        while piece := stream.read(_PIECE):
            text = kept + piece
            end = 0
            for found in _ERROR_CELL.finditer(text):
                end = found.end()
                yield found
            kept = text[max(end, len(text) - _LONGEST_CELL) :]


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str:
    """Name of the member that holds the sheet of this name."""
    workbook = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314  the child is confined
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    wanted = next(e for e in workbook.iter() if e.tag.endswith("}sheet") and e.get("name") == sheet)
    key = wanted.get(_RELATION_ID) or wanted.get(_STRICT_RELATION_ID)
    target = next(e.get("Target", "") for e in relations if e.get("Id") == key)
    return posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


def _column_number(letters: str) -> int:
    """Column from 0 for A, B … XFD."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
