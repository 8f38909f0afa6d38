"""What the demonstration's centres register in the twelve months before « aujourd'hui »: a table, worked out for a day.

Nothing here asks the base or the clock: the same day gives the same year.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from random import Random

from app.models.batch import API, FILE, MANUAL
from app.services.core.clock import PARIS

from . import people
from .people import Trainee

GOODS, PASSENGERS = "Marchandises", "Voyageurs"
DEMO, NEIGHBOUR = "12345678200010", "98765432400019"
COURSES = {
    "fimo-m": ("FIMO Marchandises", GOODS),
    "fimo-v": ("FIMO Voyageurs", PASSENGERS),
    "pass-m": ("Passerelle Marchandises", GOODS),
    "pass-v": ("Passerelle Voyageurs", PASSENGERS),
    "fco-m": ("FCO Complète", GOODS),
    "fco-v": ("FCO Complète", PASSENGERS),
    "module-m": ("Module FCO", GOODS),
    "module-v": ("Module FCO", PASSENGERS),
    "ctrmp": ("Titre Professionnel CTRMP", GOODS),
    "cap": ("CAP conducteur routier marchandises", GOODS),
}
MIXED = {"fimo-m": 9, "fco-m": 8, "fco-v": 6, "fimo-v": 3}
#: Days before today, door, course → trainees drawn. Modules are followed by the first of a group that stays the same.
YEAR: tuple[tuple[int, str, Mapping[str, int]], ...] = (
    (359, MANUAL, {"fimo-m": 7}),
    (338, MANUAL, {"fco-m": 6}),
    (330, MANUAL, {"module-m": 6}),
    (322, API, {"fco-v": 7}),
    (317, MANUAL, {"fco-v": 5}),
    (305, API, {"fimo-m": 3}),
    (301, MANUAL, {"fimo-v": 6}),
    (290, API, {"fco-m": 4}),
    (284, MANUAL, {"ctrmp": 5}),
    (276, FILE, MIXED),
    (262, MANUAL, {"module-m": 5}),
    (255, API, {"fco-m": 7}),
    (247, MANUAL, {"fco-m": 7}),
    (236, API, {"fimo-v": 3}),
    (226, MANUAL, {"fimo-m": 6}),
    (214, API, {"fco-m": 4}),
    (200, MANUAL, {"module-v": 4}),
    (196, API, {"fco-v": 3}),
    (188, MANUAL, {"fco-v": 6}),
    (176, API, {"fimo-m": 4}),
    (171, MANUAL, {"module-m": 4}),
    (158, MANUAL, {"cap": 8}),
    (146, FILE, MIXED),
    (140, MANUAL, {"module-v": 4}),
    (133, API, {"fco-v": 7}),
    (127, MANUAL, {"fimo-m": 6}),
    (112, API, {"fco-m": 3}),
    (109, MANUAL, {"pass-v": 4}),
    (95, MANUAL, {"module-m": 3}),
    (90, FILE, MIXED),
    (88, API, {"fimo-m": 4}),
    (80, MANUAL, {"module-v": 3}),
    (71, API, {"fco-v": 3}),
    (66, MANUAL, {"fco-m": 6}),
    (60, MANUAL, {"module-m": 2}),
    (52, API, {"fco-m": 4}),
    (47, MANUAL, {"pass-m": 3}),
    (38, MANUAL, {"cap": 4}),
    (33, API, {"fimo-m": 3}),
    (31, FILE, MIXED),
    (27, MANUAL, {"fimo-v": 5}),
    (20, MANUAL, {"pass-v": 2}),
    (18, MANUAL, {"module-v": 3}),
    (15, API, {"fco-m": 4}),
    (12, MANUAL, {"module-m": 1}),
    (8, API, {"fco-v": 3}),
    (5, MANUAL, {"fco-m": 5}),
    (4, MANUAL, {"pass-v": 2}),
    (1, MANUAL, {"fco-v": 3}),
    (0, API, {"fco-m": 2}),
)
#: The same of the public centre, whose order numbers are those of Chorus.
NEIGHBOURS: tuple[tuple[int, str, Mapping[str, int]], ...] = (
    (310, MANUAL, {"fimo-v": 5}),
    (220, MANUAL, {"fco-v": 4}),
    (130, MANUAL, {"fco-v": 7}),
    (64, MANUAL, {"fco-v": 3}),
    (18, MANUAL, {"fimo-v": 2}),
)
#: Days before today → those of whom something is told, first on the receipt of that day.
NAMED: Mapping[int, Callable[[date], Trainee]] = {
    109: lambda _: people.CAMILLE,
    95: lambda _: people.MARIE,
    71: lambda _: people.NATHALIE,
    66: lambda _: people.ANTONIO,
    60: lambda _: people.MARIE,
    47: lambda _: people.LOUIS,
    38: people.minor,
    27: lambda _: people.JULIE,
    20: lambda _: people.MARIE,
    5: lambda _: people.THIERRY,
    4: lambda _: people.CAMILLE.known_as("MOREL"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A driver on a training, with its course (a key of COURSES)."""

    course: str
    trainee: Trainee


@dataclass(frozen=True, slots=True)
class Session:
    """What a centre registers at once. ``back``: the days before today by which the table names it; ``at``: the instant, of
    today's the end of the day, or before."""

    siret: str
    back: int
    at: datetime
    door: str
    end_date: date
    order_number: str
    lines: tuple[Line, ...]

    @property
    def reference(self) -> str:
        """Return the reference of its lines."""
        return f"REF{self.end_date:%Y%m%d}"


def sessions(today: date, since: date) -> list[Session]:
    """Return what is registered in the year before a day, the oldest first, nothing whose training ended before ``since``."""
    chance = lot()
    new = people.drawn(chance, today)
    modules = {course: list(islice(new, 6)) for course in ("module-m", "module-v")}
    found = [
        _session(today, siret, row, chance, new, modules)
        for siret, table in ((DEMO, YEAR), (NEIGHBOUR, NEIGHBOURS))
        for row in table
    ]
    return sorted((one for one in found if one.end_date >= since), key=lambda one: one.at)


def lot(number: int = 0) -> Random:
    """Return a source of names and hours; the same number gives the same."""
    return Random(20_220_118 + number)  # noqa: S311  no secret is drawn from it


def working_day(today: date, back: int) -> date:
    """Return the day so many days before, or the Friday before it."""
    day = today - timedelta(days=back)
    return day - timedelta(days=max(0, day.weekday() - 4))


def at_work(today: date, back: int, hour: int = 10, minute: int = 0) -> datetime:
    """Return an instant of a working day, in Paris."""
    return datetime.combine(working_day(today, back), time(hour, minute), PARIS)


def _session(
    today: date,
    siret: str,
    row: tuple[int, str, Mapping[str, int]],
    chance: Random,
    new: Iterator[Trainee],
    modules: Mapping[str, list[Trainee]],
) -> Session:
    back, door, wanted = row
    hour, minute = chance.randint(8, 16), chance.randrange(60)
    at = at_work(today, back, hour, minute) if back else datetime.combine(today, time.max, PARIS)
    end = working_day(at.date(), chance.randint(0, 2))
    order = f"COM{end:%Y%m}" if siret == DEMO else f"{1_400_000_000 + 7_919 * back}"
    lines = [
        Line(course, trainee)
        for course, count in wanted.items()
        for trainee in (modules[course][:count] if course in modules else islice(new, count))
    ]
    if siret == DEMO and back in NAMED:
        lines.insert(0, Line(next(iter(wanted)), NAMED[back](today)))
    return Session(siret, back, at, door, end, order, tuple(lines))
