"""Schedules: a scenario, the faults that strike in it, lived on a base of its own and judged.

All single faults, all pairs, and as many random ones as wanted; a random one is its seed and nothing else.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any
from unittest import mock

from flask import Flask

from app.extensions import db
from app.services.core import actor
from app.services.seal import checking as seal_check
from app.services.seal.checking import Finding
from tests.shortcuts import without_drawing

from . import account_days, centre_days, elsewhere, money_days, oracle
from .living import Act, Life, Scenario, as_usual, on_its_day
from .points import Fault, Kind, Plan, guarded

SCENARIOS = {one.name: one for one in (*centre_days.DAYS, *account_days.DAYS, *money_days.DAYS)}
#: The same, the program's files in a bucket.
IN_A_BUCKET = {
    f"{name} in a bucket": replace(one, name=f"{name} in a bucket", within=elsewhere.in_a_bucket)
    for name, one in SCENARIOS.items()
    if one.within is as_usual
}
EVERY = tuple(Kind)
#: Faults of a random schedule, at most.
MOST = 5


@dataclass(frozen=True)
class Schedule:
    """A scenario and its faults; ``seed`` of a random one, whose jobs are done in an order of its own."""

    scenario: str
    faults: tuple[Fault, ...] = ()
    seed: int | None = None

    def __str__(self) -> str:
        if self.seed is not None:
            return f"FAULT_SEED={self.seed} ({self.scenario}: {self._told()})"
        return f"FAULT_ONE='{self.scenario}: {self._told()}'"

    def _told(self) -> str:
        return " + ".join(map(str, self.faults))

    @classmethod
    def read(cls, text: str) -> Schedule:
        """Return the schedule that a text tells: « by hand: commit@confirm.register #1 after + mail@mail.send #1 before »."""
        scenario, _, faults = text.partition(": ")
        return cls(scenario, tuple(Fault.read(one) for one in faults.split(" + ")))


@dataclass
class Ground:
    """What stands before a scenario on one base: put back before each schedule, made once where the base is a file."""

    backend: Any
    scenario: Scenario
    acts: Sequence[Act] = ()
    usual: oracle.Standing | None = None
    passed: dict[str, int] = field(default_factory=dict)

    def __enter__(self) -> Ground:
        """Make the ground, live the scenario in peace, and keep what stands then and which points were passed."""
        self._held = ExitStack()
        self._held.enter_context(without_drawing())
        self._held.enter_context(mock.patch.object(seal_check, "look", return_value=Finding.INTACT))
        self._held.enter_context(elsewhere.reached())
        self._held.enter_context(on_its_day(self.app, self.scenario.day))
        self._held.enter_context(self.scenario.within(self.app))
        self._held.callback(self._leave)
        self._kept = Path(self.backend.folder) / "ground"
        self._template = getattr(self.backend, "template", None)
        try:
            self._make()
            plan = self.live(Schedule(self.scenario.name))
        except BaseException:
            self._held.close()
            raise
        self.passed = dict(plan.passed)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the base as it was found."""
        self._held.close()

    def _leave(self) -> None:
        db.session.remove()
        if self._template is not None:
            self.backend.template = self._template
        shutil.rmtree(self._kept, ignore_errors=True)
        elsewhere.forget()

    @property
    def app(self) -> Flask:
        """Return the application."""
        return self.backend.app  # type: ignore[no-any-return]

    def live(self, schedule: Schedule) -> Plan:
        """Live a schedule from the ground and judge it; AssertionError where something does not hold. Return its plan."""
        self._put_back()
        plan = Plan(schedule.faults)
        life = Life(plan, random.Random(schedule.seed) if schedule.seed is not None else None)
        with life.begun(), guarded(plan):
            for act in self.acts:
                life.act(act)
            life.recover()
            found = oracle.judge(self.scenario, plan, self.usual)
        if not schedule.faults and self.usual is None:
            self.usual = found
        return plan

    def _make(self) -> None:
        db.session.remove()  # a base put back under an open connection is a broken one
        self.backend.reset()
        elsewhere.forget()
        if self.scenario.day is not None:
            self.app.config["TODAY"] = self.scenario.day.date()
        actor.be(actor.PROGRAM)
        self.acts = self.scenario.ground(self.app)
        db.session.remove()
        db.engine.dispose()
        if self._template is not None:
            shutil.rmtree(self._kept, ignore_errors=True)
            shutil.copytree(self.backend.folder, self._kept, ignore=shutil.ignore_patterns("template.db", "ground"))
            self.backend.template = self._kept / "test.db"

    def _put_back(self) -> None:
        if self._template is None:
            self._make()
            return
        db.session.remove()
        self.backend.reset()
        elsewhere.forget()
        for path in self._kept.iterdir():
            if path.is_dir():
                shutil.copytree(path, Path(self.backend.folder) / path.name, dirs_exist_ok=True)
            elif path.suffix == ".log":
                shutil.copy(path, self.backend.folder)


def singles(ground: Ground, *, every: bool = True) -> Iterator[Schedule]:
    """Yield each passing of each point (``every``: else the first and the last one) with each kind of fault."""
    for point, count in ground.passed.items():
        for nth in range(1, count + 1) if every else sorted({1, count}):
            for kind in EVERY:
                yield Schedule(ground.scenario.name, (Fault(point, nth, kind),))


def pairs(ground: Ground) -> Iterator[Schedule]:
    """Yield each pair of points once, those of a point with itself included: it fails twice in a row.

    Which of its passings, and with which kinds of fault, is drawn, the same each time.
    """
    chance = random.Random(ground.scenario.name)
    for one, other in combinations_with_replacement(ground.passed, 2):
        first = chance.randint(1, ground.passed[one])
        second = first + 1 if one == other else chance.randint(1, ground.passed[other])
        faults = Fault(one, first, chance.choice(EVERY)), Fault(other, second, chance.choice(EVERY))
        yield Schedule(ground.scenario.name, faults)


def drawn(ground: Ground, seed: int) -> Schedule:
    """Return the random schedule of a seed: some faults, each at a passing that the scenario has, or at one more."""
    chance = random.Random(seed)
    points = sorted(ground.passed)
    faults = {}
    for _ in range(chance.randint(1, MOST)):
        point = chance.choice(points)
        nth = chance.randint(1, ground.passed[point] + 1)
        faults[point, nth] = Fault(point, nth, chance.choice(EVERY))
    return Schedule(ground.scenario.name, tuple(faults.values()), seed)


def scenario_of(seed: int) -> str:
    """Return which scenario a seed lives."""
    return sorted(SCENARIOS)[seed % len(SCENARIOS)]
