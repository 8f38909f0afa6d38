"""The throw-away child that parses a spreadsheet: `python -I -B child.py KIND TASK MAX_LINES GO`.

It gets ready while the parent still guards; one byte on the descriptor GO lets it begin (`1`: look for error cells; `2`:
calamine would misread it; nothing: do not begin). The file comes open on standard input; what it holds goes out on standard
output as frames (one letter, length, UTF-8): H the place of the headers, L lines, E their end, S the other sheets that hold
lines, R a refusal. The parent believes none of it and treats any other end as an unreadable file, so that what a hostile
file may do to the parser stays in here.

TASK is `read`; after a child that did not survive it, `careful` (with the readers that nothing tires) or `others` (S alone).
"""

from __future__ import annotations

import gc
import io
import json
import os
import resource
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.services.imports.workbooks.tabs import Chunk, Found, Tab

FRAME = struct.Struct("!cI")
CELL_END, COLUMN_END = "\x1f", "\x1e"
"""Separators inside a frame of lines; like the other control characters they never stay in a cell."""
READ, CAREFUL, OTHERS = "read", "careful", "others"
"""What the child is to do."""
PLAIN, ERROR_CELLS, MISREAD = b"0", b"1", b"2"
"""What the guard saw in an .xlsx: nothing, marks of error cells, something that calamine would misread."""

MEMORY = 1024 * 1024 * 1024
CPU_SECONDS = 30

_NAMES = 20  # of other sheets, told
_PERMIT = 8  # place of its column
_NO_XML = bytes({*range(0x20)} - {9, 10, 13, ord(CELL_END), ord(COLUMN_END)})


def confine() -> None:
    """Gives up what reading a file needs not: memory, time, writing, cores."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def shut() -> None:
    """No further file or socket can be opened. Whatever is imported later must be there by now."""
    for codec in ("cp437", "cp1252", "latin-1", "utf-16-le", "utf-16", "mac-roman"):
        "".encode(codec)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def main(kind: str, task: str, max_lines: int, go: int) -> None:
    """Reads standard input, answers on standard output."""
    confine()
    gc.disable()  # this process lives for one file and makes no cycles
    sys.path.append(str(Path(__file__).resolve().parents[4]))
    import python_calamine  # noqa: F401
    import xlrd  # noqa: F401  imported before the door shuts

    import app.services.imports.workbooks.careful
    import app.services.imports.workbooks.errors
    import app.services.imports.workbooks.fast  # noqa: F401
    from app.services.imports.workbooks.xls import load_code_pages

    if kind == "xls":
        load_code_pages()
    out = os.fdopen(1, "wb", closefd=False)
    shut()
    word = os.read(go, 1)
    os.close(go)
    if word:
        answer(out, sys.stdin.buffer.read(), kind, task, max_lines, word)
        out.flush()


def answer(out: io.BufferedWriter, content: bytes, kind: str, task: str, max_lines: int, word: bytes) -> None:
    """Sends all frames; whatever is wrong with the file ends as a refusal. MemoryError is left to end this process."""
    from app.services.imports.workbooks.tabs import Refused

    try:
        if task == OTHERS:
            send_others(out, careful_tabs(content, kind))
        else:
            send_workbook(out, content, kind, max_lines, MISREAD if task == CAREFUL else word)
    except Refused as refusal:
        send(out, b"R", json.dumps(refusal.answer).encode())
    except MemoryError:
        raise
    except Exception:
        send(out, b"R", json.dumps({"code": why_unreadable(content, kind)}).encode())


def why_unreadable(content: bytes, kind: str) -> str:
    """The code of FileCode for a file that no reader takes: they do not tell a password from damage."""
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


def fast_tabs(content: bytes, kind: str, word: bytes) -> Sequence[Tab]:
    """The sheets as calamine reads them."""
    from app.services.imports.workbooks import errors, fast

    return fast.tabs(content, errors.finder(content, kind) if word == ERROR_CELLS else None)


def careful_tabs(content: bytes, kind: str) -> Sequence[Tab]:
    """The sheets as the slow readers see them."""
    from app.services.imports.workbooks import careful, xls

    return careful.tabs(content) if kind == "xlsx" else xls.tabs(content)


def send_workbook(out: io.BufferedWriter, content: bytes, kind: str, max_lines: int, word: bytes) -> None:
    """Sends the place of the headers, the lines, the other sheets. Raises Refused, or what the last reader raises.

    Calamine reads, unless it is known to misread; where it stumbles, the slow reader goes on at the same line.
    """
    from app.services.imports.workbooks.tabs import Refused

    sent = Answer(out, max_lines)
    is_misread = misreads(content, kind) or word == MISREAD
    if not is_misread:
        try:
            return sent.workbook(fast_tabs(content, kind, word))
        except (Refused, MemoryError):
            raise
        except BaseException:  # noqa: S110  a panic of calamine is no Exception
            pass
    return sent.workbook(careful_tabs(content, kind))


def misreads(content: bytes, kind: str) -> bool:
    """Whether calamine would take this .xls for what it is not. Raises Refused where it has macros."""
    from app.services.imports.workbooks.tabs import Refused
    from app.services.imports.workbooks.xls import look

    if kind != "xls":
        return False
    seen = look(content)
    if seen.has_macros:
        raise Refused("active_content", what="macros")
    return seen.is_odd


class Answer:
    """What was sent so far; a second reader goes on where the first one stumbled."""

    def __init__(self, out: io.BufferedWriter, max_lines: int) -> None:
        self._out, self._max_lines = out, max_lines
        self._sheet = ""
        self._count = self._last = 0
        self._is_over = False

    def workbook(self, tabs: Sequence[Tab]) -> None:
        """Sends what was not sent yet. Raises Refused."""
        from app.services.imports.workbooks.tabs import choose

        if not self._is_over:
            found = choose(tabs)
            self._head(found)
            self._lines(found)
            found.tab.forget()
        send_others(self._out, tabs, self._sheet)

    def _head(self, found: Found) -> None:
        if self._sheet:
            return
        row, self._sheet = found.place.row + 1, found.tab.name
        head = {"row": row, "sheet": self._sheet, "rows": max(0, found.tab.rows() - row)}
        send(self._out, b"H", json.dumps(head).encode())

    def _lines(self, found: Found) -> None:
        from app.services.imports.workbooks.tabs import Refused

        for chunk in found.tab.chunks(found.place):
            if chunk.numbers[0] <= self._last:
                chunk = chunk.after(self._last)
            count, payload = encode(chunk)
            self._count += count
            if self._count > self._max_lines:
                raise Refused("too_many_lines")
            send(self._out, b"L", payload)
            self._last = chunk.numbers[-1] if chunk.numbers else self._last
        send(self._out, b"E", json.dumps({"lines": self._count}).encode())
        self._is_over = True


def send_others(out: io.BufferedWriter, tabs: Sequence[Tab], chosen: str = "") -> None:
    """Sends the names of the sheets that hold lines besides the one chosen, or to be chosen."""
    from app.services.imports.workbooks.tabs import choose, others

    names = others(tabs, chosen or choose(tabs).tab.name)
    send(out, b"S", json.dumps({"others": names[:_NAMES]}).encode())


def encode(chunk: Chunk) -> tuple[int, bytes]:
    """How many lines hold something, and the frame of them: a JSON head, then the columns, nine or ten."""
    from app.services.imports.workbooks.values import not_text, texts_of

    numbers = chunk.numbers
    changed = {field: [numbers[at] for at in places] for field, places in not_text(chunk.columns).items()}
    columns = [texts_of(column) for column in chunk.columns] if numbers else []
    blank = blanks(columns) if numbers else set()
    if blank:
        kept = [at for at in range(len(numbers)) if at not in blank]
        columns = [[column[at] for at in kept] for column in columns]
        numbers = [numbers[at] for at in kept]
    head = {
        "count": len(numbers),
        "first": chunk.numbers[0] if chunk.numbers else 1,
        "numbers": None if isinstance(numbers, range) else list(numbers),
        "not_text": changed,
    }
    payload = COLUMN_END.join([json.dumps(head), *map(joined, columns)]).encode(errors="replace")
    return len(numbers), clean_bytes(payload)


def blanks(columns: Sequence[list[str]]) -> set[int]:
    """Places of the rows that hold nothing; the permit numbers nearly always tell that there is none."""
    from app.services.imports.workbooks.tabs import is_blank

    doubtful = [at for at, text in enumerate(columns[_PERMIT]) if not text[:1].isalnum()]
    return {at for at in doubtful if is_blank("".join([column[at] for column in columns]))}


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


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
