"""A text copied from a spreadsheet, or out of a .csv file, as rows of cells: tabs, semicolons, commas; quotes that close."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.validators.remark import FIELDS

#: Fewer columns hold no name, first name, birth date and permit number.
LEAST = 4
#: The columns of the model of the file.
MODEL = len(FIELDS)
_MARKS = ("\t", ";", ",", "|")
_LINE_ENDS = re.compile("\r\n|[\r\u2028\u2029]")
_TOLD_MARK = re.compile(r"\Asep=.\n", re.IGNORECASE)


def cells(text: str) -> list[list[str]]:
    """Return the rows of a pasted text, blank ones left out, all of the same width; no row is ever swallowed by a quote."""
    plain = _TOLD_MARK.sub("", _LINE_ENDS.sub("\n", text.lstrip("\ufeff")))
    rows = _by_mark(plain)
    width = max((_length(row) for row in rows), default=0)
    return [(row + [""] * width)[:width] for row in rows]


def _length(row: list[str]) -> int:
    """Return how many cells count: beyond the columns of the model, empty ones at the end are none."""
    used = max((at for at, cell in enumerate(row, 1) if cell), default=0)
    return max(used, min(len(row), MODEL))


def _by_mark(text: str) -> list[list[str]]:
    """Part by the first mark that makes a table of half of the rows; else by the one that makes most."""
    found: list[list[list[str]]] = []
    for mark in _MARKS:
        rows = [row for row in _rows(text, mark) if any(row)]
        if 2 * _wide(rows) >= len(rows) or not rows:
            return rows
        found.append(rows)
    return max(found, key=_wide)


def _wide(rows: list[list[str]]) -> int:
    return sum(len(row) >= LEAST for row in rows)


def _rows(text: str, mark: str) -> Iterator[list[str]]:
    # A spreadsheet quotes the cells that hold line breaks; those never hold a tab. A quote that does not close before a mark
    # or the end of a line is a sign like any other.
    inside = '[^"\t]' if mark == "\t" else '[^"]'
    part, at, row = re.escape(mark), 0, list[str]()
    cell = re.compile(rf'\x20*+"((?:{inside}|"")*+)"\x20*+(?=[{part}\n]|\Z)|[^{part}\n]*+')
    while found := cell.match(text, at):
        if found[1] is not None and "\n" in found[1] and found[1].count(mark) >= LEAST - 1:
            found = re.compile(rf"[^{part}\n]*+").match(text, at) or found  # whole rows between two stray quotes
        row.append(_value(found))
        at = found.end()
        if at == len(text) or text[at] == "\n":
            yield row
            row = []
        if at == len(text):
            return
        at += 1


def _value(found: re.Match[str]) -> str:
    quoted = found[1] if found.re.groups else None
    return (found[0] if quoted is None else quoted.replace('""', '"')).strip()
