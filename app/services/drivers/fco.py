"""A driver's FCO, from the trainings in the space: how far the modules are, and when the next one is due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.models import Registration, Training
from app.models.catalogue import CATEGORIES, COMPLETE_FCO
from app.validators.fco import FCO_HOURS, WINDOW_MONTHS, Due, Followed, Module, Step, next_dues, tally
from app.validators.validity import add_months

#: The family that makes one FCO cover both categories; any other long training is an initial qualification.
BRIDGE = "passerelle"


@dataclass(frozen=True, slots=True)
class Progress:
    """Modules of one category that count towards the next FCO, the oldest first.

    ``until``: the last day on which the whole may be completed before the oldest module no longer counts.
    """

    category: str
    modules: list[Module]
    until: date

    @property
    def hours(self) -> int:
        """Return the hours done."""
        return sum(module.hours for module in self.modules)

    @property
    def missing(self) -> int:
        """Return the hours still to be done."""
        return max(0, FCO_HOURS - self.hours)


@dataclass(frozen=True, slots=True)
class Overview:
    """What the space shows; both lists may be empty."""

    progress: list[Progress]
    dues: list[Due]


def overview(registrations: Sequence[Registration], today: date) -> Overview:
    """Return a driver's FCO as of a day, from the registrations of the space with their trainings; no query."""
    in_order = sorted(registrations, key=lambda registration: registration.root_id)
    progress, followed = [], []
    for category in CATEGORIES:
        modules = [
            Module(r.id, r.end_date, r.training.hours or 0)
            for r in in_order
            if r.training.is_module and r.training.category == category
        ]
        made = tally(modules)
        followed += [Followed(Step.FCO, category, max(m.end_date for m in used)) for used in made.completed]
        if counting := still_counting(made.waiting, today):
            last = add_months(counting[0].end_date, WINDOW_MONTHS) - timedelta(days=1)
            progress.append(Progress(category, counting, last))
    followed += [
        Followed(_step(r.training), r.training.category, r.end_date) for r in in_order if not r.training.is_module
    ]
    return Overview(progress, next_dues(followed, CATEGORIES))


def still_counting(waiting: Iterable[Module], today: date) -> list[Module]:
    """Return the modules that an FCO completed on that day could still use, the oldest first (R3314-11: five years)."""
    counting = [module for module in waiting if today < add_months(module.end_date, WINDOW_MONTHS)]
    return sorted(counting, key=lambda module: module.end_date)


def _step(training: Training) -> Step:
    if training.price_class == COMPLETE_FCO:
        return Step.FCO
    return Step.BRIDGE if training.family.lower() == BRIDGE else Step.INITIAL
