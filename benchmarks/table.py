"""The one table the benchmarks print, row by row as they are measured, and how they take time."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Seconds = float
_WIDTHS = (52, 30, 42, 10)


@dataclass(frozen=True, slots=True)
class Row:
    """One measure. ``beside``: what it is compared with; ``ratio``: the measure divided by that.

    ``limit``: what is asked of the ratio, or of ``value`` where nothing stands beside it; None: nothing is asked.
    """

    what: str
    measured: str
    beside: str = ""
    ratio: float | None = None
    value: float | None = None
    limit: float | None = None
    at_least: bool = False
    unit: str = "x"

    @property
    def asked(self) -> str:
        """Return what is asked, and whether it holds."""
        judged = self.ratio if self.value is None else self.value
        if self.limit is None or judged is None:
            return ""
        holds = judged >= self.limit if self.at_least else judged <= self.limit
        sign = "at least" if self.at_least else "at most"
        return f"{sign} {self.limit:g} {self.unit}: {'holds' if holds else 'MISSED'}"


def show_head() -> None:
    """Print the head of the table."""
    _show("what", "measured", "beside it, in the same run", "ratio", "asked")
    print("-" * 160, flush=True)


def show(row: Row) -> None:
    """Print a row as soon as it is known: a whole run takes minutes."""
    _show(row.what, row.measured, row.beside, "" if row.ratio is None else f"{row.ratio:.2f} x", row.asked)


def note(sentence: str) -> None:
    """Print a sentence between the rows: what was left out, and why."""
    print(f"  ({sentence})", flush=True)


def _show(*cells: str) -> None:
    fixed = [f"{cell:{width}}" for cell, width in zip(cells, _WIDTHS, strict=False)]
    print("  ".join([*fixed, *cells[len(_WIDTHS) :]]).rstrip(), flush=True)


def timed(act: Callable[[], object]) -> Seconds:
    """Return how long an act takes; what earlier acts left behind is collected first."""
    gc.collect()
    return elapsed(act)


def elapsed(act: Callable[[], object]) -> Seconds:
    """Return how long a small act takes that comes many times."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def turns(acts: Mapping[str, Callable[[], Seconds]], rounds: int) -> dict[str, list[Seconds]]:
    """Return what each act takes, round by round; the acts take turns, so that a slow moment of the machine hits them all."""
    times: dict[str, list[Seconds]] = {name: [] for name in acts}
    for _ in range(rounds):
        for name, act in acts.items():
            times[name].append(act())
    return times


def medians(acts: Mapping[str, Callable[[], Seconds]], rounds: int) -> dict[str, Seconds]:
    """Return the median time of each act; the acts take turns."""
    return {name: statistics.median(taken) for name, taken in turns(acts, rounds).items()}


def quotient(mine: Sequence[Seconds], beside: Sequence[Seconds]) -> float:
    """Return the median of what each round's two times make of each other: what slows a whole round falls out."""
    return statistics.median(one / other for one, other in zip(mine, beside, strict=True))


def told(seconds: Seconds) -> str:
    """Return a duration as text: seconds, or milliseconds below one."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
