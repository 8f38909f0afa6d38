"""What of an .xls calamine would misread, and its sheets as xlrd reads them: slow, and right. In the child process only."""

from __future__ import annotations

import contextlib
import io
import re
import struct
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from .careful import KNOWN_DATES, format_kind
from .tabs import CHUNK_CELLS, HEADER_CELLS, HEADER_ROWS, Chunk, Place, Refused
from .values import cut, moment, text_of

if TYPE_CHECKING:
    import xlrd

ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}
_RECORD = struct.Struct("<HH")
_BOF, _EOF, _CODEPAGE, _BOUNDSHEET, _FORMAT = 0x0809, 0x000A, 0x0042, 0x0085, 0x041E
_BIFF8, _UTF16 = 0x0600, 1200
_MACRO_SHEET = 1
_FIRST_OWN_FORMAT = 164  # below it calamine takes a format for what its number usually is
_OLD_FORMULAS = (0x0206, 0x0406)
_CODE_PAGES = (437, 850, 852, 855, 857, 858, 860, 863, 865, 866, 874, *range(1250, 1259))
_OLD_FORMULA = re.compile(rb"\x06[\x02\x04]")


class Look(NamedTuple):
    """What the records of an .xls say before any cell is read."""

    has_macros: bool
    """It has a sheet of Excel 4 macros."""
    is_odd: bool
    """Calamine would misread it, where every other reader does not."""


def look(content: bytes) -> Look:
    """Walks over the records of the workbook; what cannot be walked over says nothing."""
    from xlrd.compdoc import CompDoc, CompDocError

    try:
        book = CompDoc(content, logfile=io.StringIO())
        for name in ("Workbook", "Book"):
            stream, start, size = book.locate_named_stream(name)
            if stream is not None:
                return _look(bytes(stream[start : start + size]))
    except (CompDocError, struct.error, IndexError, AssertionError):
        pass
    return Look(has_macros=False, is_odd=False)


def _look(stream: bytes) -> Look:
    version, pages, has_macros, is_odd = 0, [0], False, False
    end = 0
    for kind, at, size in _records(stream, 0):
        data = stream[at : at + size]
        end = at + size
        if kind == _BOF and not version:
            version = int.from_bytes(data[:2], "little")
        elif kind == _CODEPAGE:
            pages.append(int.from_bytes(data[:2], "little"))
        elif kind == _BOUNDSHEET:
            has_macros = has_macros or data[5:6] == bytes([_MACRO_SHEET])
        elif kind == _FORMAT:
            is_odd = is_odd or _is_misread(data, version)
        elif kind == _EOF:
            break
    # BIFF8 holds its texts in UTF-16 whatever page it names; calamine believes the page.
    is_odd = is_odd or (version == _BIFF8 and pages[-1] != _UTF16)
    return Look(has_macros, is_odd or _has_old_formulas(stream, end))


def _records(stream: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Kind of each record, where its data begin, how many bytes they are."""
    while at + _RECORD.size <= len(stream):
        kind, size = _RECORD.unpack_from(stream, at)
        yield kind, at + _RECORD.size, size
        at += _RECORD.size + size


def _is_misread(data: bytes, version: int) -> bool:
    """Whether a format is another kind than its number usually is: 14 is a day, 52 too, 70 is a number."""
    from xlrd.biffh import unpack_string, unpack_unicode

    number = int.from_bytes(data[:2], "little")
    if number >= _FIRST_OWN_FORMAT:
        return False
    text = unpack_unicode(data, 2) if version == _BIFF8 else unpack_string(data, 2, "latin-1")
    return bool(format_kind(text)) != (number in KNOWN_DATES)


def _has_old_formulas(stream: bytes, start: int) -> bool:
    """Whether a cell is a formula of BIFF 3 or 4, which calamine passes over."""
    return _OLD_FORMULA.search(stream, start) is not None and any(
        kind in _OLD_FORMULAS for kind, _, _ in _records(stream, start)
    )


def opened(content: bytes) -> xlrd.Book:
    """The workbook, sheets being read on demand. Raises what xlrd raises for what it cannot read."""
    import xlrd

    how = {"file_contents": content, "logfile": io.StringIO(), "on_demand": True, "ragged_rows": True}
    try:
        return xlrd.open_workbook(**how)
    except (
        LookupError,
        UnicodeError,
        OSError,
    ):  # an unknown code page: BIFF8 needs none
        return xlrd.open_workbook(**how, encoding_override="cp1252")


def load_code_pages() -> None:
    """Has the old encodings ready: an .xls may name any, and the child opens no file once its door is shut."""
    from xlrd.biffh import encoding_from_codepage

    for name in {*encoding_from_codepage.values(), *(f"cp{page}" for page in _CODE_PAGES)}:
        with contextlib.suppress(LookupError):
            "".encode(name)


def tabs(content: bytes) -> list[XlsTab]:
    """The sheets of cells. Raises Refused when there is none, what xlrd raises for what it cannot read."""
    book = opened(content)
    found = [XlsTab(book, index) for index in range(book.nsheets)]
    if not found:
        raise Refused("no_sheet")
    return found


class XlsTab:
    """One sheet of an .xls, as xlrd reads it."""

    def __init__(self, book: xlrd.Book, index: int) -> None:
        self.name = book.sheet_names()[index]
        self.is_visible = book._sheet_visibility[index] == 0
        self._book, self._index = book, index

    def rows(self) -> int:
        """See Tab."""
        return int(self._sheet.nrows)

    def forget(self) -> None:
        """See Tab."""
        self._book.unload_sheet(self._index)

    @property
    def _sheet(self) -> xlrd.sheet.Sheet:
        return self._book.sheet_by_index(self._index)

    def first_rows(self) -> Iterator[tuple[int, list[str]]]:
        """See Tab."""
        sheet = self._sheet
        rows = ((row, list(map(self._value, sheet.row(row)))) for row in range(sheet.nrows))
        filled = ((row, cells) for row, cells in rows if any(cell != "" for cell in cells))
        for row, cells in islice(filled, HEADER_ROWS):
            yield row, [cut(text_of(cell)) for cell in cells[:HEADER_CELLS]]

    def chunks(self, place: Place) -> Iterator[Chunk]:
        """See Tab."""
        sheet, step = self._sheet, CHUNK_CELLS // len(place.columns)
        for first in range(place.row + 1, sheet.nrows, step):
            rows = range(first, min(first + step, sheet.nrows))
            cells = [[self._at(sheet, row, column) for row in rows] for column in place.columns]
            yield Chunk([row - place.row for row in rows], cells)

    def _at(self, sheet: xlrd.sheet.Sheet, row: int, column: int) -> Any:
        return self._value(sheet.cell(row, column)) if column < sheet.row_len(row) else ""

    def _value(self, cell: xlrd.sheet.Cell) -> Any:
        import xlrd

        match cell.ctype:
            case xlrd.XL_CELL_BOOLEAN:
                return bool(cell.value)
            case xlrd.XL_CELL_ERROR:
                return ERRORS.get(cell.value, "#N/A")
            case xlrd.XL_CELL_DATE:
                return moment(cell.value, is_1904=self._book.datemode == 1)
        return cell.value
