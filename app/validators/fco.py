"""FCO in sequences: modules of one category that reach 35 h within five years complete an FCO (code des transports, R3314-11).

A module alone gives no certificate; the certificate belongs to the registration that completes the 35 hours, whichever
centres gave the modules. A module counts once: towards one FCO, and once a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from app.validators.validity import add_months

FCO_HOURS = 35
WINDOW_MONTHS = 60


@dataclass(frozen=True, slots=True)
class Module:
    """A module followed: a key of the caller's, its end date, its hours."""

    key: object
    end_date: date
    hours: int


@dataclass(frozen=True, slots=True)
class Tally:
    """``completed``: the modules of each whole FCO, the completing one first; ``waiting``: those that count for the next."""

    completed: list[list[Module]]
    waiting: list[Module]


def tally(modules: Iterable[Module]) -> Tally:
    """Return what the modules of one category make, taken in the order in which they were registered."""
    completed: list[list[Module]] = []
    waiting: list[Module] = []
    for module in modules:
        if any(other.end_date == module.end_date for other in waiting):
            continue
        waiting.append(module)
        used = _fco(waiting, module)
        if used:
            completed.append(used)
            waiting = [other for other in waiting if other not in used]
    return Tally(completed, waiting)


def completing(modules: Iterable[Module]) -> set[object]:
    """Return the keys of the modules that complete an FCO, taken in the order in which they were registered."""
    return {used[0].key for used in tally(modules).completed}


def _fco(waiting: Sequence[Module], newest: Module) -> list[Module]:
    """Return the modules, the newest among them, that make 35 hours within five years; none when they do not."""
    for first in sorted(waiting, key=lambda module: module.end_date):
        last_day = add_months(first.end_date, WINDOW_MONTHS)
        inside = [module for module in waiting if first.end_date <= module.end_date < last_day]
        if newest in inside and sum(module.hours for module in inside) >= FCO_HOURS:
            return _enough(inside, newest)
    return []


def _enough(inside: Sequence[Module], newest: Module) -> list[Module]:
    """Return the newest and the oldest others, as many as 35 hours need: what is left counts for the next FCO."""
    used, hours = [newest], newest.hours
    for module in sorted(inside, key=lambda module: module.end_date):
        if hours >= FCO_HOURS:
            break
        if module is not newest:
            used.append(module)
            hours += module.hours
    return used
