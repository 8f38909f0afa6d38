"""An .xls changed record by record, so that a test holds what programs other than Excel write."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import xlwt

from tests.corpus.hostile import ole

CODEPAGE, FORMAT, XF, BOUNDSHEET, FORMULA = 0x0042, 0x041E, 0x00E0, 0x0085, 0x0006
_OWN_FORMATS = 164

Change = Callable[[int, bytes], tuple[int, bytes] | None]
"""Kind and data of a record → what stands in its place, of the same length; None leaves it out, by another that is nothing."""


def changed(book: xlwt.Workbook, *changes: Change) -> bytes:
    """The book with each record handed through the changes."""
    stream = b""
    for kind, data in records(book.get_biff_data()):
        for change in changes:
            kind, data = change(kind, data) or (0x00, data)
        stream += struct.pack("<HH", kind, len(data)) + data
    return ole(stream)


def records(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and data of each record."""
    at = 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + size]
        at += 4 + size


def code_page(page: int) -> Change:
    """Names another page, as JExcelAPI (1252) and old Macs (10000) do."""
    return lambda kind, data: (kind, struct.pack("<H", page)) if kind == CODEPAGE else (kind, data)


def without(unwanted: int) -> Change:
    """Leaves a kind of record out."""
    return lambda kind, data: None if kind == unwanted else (kind, data)


def format_number(number: int, own: int = _OWN_FORMATS) -> Change:
    """Gives the first format of the book's own this number, in its record and where styles name it."""

    def change(kind: int, data: bytes) -> tuple[int, bytes]:
        at = {FORMAT: 0, XF: 2}.get(kind)
        if at is not None and struct.unpack_from("<H", data, at)[0] == own:
            return kind, data[:at] + struct.pack("<H", number) + data[at + 2 :]
        return kind, data

    return change


def formulas(opcode: int, value: float) -> Change:
    """Writes formulas as a BIFF before 8 did, with this as their value."""

    def change(kind: int, data: bytes) -> tuple[int, bytes]:
        return (opcode, data[:6] + struct.pack("<d", value) + data[14:]) if kind == FORMULA else (kind, data)

    return change


def macro_sheet(at: int) -> Change:
    """Makes the sheet of this place one of Excel 4 macros."""
    seen = iter(range(1_000))

    def change(kind: int, data: bytes) -> tuple[int, bytes]:
        return (kind, data[:5] + b"\x01" + data[6:]) if kind == BOUNDSHEET and next(seen) == at else (kind, data)

    return change
