"""Charts drawn by the server: where the bars of a trend stand. The figures themselves stand in a table beside."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from app.services.reporting.volumes import Month

TOP, BOTTOM, LEFT, RIGHT = 22, 190, 46, 634
#: As French abbreviates the months.
SHORT = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")


@dataclass(frozen=True, slots=True)
class Bar:
    """A month as a bar, in the units of the drawing; ``marked``: its figure is written above."""

    x: float
    y: float
    width: float
    height: float
    label: str
    count: int
    current: bool
    marked: bool
    second: bool

    @property
    def middle(self) -> float:
        """Return where its label is centred."""
        return self.x + self.width / 2


@dataclass(frozen=True, slots=True)
class Chart:
    """A trend, ready to draw. ``axes``: height in the drawing and count of each line across; ``said``: it all in words."""

    bars: list[Bar]
    axes: list[tuple[float, int]]
    said: str


def trend(months: list[Month]) -> Chart:
    """Return the chart of some months, the last one being the current one."""
    step = _step(max(month.count for month in months))
    lines = max(1, -(-max(month.count for month in months) // step))
    height = (BOTTOM - TOP) / (lines * step)
    counts = [month.count for month in months]
    low, high = counts.index(min(counts)), counts.index(max(counts))
    place = (RIGHT - LEFT) / len(months)
    bars = [
        Bar(
            round(LEFT + at * place + place * 0.15, 1),
            round(BOTTOM - month.count * height, 1),
            round(place * 0.7, 1),
            round(month.count * height, 1),
            SHORT[month.first.month - 1],
            month.count,
            at == len(months) - 1,
            at == len(months) - 1 or (low != high and at in (low, high)),
            bool((len(months) - 1 - at) % 2),
        )
        for at, month in enumerate(months)
    ]
    axes = [(round(BOTTOM - line * step * height, 1), line * step) for line in range(lines + 1)]
    return Chart(bars, axes, _said(months, months[low], months[high]))


def _step(highest: int) -> int:
    """Return the round number (1, 2, 5 × 10ⁿ) that cuts the height in three to five."""
    for power in count():
        for first in (1, 2, 5):
            if first * 10**power * 5 >= highest:
                return first * 10**power  # type: ignore[no-any-return]
    raise AssertionError("some power is large enough")


def _said(months: list[Month], low: Month, high: Month) -> str:
    def one(month: Month) -> str:
        return f"{month.count} en {month.name} {month.first.year}"

    if not high.count:
        return "Aucun enregistrement sur douze mois."
    return f"Enregistrements par mois : de {one(low)} à {one(high)} ; {one(months[-1])}."
