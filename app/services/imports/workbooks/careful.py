"""A reader of .xlsx that nothing tires: slow, row by row, for what calamine refuses. In the child process only.

It takes what Excel and LibreOffice write and calamine does not: whole-row merges, one blank at the far end of the sheet,
error values it has never heard of, UTF-16. Memory does not grow with the sheet.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from datetime import date, datetime, time
from itertools import islice
from typing import Any

from .package import Attributes, Damaged, Package, SheetPart, feed, new_parser
from .tabs import CHUNK_CELLS, HEADER_CELLS, HEADER_ROWS, Chunk, Place, Refused
from .values import cut, moment, text_of

Row = tuple[int, dict[int, Any]]
"""Number of a row from 0, and its cells: column from 0 → value."""

_ROWS, _COLUMNS = 1_048_576, 16_384  # of Excel
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
KNOWN_DATES = frozenset([*range(14, 23), *range(27, 37), 45, 46, 47, *range(50, 59)])
"""Formats that every program knows by their numbers alone and shows as days, hours or durations."""
_DURATION = 46
_NO_LETTER = re.compile(r'"[^"]*"?|\\.|_.|\*.')
_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
_LINES = CHUNK_CELLS // 9


def tabs(content: bytes) -> list[CarefulTab]:
    """The sheets of cells. Raises Refused when there is none, Damaged (or what zipfile raises) for what is no .xlsx."""
    book = Package(content)
    sheets, is_1904 = book.sheets()
    if any("macrosheet" in sheet.kind.lower() for sheet in sheets):
        raise Refused("active_content", what="macros")
    values = Values(book, is_1904)
    found = [CarefulTab(book, sheet, values) for sheet in sheets if sheet.kind == "worksheet"]
    if not found:
        raise Refused("no_sheet")
    return found


class CarefulTab:
    """One sheet, read as a stream each time it is asked for."""

    def __init__(self, book: Package, sheet: SheetPart, values: Values) -> None:
        self.name = sheet.name
        self.is_visible = sheet.state == "visible"
        self._book, self._part, self._values = book, sheet.part, values

    def rows(self) -> int:
        """Not known before the end."""
        return 0

    def forget(self) -> None:
        """Nothing is held."""

    def first_rows(self) -> Iterator[tuple[int, list[str]]]:
        """See Tab."""
        for row, cells in islice(self._rows(), HEADER_ROWS):
            width = min(HEADER_CELLS, max(cells) + 1)
            yield row, [cut(text_of(cells.get(column, ""))) for column in range(width)]

    def chunks(self, place: Place) -> Iterator[Chunk]:
        """See Tab."""
        below = ((row, cells) for row, cells in self._rows(frozenset(place.columns)) if row > place.row)
        while some := list(islice(below, _LINES)):
            numbers = [row - place.row for row, _ in some]
            yield Chunk(numbers, [[cells.get(column, "") for _, cells in some] for column in place.columns])

    def _rows(self, wanted: frozenset[int] | None = None) -> Iterator[Row]:
        """The rows that hold something, in the columns wanted."""
        cells = _Cells(self._values, wanted)
        with self._book.open(self._part) as stream:
            for _ in feed(stream, cells.parser):
                while cells.done:
                    yield cells.done.popleft()


class _Cells:
    """Turns the elements of a sheet into rows."""

    def __init__(self, values: Values, wanted: frozenset[int] | None) -> None:
        self.done: deque[Row] = deque()
        self.parser = new_parser(self._start)
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self._values, self._wanted = values, wanted
        self._row, self._column = -1, -1
        self._cells: dict[int, Any] = {}
        self._kind, self._style = "n", ""
        self._value: list[str] = []
        self._inline: list[str] = []
        self._taken: list[str] | None = None
        self._is_phonetic = False

    def _start(self, tag: str, attributes: Attributes) -> None:
        if tag == "c":
            self._begin_cell(attributes)
        elif tag == "v":
            self._taken = self._value
        elif tag == "t" and not self._is_phonetic:
            self._taken = self._inline
        elif tag == "row":
            self._begin_row(attributes)
        elif tag == "rPh":
            self._is_phonetic = True

    def _begin_row(self, attributes: Attributes) -> None:
        row = int(attributes.get("r", self._row + 2)) - 1
        if not self._row < row < _ROWS:
            raise Damaged("no such row")
        self._row, self._column, self._cells = row, -1, {}

    def _begin_cell(self, attributes: Attributes) -> None:
        self._column += 1
        if reference := attributes.get("r"):
            found = _REFERENCE.fullmatch(reference)
            if found is None or not self._is_at(int(found[2]) - 1):
                raise Damaged("no such cell")
            self._column = column_number(found[1])
        if self._column >= _COLUMNS:
            raise Damaged("no such column")
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
        self._value, self._inline = [], []

    def _is_at(self, row: int) -> bool:
        """Whether a cell of this row may stand here; a row that bears no number takes that of its first cell."""
        if not self._cells and self._row < row < _ROWS:
            self._row = row
        return row == self._row

    def _text(self, text: str) -> None:
        if self._taken is not None:
            self._taken.append(text)

    def _end(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        if tag in ("v", "t"):
            self._taken = None
        elif tag == "c":
            self._end_cell()
        elif tag == "row" and any(cell != "" for cell in self._cells.values()):
            self.done.append((self._row, self._cells))
        elif tag == "rPh":
            self._is_phonetic = False

    def _end_cell(self) -> None:
        if self._wanted is None or self._column in self._wanted:
            written = self._inline if self._kind == "inlineStr" else self._value
            self._cells[self._column] = self._values.of(self._kind, "".join(written), self._style)


class Values:
    """What is written in a cell, as a value; shared texts and formats are read when the first cell needs them."""

    def __init__(self, book: Package, is_1904: bool) -> None:
        self._book, self._is_1904 = book, is_1904
        self._shared: list[str] | None = None
        self._formats: list[str] | None = None

    def of(self, kind: str, written: str, style: str) -> Any:
        """The value of a cell; an error is the text it shows. Raises Damaged for a shared text that is not there."""
        if kind == "inlineStr" or kind == "str":
            return unescaped(written)
        bare = written.strip()
        if not bare:
            return ""
        match kind:
            case "s":
                return self._shared_text(bare)
            case "b":
                return bare in ("1", "true")
            case "e":
                return bare
            case "d":
                return _iso(bare)
        return self._number(bare, style)

    def _shared_text(self, index: str) -> str:
        if self._shared is None:
            self._shared = shared_texts(self._book)
        if not index.isdecimal() or int(index) >= len(self._shared):
            raise Damaged("no such shared text")
        return self._shared[int(index)]

    def _number(self, bare: str, style: str) -> Any:
        try:
            value = float(bare)
        except ValueError:
            return bare
        if self._formats is None:
            self._formats = formats(self._book)
        kind = self._formats[int(style)] if style.isdecimal() and int(style) < len(self._formats) else ""
        return moment(value, is_1904=self._is_1904, is_duration=kind == "duration") if kind else value


def shared_texts(book: Package) -> list[str]:
    """The texts that cells share, in their order, without what says how to pronounce them."""
    texts: list[str] = []
    pieces: list[str] = []
    place = {"taken": False, "phonetic": False}

    def start(tag: str, _: Attributes) -> None:
        if tag == "si":
            pieces.clear()
        elif tag == "rPh":
            place["phonetic"] = True
        place["taken"] = tag == "t" and not place["phonetic"]

    def end(tag: str) -> None:
        name = tag.rpartition(":")[2]
        place["taken"] = False
        if name == "si":
            texts.append(unescaped("".join(pieces)))
        elif name == "rPh":
            place["phonetic"] = False

    part = book.related("sharedStrings")
    if part is None:
        return texts
    parser = new_parser(start)
    parser.EndElementHandler = end
    parser.CharacterDataHandler = lambda text: pieces.append(text) if place["taken"] else None
    for _ in feed(book.open(part), parser):
        pass
    return texts


def formats(book: Package) -> list[str]:
    """For each style of a cell what its format makes of a number: a `date`, a `duration`, or nothing else (empty)."""
    codes: dict[int, str] = {}
    styles: list[str] = []
    inside: list[str] = []

    def start(tag: str, attributes: Attributes) -> None:
        if tag == "numFmt":
            codes[int(attributes.get("numFmtId", 0))] = format_kind(attributes.get("formatCode", ""))
        elif tag in ("cellXfs", "cellStyleXfs"):
            inside[:] = [tag]
        elif tag == "xf" and inside == ["cellXfs"]:
            number = int(attributes.get("numFmtId", 0))
            known = "duration" if number == _DURATION else "date" if number in KNOWN_DATES else ""
            styles.append(codes.get(number, known))

    if part := book.related("styles"):
        book.parse(part, start)
    return styles


def format_kind(code: str) -> str:
    """What a format shows a number as: a `date` (or an hour), a `duration` ([h]:mm), or a number (empty)."""
    first = _NO_LETTER.sub("", code).split(";")[0]
    if _ELAPSED.search(first):
        return "duration"
    bare = re.sub(r"\[[^\]]*\]", "", first)
    return "date" if re.search("[dmyhs]", bare, re.IGNORECASE) and "general" not in bare.lower() else ""


def unescaped(text: str) -> str:
    """A text with its signs in the place of their codes (_x0041_)."""
    if "_x" not in text:
        return text
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    # Two codes may make one sign; half a sign is none.
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def _iso(text: str) -> Any:
    """A moment written as ISO 8601; the text itself where it is none."""
    bare = text.removesuffix("Z")
    for kind in (date, datetime, time):
        try:
            return kind.fromisoformat(bare)
        except ValueError:
            continue
    return text


def column_number(letters: str) -> int:
    """Column from 0 for A, B … XFD."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
