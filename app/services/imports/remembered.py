"""The last acts on a report, so that « Défaire » can take them back, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from app.models import ImportFile

#: So many acts are remembered; of an act that scatters over more spans of lines than this, nothing is.
ACTS, SPANS = 30, 2_000

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Act:
    """What was done to lines: a value put in the place of one value, or lines set aside or taken back.

    ``field``: the column, '' where lines were set aside (``after`` '1') or taken back (``after`` ''). ``lines`` and
    ``as_numbers``, those whose cell had come as a number, are spans of line numbers, both ends counted.
    """

    field: str
    before: str
    after: str
    lines: Sequence[Span]
    as_numbers: Sequence[Span] = ()


def spans(numbers: Iterable[int]) -> list[Span]:
    """Return numbers as spans, in their order: [2, 3, 4, 9] are [(2, 4), (9, 9)]."""
    found: list[Span] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def count(act: Act) -> int:
    """Return how many lines an act concerned."""
    return sum(last - first + 1 for first, last in act.lines)


def remember(file: ImportFile, act: Act) -> None:
    """Keep an act as the last one, in the caller's transaction."""
    if len(act.lines) <= SPANS:
        file.acts = [*file.acts, asdict(act)][-ACTS:]
    else:
        file.acts = []  # the acts before it stand on values that it changed


def last(file: ImportFile) -> Act | None:
    """Return the act that « Défaire » would take back, None where nothing is remembered."""
    return _act(file.acts[-1]) if file.acts else None


def forget_last(file: ImportFile) -> None:
    """Drop the last act, in the caller's transaction."""
    file.acts = file.acts[:-1]


def _act(kept: dict[str, Any]) -> Act:
    both = {name: [(first, last) for first, last in kept[name]] for name in ("lines", "as_numbers")}
    return Act(kept["field"], kept["before"], kept["after"], **both)
