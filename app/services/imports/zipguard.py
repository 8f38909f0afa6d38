"""What an .xlsx holds once inflated, counted before any parser sees it: declared sizes lie, so each member is inflated."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.validators.file import FileCode, FileRefused

MAX_ENTRIES = 2_000
MAX_INFLATED = 256 * 1024 * 1024
"""Bytes of all members together, once inflated."""

_PIECE = 1024 * 1024
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, then lengths of the name and of the extra field
_ENCRYPTED = 0x1 | 0x40
_ERROR_CELL_MARKS = (b't="e"', b"t='e'")
_RAW_TEXT = b"<![CDATA["
_LONGEST_MARK = len(_RAW_TEXT)
_CONTENT_TYPES = "[content_types].xml"
_NO_CELLS = ("docprops/", "customxml/")  # folders of parts that hold no cell
_WORKBOOK = re.compile(
    r"spreadsheetml\.(?:sheet|template)\.main\+xml|ms-excel\.(?:sheet|template)\.macroenabled\.main\+xml"
)
_MACROS = re.compile(r"vbaproject|macrosheet")


@dataclass(frozen=True, slots=True)
class Archive:
    """What the guard saw in an .xlsx that it lets through."""

    names: tuple[str, ...]
    inflated: int
    """Bytes of all members, once inflated."""
    may_have_error_cells: bool
    """Some member bears the mark of an error cell (#REF!): the reader has to look for them."""
    has_raw_text: bool
    """Some member holds text between the marks of CDATA, which the quick reader takes for nothing."""


def inspect(path: Path) -> Archive:
    """Inflates every member and forgets it; memory stays at a few MiB beside the file itself.

    Raises FileRefused: damaged, protected by a password, active content, expanding beyond the limits, no workbook.
    """
    seen = _Seen()
    with opened(path) as (stream, entries):
        names = tuple(entry.filename for entry in entries)
        check_names(names)
        for entry in entries:
            seen.take(entry.filename.lower(), inflate(stream, entry))
        seen.check_types(names)
    return Archive(names, seen.inflated, seen.has_errors, seen.has_raw_text)


class _Seen:
    """What was seen in the members so far."""

    def __init__(self) -> None:
        self.inflated = 0
        self.has_errors = self.has_raw_text = False
        self._types = b""

    def take(self, name: str, pieces: Iterator[bytes]) -> None:
        """Counts a member and looks for marks; one may lie across two pieces."""
        tail = b""
        for piece in pieces:
            self.inflated += len(piece)
            if self.inflated > MAX_INFLATED:
                raise FileRefused(FileCode.EXPANDS)
            if name == _CONTENT_TYPES:
                self._types = (self._types + piece)[:_PIECE]
            elif not name.startswith(_NO_CELLS):
                self._look(piece, tail + piece[:_LONGEST_MARK])
            tail = piece[-_LONGEST_MARK:]

    def _look(self, piece: bytes, seam: bytes) -> None:
        self.has_errors = self.has_errors or any(mark in piece or mark in seam for mark in _ERROR_CELL_MARKS)
        self.has_raw_text = self.has_raw_text or _RAW_TEXT in piece or _RAW_TEXT in seam

    def check_types(self, names: tuple[str, ...]) -> None:
        """Raises FileRefused for what the list of the parts says: macros under whatever name, no workbook anywhere."""
        types = self._types.replace(b"\0", b"").decode("latin-1").lower()  # UTF-16 as well
        if _MACROS.search(types):
            raise FileRefused(FileCode.ACTIVE_CONTENT, what="macros")
        if not _WORKBOOK.search(types) and not any(name.lower() == "xl/workbook.xml" for name in names):
            raise FileRefused(FileCode.CONTENT)


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, list[zipfile.ZipInfo]]]:
    """The file and its directory of members; whatever is wrong with the archive inside the block is FileRefused.

    It is read at once, so that an OSError is this machine's and anything else the file's: no offset leads outside of it.
    """
    stream = io.BytesIO(path.read_bytes())
    try:
        entries = zipfile.ZipFile(stream).infolist()
        if len(entries) > MAX_ENTRIES:
            raise FileRefused(FileCode.EXPANDS)
        yield stream, entries
    except (FileRefused, MemoryError):
        raise
    except Exception as fault:
        raise FileRefused(FileCode.DAMAGED) from fault


def check_names(names: tuple[str, ...]) -> None:
    """Raises FileRefused for names that climb out of the archive, stand twice, carry macros, or make no package."""
    plain = [name.replace("\\", "/").lower() for name in names]
    if len(set(plain)) < len(plain) or any(map(_climbs, plain)):
        raise FileRefused(FileCode.DAMAGED)
    if any(name.endswith("vbaproject.bin") or name.startswith("xl/macrosheets/") for name in plain):
        raise FileRefused(FileCode.ACTIVE_CONTENT, what="macros")
    if _CONTENT_TYPES not in plain:
        raise FileRefused(FileCode.CONTENT)


def _climbs(name: str) -> bool:
    return name.startswith("/") or ":" in name or ".." in name.split("/")


def inflate(stream: BinaryIO, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """The true content of a member in pieces of at most 1 MiB, whatever sizes it declares.

    Own loop, for zipfile stops at the declared size where another reader would go on.
    Raises FileRefused when it is encrypted, BadZipFile or zlib.error when it is not what it declares.
    """
    if entry.flag_bits & _ENCRYPTED:
        raise FileRefused(FileCode.PASSWORD)
    size = check = 0
    for piece in _pieces(_compressed(stream, entry), entry.compress_type):
        size += len(piece)
        check = zlib.crc32(piece, check)
        yield piece
    if (size, check) != (entry.file_size, entry.CRC):
        raise zipfile.BadZipFile("size or checksum is not the one declared")


def _compressed(stream: BinaryIO, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    if entry.header_offset < 0:
        raise zipfile.BadZipFile("a member before the file begins")
    stream.seek(entry.header_offset)
    signature, name_length, extra_length = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
    if signature != b"PK\x03\x04":
        raise zipfile.BadZipFile("no member where the directory says")
    stream.seek(name_length + extra_length, 1)
    left = entry.compress_size
    while left:
        if not (piece := stream.read(min(left, _PIECE))):
            raise zipfile.BadZipFile("cut short")
        left -= len(piece)
        yield piece


def _pieces(compressed: Iterator[bytes], method: int) -> Iterator[bytes]:
    if method == zipfile.ZIP_STORED:
        yield from compressed
        return
    if method != zipfile.ZIP_DEFLATED:
        raise NotImplementedError("no spreadsheet program writes this compression")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for piece in compressed:
        while piece:
            yield inflater.decompress(piece, _PIECE)
            piece = inflater.unconsumed_tail
    while not inflater.eof and (rest := inflater.decompress(inflater.unconsumed_tail, _PIECE)):
        yield rest
    if not inflater.eof or inflater.unused_data:
        raise zipfile.BadZipFile("its end is not where it is declared")
