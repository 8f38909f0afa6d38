"""The throw-away child that parses a spreadsheet: `python -I -B workbook_child.py KIND MAX_LINES GO`.

It gets ready while the parent still guards; one byte on the descriptor GO lets it begin (`1`: look for error cells;
nothing: do not begin). The file comes open on standard input; what it holds goes out on standard output as frames (one
letter, length, UTF-8): H the place of the headers, L lines, E the end, R a refusal. The parent believes none of it and
treats any other end as an unreadable file, so that what a hostile file may do to the parser stays in here.
"""

from __future__ import annotations

import gc
import io
import json
import os
import resource
import struct
import sys
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

    from app.services.imports.workbook_errors import ErrorCells

FRAME = struct.Struct("!cI")
CELL_END, COLUMN_END = "\x1f", "\x1e"
"""Separators inside a frame of lines; like the other control characters they never stay in a cell."""

MAX_CELL = 1_000
"""Characters kept of a cell, far beyond what any field accepts: longer ones are cut and keep their format error."""

MEMORY = 1024 * 1024 * 1024
CPU_SECONDS = 30

_ROWS, _COLUMNS = 1_048_576, 16_384  # of Excel; calamine believes addresses beyond
_CHUNK_CELLS = 64 * 1024
_HEADER_ROWS = 20  # rows with content in which the headers are looked for: a title may stand above them
_NO_XML = bytes({*range(0x20)} - {9, 10, 13, ord(CELL_END), ord(COLUMN_END)})


class Place(NamedTuple):
    """Where the nine columns stand on a sheet."""

    row: int
    """Row of the headers, from 0."""
    columns: tuple[int, ...]
    """Index of each of the nine columns in calamine's rows, in the order of the fields."""
    offset: int
    """Empty columns before calamine's first."""


class Refused(Exception):
    """The file is not to be read: a code of FileCode, and for wrong headers the row that came nearest."""

    def __init__(self, code: str, cells: Sequence[str] = ()) -> None:
        super().__init__(code)
        self.answer = {"code": code, "cells": cells}


def confine() -> None:
    """Gives up what reading a file needs not: memory, time, writing, cores."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def shut() -> None:
    """No further file or socket can be opened. Whatever is imported later must be there by now."""
    for codec in ("cp437", "cp1252", "latin-1", "utf-16-le", "mac-roman"):
        "".encode(codec)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def main(kind: str, max_lines: int, go: int) -> None:
    """Reads standard input, answers on standard output."""
    confine()
    gc.disable()  # this process lives for one file and makes no cycles
    sys.path.append(str(Path(__file__).resolve().parents[3]))
    import python_calamine
    import xlrd  # noqa: F401  imported before the door shuts

    import app.services.imports.workbook_errors
    import app.validators.file  # noqa: F401

    out = os.fdopen(1, "wb", closefd=False)
    shut()
    word = os.read(go, 1)
    os.close(go)
    if not word:
        return
    look_for_errors = word == b"1"
    content = sys.stdin.buffer.read()
    try:
        send_workbook(out, content, kind, max_lines, look_for_errors)
    except Refused as refusal:
        send(out, b"R", json.dumps(refusal.answer).encode())
    except (python_calamine.CalamineError, OSError):
        send(out, b"R", json.dumps({"code": why_unreadable(content, kind)}).encode())
    out.flush()


def why_unreadable(content: bytes, kind: str) -> str:
    """The code of FileCode for a file that calamine refused: it does not tell a password from damage."""
    if kind == "xlsx":
        return "damaged"
    import xlrd

    # Names of streams, as the directory of an OLE container holds them.
    if "EncryptedPackage".encode("utf-16-le") in content:
        return "password"
    names = [name for name in ("Root Entry", "Workbook\0", "Book\0") if name.encode("utf-16-le") in content]
    if names == ["Root Entry"]:
        return "not_a_workbook"
    try:
        xlrd.open_workbook(file_contents=content, logfile=io.StringIO(), on_demand=True)
    except xlrd.XLRDError as fault:
        return "password" if "encrypted" in str(fault) else "damaged"
    except Exception:  # noqa: S110  xlrd stumbles over what is damaged in many ways
        pass
    return "damaged"


def send(out: io.BufferedWriter, letter: bytes, payload: bytes) -> None:
    """Writes one frame."""
    out.write(FRAME.pack(letter, len(payload)) + payload)


def send_workbook(out: io.BufferedWriter, content: bytes, kind: str, max_lines: int, look_for_errors: bool) -> None:
    """Sends the place of the headers, the lines, the end. Raises Refused."""
    from python_calamine import CalamineWorkbook

    from app.services.imports.workbook_errors import error_cells

    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    name, sheet, place = find_headers(book)
    rows = max(0, sheet.total_height - place.row - 1)
    send(out, b"H", json.dumps({"row": place.row + 1, "sheet": name[:100], "rows": rows}).encode())
    errors = error_cells(content, kind, name, place) if look_for_errors else {}
    count = 0
    for sent, payload in chunks(sheet, place, errors):
        count += sent
        if count > max_lines:
            raise Refused("too_many_lines")
        send(out, b"L", payload)
    send(out, b"E", json.dumps({"lines": count}).encode())


def find_headers(book: CalamineWorkbook) -> tuple[str, CalamineSheet, Place]:
    """The first sheet that bears the nine headers, and where. Raises Refused with the row that came nearest."""
    from app.validators.file import match_headers
    from app.validators.remark import FIELDS

    nearest: tuple[int, list[str]] = (-1, [])
    for name, sheet in worksheets(book):
        start = sheet.start or (0, 0)
        for row, cells in first_rows(sheet):
            match = match_headers(cells)
            if match.is_complete:
                return name, sheet, Place(row, tuple(match.columns[field] for field in FIELDS), start[1])
            if len(match.columns) > nearest[0]:
                nearest = len(match.columns), cells
        if len(nearest[1]) and nearest[0] == len(FIELDS):
            break  # this sheet bears them all, with others besides: it is the one that was meant
    raise Refused("headers", nearest[1])


def worksheets(book: CalamineWorkbook) -> Iterator[tuple[str, CalamineSheet]]:
    """Name and content of each sheet of cells, in the order of the tabs. Raises Refused when there is none."""
    from python_calamine import SheetTypeEnum

    sheets = [(i, meta.name) for i, meta in enumerate(book.sheets_metadata) if meta.typ == SheetTypeEnum.WorkSheet]
    if not sheets:
        raise Refused("no_sheet")
    for index, name in sheets:
        sheet = book.get_sheet_by_index(index)
        if sheet.end and (sheet.end[0] >= _ROWS or sheet.end[1] >= _COLUMNS):
            raise Refused("damaged")
        yield name, sheet


def first_rows(sheet: CalamineSheet) -> Iterator[tuple[int, list[str]]]:
    """Number (from 0) and texts of the first rows that hold something."""
    filled = ((row, cells) for row, cells in enumerate(sheet.iter_rows()) if any(cells))
    for row, cells in islice(filled, _HEADER_ROWS):
        yield row, [cut(text_of(cell)) for cell in cells[:1000]]


def chunks(sheet: CalamineSheet, place: Place, errors: ErrorCells) -> Iterator[tuple[int, bytes]]:
    """Numbers of lines and frames of them, worked on by column: that is where the time of a large file goes."""
    rows = islice(sheet.iter_rows(), place.row + 1, None)
    size = max(1, _CHUNK_CELLS // max(1, sheet.width))
    first = 1
    while chunk := list(islice(rows, size)):
        # Whole stretches of rows that bear only a style are common.
        if any(chunk[0]) or set(chain.from_iterable(chunk)) != {""} or errors:
            columns = [[row[index] for row in chunk] for index in place.columns]
            numeric = numeric_permits(columns[-1])
            texts = [texts_of(column) for column in columns]
            mark_errors(texts, errors, place.row + first)
            yield encode(first, texts, numeric)
        first += len(chunk)


def mark_errors(columns: list[list[str]], errors: ErrorCells, first_row: int) -> None:
    """Writes the error values where a blank came for them."""
    for at in range(len(columns[0])) if errors else ():
        for field, error in errors.get(first_row + at, {}).items():
            columns[field][at] = columns[field][at] or error


def encode(first: int, columns: list[list[str]], numeric: list[int]) -> tuple[int, bytes]:
    """How many lines hold something, and the frame of them: a JSON head, then the nine columns."""
    texts = map("".join, zip(*columns, strict=True))
    blank = {at for at, text in enumerate(texts) if not text[:1].isalnum() and is_blank(text)}
    kept = [at for at in range(len(columns[0])) if at not in blank]
    if blank:
        columns = [[column[at] for at in kept] for column in columns]
    head = {
        "count": len(kept),
        "first": first,
        "numbers": [first + at for at in kept] if blank else None,
        "numeric": [first + at for at in numeric],
    }
    payload = COLUMN_END.join([json.dumps(head), *map(joined, columns)]).encode()
    return len(kept), clean_bytes(payload)


def is_blank(text: str) -> bool:
    """Nothing that a rule would see: white space and zero-width characters are nothing."""
    from app.validators.fields import clean

    return not text or (len(text) < 100 and not clean(text))


def joined(column: list[str]) -> str:
    """The cells of a column in one text, the separators being taken out of those that hold one."""
    text = CELL_END.join(column)
    if text.count(CELL_END) == len(column) - 1 and COLUMN_END not in text:
        return text
    return CELL_END.join(cell.replace(CELL_END, "").replace(COLUMN_END, "") for cell in column)


def clean_bytes(payload: bytes) -> bytes:
    """Without the characters that XML cannot hold: they could not be written into the annotated file."""
    payload = payload.translate(None, _NO_XML)
    return payload.replace(b"\xef\xbf\xbe", b"").replace(b"\xef\xbf\xbf", b"")


def numeric_permits(column: list[Any]) -> list[int]:
    """Places of the cells that are numbers which no permit number can be: zeros may have been lost in front."""
    from app.validators.fields import permit_from_number

    if set(map(type, column)) == {str}:
        return []
    return [
        at
        for at, cell in enumerate(column)
        if isinstance(cell, (int, float)) and not isinstance(cell, bool) and permit_from_number(float(cell)) is None
    ]


def texts_of(column: list[Any]) -> list[str]:
    """The texts of a column; nearly always they are texts already."""
    if set(map(type, column)) != {str}:
        column = list(map(text_of, column))
    if max(map(len, column)) > MAX_CELL:
        column = list(map(cut, column))
    return column


def cut(text: str) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= MAX_CELL else text[:MAX_CELL] + "…"


def text_of(cell: Any) -> str:
    """What a French Excel shows for the value of a cell, a date being its day."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "VRAI" if cell else "FAUX"
    if isinstance(cell, (int, float)):
        return format(cell, ".15g").upper().replace(".", ",")
    if hasattr(cell, "year"):
        return f"{cell.day:02}/{cell.month:02}/{cell.year:04}"
    return str(cell)  # a time or a duration: no field accepts one


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
