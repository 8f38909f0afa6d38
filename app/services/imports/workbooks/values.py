"""What is read of a cell: the text a French Excel shows, and whether the program may have changed what was typed.

Shared by the child, its readers and the annotated file, which writes such a cell again as it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from app.validators.fields import permit_from_number
from app.validators.line import TEXT_FIELDS
from app.validators.remark import FIELDS

MAX_CELL = 1_000
"""Characters kept of a cell, far beyond what any field accepts: longer ones are cut and keep their format error."""

_EXACT = 10**15
"""Whole numbers below it are the digits that were typed; a spreadsheet program keeps no more than fifteen."""
_LAST_DAY = 2_958_465  # 31/12/9999, in the 1900 system
_LEAP = 60  # serial of 29/02/1900, which never was: days before it are one off
_PLACES = {field: FIELDS.index(field) for field in TEXT_FIELDS}


def texts_of(column: list[Any]) -> list[str]:
    """The texts of a column; nearly always they are texts already."""
    if not _are_texts(column):
        column = list(map(text_of, column))
    if max(map(len, column)) > MAX_CELL:
        column = list(map(cut, column))
    return column


def _are_texts(column: list[Any]) -> bool:
    try:
        "".join(column)  # the quickest question there is: it looks at each cell, without a call of ours
    except TypeError:
        return False
    return True


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
        return _number(cell)
    if isinstance(cell, date):
        return f"{cell.day:02}/{cell.month:02}/{cell.year:04}"
    return _clock(cell)  # a time or a duration: no field accepts one


def _number(value: float) -> str:
    if not -1e400 < value < 1e400:
        return "#NUM!"  # no program writes one, nor could show it
    return format(value or 0, ".15g").upper().replace(".", ",")


def _clock(cell: time | timedelta) -> str:
    """A time or a duration as H:MM:SS, which ``typed_cell`` of the annotated file reads back."""
    if isinstance(cell, time):
        return f"{cell:%H:%M:%S}"
    seconds = round(cell.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def not_text(columns: Sequence[list[Any]]) -> dict[str, list[int]]:
    """Field → places in its column of the cells that should have been text: what was typed may have been lost.

    `columns` begin with the nine. Of a permit number only a whole number of twelve digits lost nothing, of an order number or a
    reference a whole number of at most fifteen (spec, « The rules », order number and reference from numeric cells).
    """
    found = {field: _lossy(field, columns[place]) for field, place in _PLACES.items()}
    return {field: places for field, places in found.items() if places}


def _lossy(field: str, column: list[Any]) -> list[int]:
    if _are_texts(column):
        return []
    is_kept = _is_permit if field == "permit_number" else _is_exact
    return [at for at, cell in enumerate(column) if not isinstance(cell, str) and not is_kept(cell)]


def _is_plain_number(cell: Any) -> bool:
    return isinstance(cell, (int, float)) and not isinstance(cell, bool)


def _is_permit(cell: Any) -> bool:
    return _is_plain_number(cell) and permit_from_number(float(cell)) is not None


def _is_exact(cell: Any) -> bool:
    return _is_plain_number(cell) and -_EXACT < cell < _EXACT and cell == int(cell)


def moment(value: float, *, is_1904: bool, is_duration: bool = False) -> float | datetime | time | timedelta:
    """What a number is under a format of dates: a moment, below one day a time; a number where no day has it."""
    if not -_LAST_DAY <= value <= _LAST_DAY:
        return value
    if is_duration or value < 0:
        return timedelta(days=value)
    if value < 1:
        return (datetime(1, 1, 1) + timedelta(days=value)).time()  # noqa: DTZ001
    first = datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30 + (value < _LEAP))  # noqa: DTZ001
    try:
        return first + timedelta(days=value)
    except OverflowError:  # the last days of the 1904 system
        return value
