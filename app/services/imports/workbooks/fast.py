"""The sheets as calamine reads them: whole and quickly, which nearly every file allows. In the child process only."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from .package import Damaged
from .tabs import CHUNK_CELLS, HEADER_CELLS, HEADER_ROWS, Chunk, Place, Refused
from .values import cut, text_of

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

ErrorCells = dict[int, dict[int, str]]
"""Row from 0 → column from 0 → what the error cell shows."""

FindErrors = Callable[[str], ErrorCells]
"""Name of a sheet → its error cells, which calamine hands back as blanks."""

_ROWS, _COLUMNS = 1_048_576, 16_384  # of Excel; calamine believes addresses beyond


def tabs(content: bytes, find_errors: FindErrors | None) -> list[FastTab]:
    """The sheets of cells. Raises Refused when there is none, what calamine raises for what it cannot read."""
    from python_calamine import CalamineWorkbook, SheetTypeEnum

    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    kinds = [meta.typ for meta in book.sheets_metadata]
    if SheetTypeEnum.MacroSheet in kinds:
        raise Refused("active_content", what="macros")
    found = [FastTab(book, at, find_errors) for at, kind in enumerate(kinds) if kind == SheetTypeEnum.WorkSheet]
    if not found:
        raise Refused("no_sheet")
    return found


class FastTab:
    """One sheet, which calamine holds whole once it is asked for."""

    def __init__(self, book: CalamineWorkbook, index: int, find_errors: FindErrors | None) -> None:
        from python_calamine import SheetVisibleEnum

        meta = book.sheets_metadata[index]
        self.name = meta.name
        self.is_visible = meta.visible == SheetVisibleEnum.Visible
        self._book, self._index, self._find_errors = book, index, find_errors
        self._held: CalamineSheet | None = None
        self._errors: ErrorCells | None = None

    def rows(self) -> int:
        """See Tab."""
        return self._sheet.total_height

    def forget(self) -> None:
        """See Tab."""
        self._held = self._errors = None

    @property
    def _sheet(self) -> CalamineSheet:
        if self._held is None:
            self._held = self._book.get_sheet_by_index(self._index)
            if self._held.end and (self._held.end[0] >= _ROWS or self._held.end[1] >= _COLUMNS):
                raise Damaged("no such cell")
        return self._held

    def first_rows(self) -> Iterator[tuple[int, list[str]]]:
        """See Tab."""
        filled = ((row, cells) for row, cells in enumerate(self._sheet.iter_rows()) if any(cells))
        for row, cells in islice(filled, HEADER_ROWS):
            yield row, [cut(text_of(cell)) for cell in cells[:HEADER_CELLS]]

    def chunks(self, place: Place) -> Iterator[Chunk]:
        """See Tab; stretches of rows that hold nothing at all are passed over."""
        rows = islice(self._sheet.iter_rows(), place.row + 1, None)
        size = max(1, CHUNK_CELLS // max(1, self._sheet.width))
        errors = self._error_cells()
        first = 1
        while chunk := list(islice(rows, size)):
            # Whole stretches of rows that bear only a style are common.
            if any(chunk[0]) or set(chain.from_iterable(chunk)) != {""} or errors:
                by_column = list(zip(*chunk, strict=True))
                columns = [list(by_column[index]) for index in place.columns]
                self._mark_errors(columns, errors, place, first)
                yield Chunk(range(first, first + len(chunk)), columns)
            first += len(chunk)

    def _error_cells(self) -> ErrorCells:
        if self._errors is None:
            self._errors = self._find_errors(self.name) if self._find_errors else {}
        return self._errors

    def _mark_errors(self, columns: list[list[Any]], errors: ErrorCells, place: Place, first: int) -> None:
        """Writes the error values where a blank came for them."""
        offset = (self._sheet.start or (0, 0))[1]
        for at in range(len(columns[0])) if errors else ():
            if found := errors.get(place.row + first + at):
                for column, index in zip(columns, place.columns, strict=True):
                    column[at] = found.get(index + offset, column[at])
