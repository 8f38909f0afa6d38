"""Error cells (#REF!), which calamine hands back as blanks: looked for in the file itself. In the child process only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from .careful import column_number
from .package import Damaged, Package
from .xls import ERRORS, opened

if TYPE_CHECKING:
    from .fast import ErrorCells, FindErrors

_PIECE = 1024 * 1024
_LONGEST_CELL = 64 * 1024  # bytes of XML; a formula has at most 8,192 characters
_ERROR_CELL = re.compile(
    rb"""<(?:\w+:)?c\s(?=[^<>]*\bt=["']e["'])(?:[^<>]*?\br=["']([A-Z]{1,3})([0-9]{1,7})["'])?[^<>]*(?<!/)>"""
    rb"""(?:(?!</?(?:\w+:)?c[\s>]).)*?<(?:\w+:)?v>\s*([^<]{1,40}?)\s*</""",
    re.DOTALL,
)


def finder(content: bytes, kind: str) -> FindErrors:
    """What finds the error cells of one sheet of this file."""

    def find(sheet: str) -> ErrorCells:
        cells: ErrorCells = {}
        for row, column, text in (_in_xlsx if kind == "xlsx" else _in_xls)(content, sheet):
            cells.setdefault(row, {})[column] = text
        return cells

    return find


def may_have_error_cells(content: bytes) -> bool:
    """Whether the bytes of an .xls look as if some cell held an error; a false alarm costs only time."""
    return _XLS_ERROR.search(content) is not None


# BIFF: a BOOLERR record that says « error », or a FORMULA record whose value is one.
_XLS_ERROR = re.compile(
    rb"\x05\x02\x08\x00.{7}\x01|\x06\x00.{2}.{6}\x02.[\x00\x07\x0f\x17\x1d\x24\x2a\x2b].{3}\xff\xff",
    re.DOTALL,
)


def _in_xls(content: bytes, sheet: str) -> Iterator[tuple[int, int, str]]:
    """None where xlrd cannot read what calamine can: its other cells are good, and blanks they stay."""
    if not may_have_error_cells(content):
        return
    import xlrd

    try:
        cells = opened(content).sheet_by_name(sheet)
    except Exception:  # xlrd stumbles over what is damaged in many ways
        return
    for row in range(cells.nrows):
        for column, kind in enumerate(cells.row_types(row)):
            if kind == xlrd.XL_CELL_ERROR:
                yield row, column, ERRORS.get(cells.cell_value(row, column), "#N/A")


def _in_xlsx(content: bytes, sheet: str) -> Iterator[tuple[int, int, str]]:
    """Raises Damaged where they cannot be found so: the slow reader finds them."""
    book = Package(content)
    part = next(listed.part for listed in book.sheets()[0] if listed.name == sheet)
    with book.open(part) as stream:
        for found in _matches(stream):
            if found[1] is None:
                raise Damaged("an error cell that does not say where it is")
            yield int(found[2]) - 1, column_number(found[1].decode()), found[3].decode()


def _matches(stream: IO[bytes]) -> Iterator[re.Match[bytes]]:
    """Streams the part; only as much as one cell may fill is kept from one piece to the next."""
    kept = b""
    while piece := stream.read(_PIECE):
        text = kept + piece
        end = 0
        for found in _ERROR_CELL.finditer(text):
            end = found.end()
            yield found
        kept = text[max(end, len(text) - _LONGEST_CELL) :]
