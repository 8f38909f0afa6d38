"""Which sheet of a workbook is read, and where its nine columns stand. In the child process only.

The rule (spec, « Sheets »): the first visible sheet that bears the nine headers and a line; headers alone are passed over
when a later sheet holds lines; hidden sheets only where no visible one bears the headers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from app.validators.fields import clean
from app.validators.file import HeaderMatch, match_headers
from app.validators.remark import FIELDS

from .values import text_of

HEADER_ROWS = 20
"""Rows with content in which the headers are looked for: a title may stand above them."""
HEADER_CELLS = 1_000
CHUNK_CELLS = 64 * 1024
_CONTROLS = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32)]
)  # what XML and the base cannot hold, dropped from lines too
_MEANT = len(FIELDS) // 2 + 1  # so many of the headers, and this sheet is the one that was meant


class Place(NamedTuple):
    """Where the nine columns stand on a sheet."""

    row: int
    """Row of the headers, from 0."""
    columns: tuple[int, ...]
    """Index of each of the nine columns in the reader's rows, in the order of the fields; that of the addresses behind."""


class Chunk(NamedTuple):
    """Some lines of a sheet, by column: that is where the time of a large file goes."""

    numbers: Sequence[int]
    """Number of each data line, from 1."""
    columns: list[list[Any]]
    """The columns of cells, as of the place: texts, numbers, booleans, moments; a blank is an empty text."""

    def after(self, number: int) -> Chunk:
        """The lines of it beyond this one."""
        start = bisect_right(self.numbers, number)
        return Chunk(self.numbers[start:], [column[start:] for column in self.columns])


class Refused(Exception):
    """The file is not to be read: a code of FileCode, for wrong headers the row that came nearest, else what was found."""

    def __init__(self, code: str, cells: Sequence[str] = (), what: str = "") -> None:
        super().__init__(code)
        self.answer = {"code": code, "cells": cells, "what": what}


class Tab(Protocol):
    """One sheet of cells, whatever reads it."""

    name: str
    is_visible: bool

    def rows(self) -> int:
        """How many rows it has at most; 0 where that is not known."""

    def first_rows(self) -> Iterator[tuple[int, list[str]]]:
        """Number (from 0) and texts of the rows that hold something, from the top."""

    def chunks(self, place: Place) -> Iterator[Chunk]:
        """The lines below the headers, blank ones too where that is quicker."""

    def forget(self) -> None:
        """Give back the memory that its cells take; asked again it reads again."""


class Found(NamedTuple):
    """The sheet to read."""

    tab: Tab
    place: Place


def choose(tabs: Sequence[Tab]) -> Found:
    """The sheet to read. Raises Refused with the row that came nearest where none bears the headers."""
    nearest: tuple[int, list[str]] = (-1, [])
    for is_visible in (True, False):
        bare = None
        for tab in _of(tabs, is_visible):
            match, row, cells = _headers(tab)
            if match.is_complete:
                found = Found(tab, _place(match, row))
                if has_line(found):
                    return found
                bare = bare or found
            elif len(match.columns) == len(FIELDS):
                raise Refused("headers", cells)  # it bears them all, with others besides: it is the one that was meant
            elif len(match.columns) > nearest[0]:
                nearest = len(match.columns), cells
            tab.forget()
        if bare:
            return bare
        if nearest[0] >= _MEANT:
            break  # a slip in the headers is to be mended: no reason to read what nobody sees
    raise Refused("headers", nearest[1])


def others(tabs: Sequence[Tab], chosen: str) -> list[str]:
    """Names of the other sheets, as visible as the one that was chosen, that bear the headers and a line."""
    wanted = next(tab.is_visible for tab in tabs if tab.name == chosen)
    names = []
    for tab in _of(tabs, wanted):
        match, row, _ = _headers(tab) if tab.name != chosen else (None, 0, [])
        if match and match.is_complete and has_line(Found(tab, _place(match, row))):
            names.append(tab.name)
        tab.forget()
    return names


def _of(tabs: Iterable[Tab], is_visible: bool) -> Iterator[Tab]:
    return (tab for tab in tabs if tab.is_visible == is_visible)


def _headers(tab: Tab) -> tuple[HeaderMatch, int, list[str]]:
    """The first row that bears the headers, else the one that comes nearest: what it bears, its number, its texts."""
    nearest = match_headers([]), 0, list[str]()
    for row, texts in tab.first_rows():
        cells = [text.translate(_CONTROLS) for text in texts]
        match = match_headers(cells)
        if match.is_complete:
            return match, row, cells
        if len(match.columns) > len(nearest[0].columns) or not nearest[2]:
            nearest = match, row, cells
    return nearest


def _place(match: HeaderMatch, row: int) -> Place:
    addresses = () if match.email is None else (match.email,)
    return Place(row, (*(match.columns[field] for field in FIELDS), *addresses))


def has_line(found: Found) -> bool:
    """Whether some row below the headers holds something."""
    return any(
        not is_blank(text_of(cell))
        for chunk in found.tab.chunks(found.place)
        for row in zip(*chunk.columns, strict=True)
        for cell in row
    )


def is_blank(text: str) -> bool:
    """Nothing that a rule would see: white space and zero-width characters are nothing."""
    return not text or (len(text) < 100 and not clean(text))
