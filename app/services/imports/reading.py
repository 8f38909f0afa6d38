"""From a file to raw lines, through a throw-away child process: this process never parses a spreadsheet."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import IO, Any

from app.validators.file import (
    MAX_LINES,
    FileCode,
    FileRefused,
    Kind,
    check_content,
    check_line_count,
    check_size,
    match_headers,
)
from app.validators.line import TEXT_FIELDS, RawLine
from app.validators.memory import collector_paused
from app.validators.remark import EMAIL, FIELDS

from . import zipguard
from .workbooks import child as script
from .workbooks.child import CAREFUL, CELL_END, COLUMN_END, ERROR_CELLS, FRAME, MISREAD, OTHERS, PLAIN, READ

OnLines = Callable[[list[RawLine], int], None]

WALL_SECONDS = 60.0
MAX_ANSWER = 96 * 1024 * 1024
"""Bytes believed from the child: the largest honest file gives some 40 MiB."""

_PIPE = 1024 * 1024  # lets the child work on while this process makes lines
_LAST_ROW = 1_048_576
_SHARED_VALUES = 20_000  # distinct texts of a column that are worth holding once
_LAST = (b"S", b"R")  # frames after which nothing comes
_NAME = 100  # characters kept of a sheet's name; Excel has 31
_NO_TEXT = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)])


@dataclass(slots=True)
class Sheet:
    """What the sheet that bears the nine headers holds."""

    name: str
    header_row: int
    """Row of the headers as Excel counts, from 1."""
    rows: int = 0
    """Rows below the headers, blank ones counted: how far reading will go at most."""
    lines: list[RawLine] = field(default_factory=list)
    """Lines that hold something, in the order of the file."""
    others: list[str] = field(default_factory=list)
    """Names of the other sheets that bear the headers and hold lines: they were not read."""
    is_whole: bool = False
    """All its lines came."""


class _Unreadable(Exception):
    """The child ended otherwise than it should, or said what it should not."""


class _Died(_Unreadable):
    """It ended before its time: memory ran out, or the parser fell."""


def read(path: Path, kind: Kind, max_lines: int = MAX_LINES, on_lines: OnLines | None = None) -> Sheet:
    """The lines of a spreadsheet as typed; `kind` is what its first bytes say.

    `on_lines` is handed lines as they come, while the child still works on the next, with the number of rows to expect at most;
    they count for nothing when FileRefused is raised after all.

    Raises FileRefused, whatever the file does: an .xlsx goes through the zip guard first, then a child with bounded
    memory and time parses the file. Not to be called in a web process.
    """
    check_size(path.stat().st_size)
    with path.open("rb") as file:
        if check_content(file.read(8)) != kind:  # or a file could pass by the guard of the other kind
            raise FileRefused(FileCode.CONTENT)
    try:
        with collector_paused():
            sheet = _read(path, kind, max_lines, on_lines)
    except _Unreadable as fault:
        raise FileRefused(FileCode.UNREADABLE) from fault
    check_line_count(len(sheet.lines))
    return sheet


def _read(path: Path, kind: Kind, max_lines: int, on_lines: OnLines | None) -> Sheet:
    """The sheet, by a second child with slower means where the first did not survive the file."""
    sheet = Sheet("", 0)
    try:
        _collect(_frames(path, kind, READ, max_lines), sheet, on_lines)
    except _Died:
        if sheet.lines and not sheet.is_whole:
            raise
        _collect(_frames(path, kind, OTHERS if sheet.is_whole else CAREFUL, max_lines), sheet, on_lines)
    return sheet


def _frames(path: Path, kind: Kind, task: str, max_lines: int) -> Iterator[tuple[bytes, bytes]]:
    """Letter and content of what the child answers, until it ends well.

    The child starts while the zip guard looks at the file, and does not touch the file before the guard has let it pass.
    Raises FileRefused where it does not, _Unreadable when the child ends otherwise than it should.
    """
    waits, go = os.pipe()
    try:
        with path.open("rb") as file:
            child = _start(file, [kind, task, str(max_lines), str(waits)], waits)
        assert child.stdout is not None
        try:
            os.write(go, _word(path, kind))
            yield from _parse(_Bounded(child.stdout, time.monotonic() + WALL_SECONDS))
        finally:
            # Not waited for yet, so the number is still its own.
            os.killpg(child.pid, signal.SIGKILL)
            child.stdout.close()
            child.wait()
    finally:
        os.close(waits)
        os.close(go)


def _start(file: IO[bytes], arguments: list[str], waits: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-B", str(Path(script.__file__).resolve()), *arguments],
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        start_new_session=True,
        pipesize=_PIPE,
        pass_fds=(waits,),
    )


def _word(path: Path, kind: Kind) -> bytes:
    """What lets the child begin: what the guard saw in an .xlsx. An .xls is scanned by the child itself, which is quick."""
    if kind == "xls":
        return ERROR_CELLS
    seen = zipguard.inspect(path)
    return MISREAD if seen.has_raw_text else ERROR_CELLS if seen.may_have_error_cells else PLAIN


class _Bounded:
    """A pipe read within a time and a number of bytes."""

    def __init__(self, pipe: IO[bytes], deadline: float) -> None:
        self._descriptor = pipe.fileno()
        self._deadline = deadline
        self._left = MAX_ANSWER
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN)

    def take(self, size: int) -> bytes:
        """Exactly this many bytes. Raises _Unreadable when they do not come."""
        self._left -= size
        if self._left < 0:
            raise _Unreadable("says too much")
        pieces = []
        while size:
            if not self._poll.poll(max(0.0, self._deadline - time.monotonic()) * 1000):
                raise _Unreadable("takes too long")
            if not (piece := os.read(self._descriptor, min(size, _PIPE))):
                raise _Died("ended early")
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)


def _parse(pipe: _Bounded) -> Iterator[tuple[bytes, bytes]]:
    letter = b""
    while letter not in _LAST:
        letter, length = FRAME.unpack(pipe.take(FRAME.size))
        yield letter, pipe.take(length)


def _collect(frames: Iterator[tuple[bytes, bytes]], sheet: Sheet, on_lines: OnLines | None) -> None:
    """Fills the sheet with what the child answers. Raises FileRefused where it refuses, _Unreadable where it makes no sense."""
    shared: list[dict[str, str]] = [{} for _ in (*FIELDS, EMAIL)]
    for letter, payload in frames:
        try:
            lines = _take(letter, payload, sheet, shared)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
            raise _Unreadable("speaks another language") from fault
        if lines and on_lines is not None:
            on_lines(lines, sheet.rows)


def _take(letter: bytes, payload: bytes, sheet: Sheet, shared: list[dict[str, str]]) -> list[RawLine]:
    """Notes what one frame tells of the sheet; the lines it brings."""
    if letter == b"L":
        lines = _lines(payload.decode(), shared)
        sheet.lines += lines
        return lines
    told = json.loads(payload)
    if letter == b"H":
        sheet.name, sheet.header_row = _plain(told["sheet"]), int(told["row"])
        sheet.rows = min(int(told["rows"]), _LAST_ROW)
    elif letter == b"E":
        if told["lines"] != len(sheet.lines):
            raise ValueError("lines were lost")
        sheet.is_whole = True
    elif letter == b"S" and sheet.is_whole:
        sheet.others = [_plain(name) for name in told["others"]]
    elif letter == b"R":
        _refuse(told)
    else:
        raise ValueError("no such frame")
    return []


def _plain(text: str) -> str:
    """A text of the child as the base and a sentence can hold it: no control character, no half of a sign."""
    return str(text).translate(_NO_TEXT)[:_NAME]


def _lines(text: str, shared: list[dict[str, str]]) -> list[RawLine]:
    """The lines of one frame; ValueError when it is not a table of nine columns, or ten, with a number to each row."""
    first_part, *columns = text.split(COLUMN_END)
    head = json.loads(first_part)
    if not head["count"]:
        return []
    numbers = _numbers(head)
    if len(columns) not in (len(FIELDS), len(shared)):
        raise ValueError("another number of columns")
    cells = [_held_once(column.split(CELL_END), seen) for column, seen in zip(columns, shared, strict=False)]
    if {len(column) for column in cells} != {len(numbers)}:
        raise ValueError("columns of unequal lengths")
    emails: Iterable[str] = cells[len(FIELDS)] if len(cells) > len(FIELDS) else repeat("")
    # As `_make` would, without a call of ours a line: the columns are as many, and as long, as they have to be.
    values = zip(numbers, *cells[: len(FIELDS)], repeat(""), emails)
    lines = list(map(tuple.__new__, repeat(RawLine), values))
    return _marked(lines, head["not_text"]) if head["not_text"] else lines


def _marked(lines: list[RawLine], not_text: dict[str, list[int]]) -> list[RawLine]:
    """The same lines, each with the fields whose cell was no text."""
    fields: dict[int, str] = {}
    for field_code in TEXT_FIELDS:
        for number in not_text.get(field_code, ()):
            fields[number] = f"{fields.get(number, '')} {field_code}".lstrip()
    return [line._replace(not_text=fields[line.number]) if line.number in fields else line for line in lines]


def _numbers(head: dict[str, Any]) -> list[int]:
    first, count = int(head["first"]), int(head["count"])
    if not (0 < first < _LAST_ROW and 0 < count < _LAST_ROW):
        raise ValueError("no such rows")
    if head["numbers"] is None:
        return list(range(first, first + count))
    numbers: list[int] = head["numbers"]
    if len(numbers) != count or not all(type(number) is int and 0 < number < _LAST_ROW for number in numbers):
        raise ValueError("no such rows")
    return numbers


def _held_once(cells: list[str], seen: dict[str, str]) -> list[str]:
    """The same texts; those that come back are one object, for most columns hold few distinct values."""
    return list(map(seen.setdefault, cells, cells)) if len(seen) < _SHARED_VALUES else cells


def _refuse(answer: dict[str, Any]) -> None:
    code = FileCode(answer["code"])
    if code is FileCode.HEADERS:
        match_headers([_plain(cell) for cell in answer["cells"]]).check()
    raise FileRefused(code, what=_plain(answer.get("what", "")))
