"""The FCO: modules that reach 35 h within five years complete one, and when the next one is due (R3314-10 to R3314-13).

A module alone gives no certificate; the certificate belongs to the registration that completes the 35 hours, whichever
centres gave the modules. A module counts once: towards one FCO, and once a day.

When the next FCO is due (code des transports, R3314-10 to -13), worked out from the trainings of one driver.

R3314-10: an FCO every five years, the first within five years of the initial qualification. R3314-12: an FCO completed
within the year before its due date counts from that due date. R3314-13: after a passerelle one FCO, of either category,
covers both, due five years after the passerelle's end date.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum

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


PERIOD_MONTHS = 60
EARLY_MONTHS = 12


class Step(Enum):
    """What a training does to the due dates."""

    INITIAL = "initial"
    BRIDGE = "bridge"
    FCO = "fco"


@dataclass(frozen=True, slots=True)
class Followed:
    """A training followed to its end: an initial qualification, a passerelle or a whole FCO, in one category."""

    step: Step
    category: str
    end_date: date


@dataclass(frozen=True, slots=True)
class Due:
    """The next FCO: the categories that it covers, and the last day to complete it."""

    categories: tuple[str, ...]
    due_on: date

    @property
    def early_from(self) -> date:
        """Return the first day from which an FCO counts from the due date."""
        return add_months(self.due_on, -EARLY_MONTHS)

    def is_late(self, today: date) -> bool:
        """Tell whether the due date is past; on the day itself it is not."""
        return today > self.due_on


def next_dues(followed: Iterable[Followed], categories: tuple[str, ...]) -> list[Due]:
    """Return the FCOs due next, by category or one for all ``categories`` after a passerelle; none without a training."""
    due: dict[str, date] = {}
    is_joint = False
    for training in sorted(followed, key=lambda one: (one.end_date, one.step is Step.FCO)):
        if training.step is Step.BRIDGE:
            is_joint = True
            due = dict.fromkeys(categories, add_months(training.end_date, PERIOD_MONTHS))
            continue
        for category in categories if is_joint else (training.category,):
            due[category] = _after(training, due.get(category))
    return _grouped(due, categories, is_joint)


def _after(training: Followed, before: date | None) -> date:
    """Return the due date that follows a training, where ``before`` was the one until then."""
    plain = add_months(training.end_date, PERIOD_MONTHS)
    if training.step is Step.INITIAL or before is None:
        return plain if before is None else max(plain, before)
    is_early = add_months(before, -EARLY_MONTHS) <= training.end_date <= before
    return add_months(before, PERIOD_MONTHS) if is_early else plain


def _grouped(due: dict[str, date], categories: tuple[str, ...], is_joint: bool) -> list[Due]:
    if is_joint:
        return [Due(categories, due[categories[0]])]
    return [Due((category,), due[category]) for category in categories if category in due]
