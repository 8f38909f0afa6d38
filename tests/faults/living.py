"""A scenario lived under a plan of faults: its acts tried again as people and programs do, then left to recover in peace.

Where a fault of the plan kills, the act is done in a fork that really dies: its connections, its memory and the bells it had
rung are lost, what it had committed stands.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from flask import Flask
from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from app.extensions import db
from app.jobs import work, worker
from app.models import Outbox
from app.services.core import actor, clock, outbox, queue
from app.services.deposits import polling

from .points import KILLED, Fault, Kind, Plan

#: An act: done again, by whoever does it, where it is not answered. `work_off` and `wait` are acts of the program itself.
Act = Callable[[], None]
#: Rounds of a relay after the faults; longer than any wait of the outbox, shorter than its patience.
ROUNDS, ROUND = 60, timedelta(minutes=6)
#: A life begins after all that its ground was made of, where a clock moved as well.
LATER = timedelta(hours=1)


def work_off() -> None:
    """Stand for a worker that does what the bells ring for."""


def wait() -> None:
    """Stand for some minutes that pass, with a relay and a worker."""


class Unanswered(Exception):
    """The program answered that it cannot now (503), or not at all; ``seconds``: after how long it is tried again."""

    def __init__(self, what: object, seconds: int = 0) -> None:
        super().__init__(what)
        self.seconds = seconds


@contextmanager
def as_usual(_app: Flask) -> Iterator[None]:
    """Leave the program as it is."""
    yield


@dataclass(frozen=True)
class Scenario:
    """What people do, act after act; ``ground`` makes what stands before, and returns the acts.

    ``leaves``: tables and acts of the journal in which a second try may leave more than one does. ``within``: what is otherwise
    about the program while it is lived.
    """

    name: str
    ground: Callable[[Flask], Sequence[Act]]
    leaves: frozenset[str] = frozenset()
    day: datetime | None = None
    within: Callable[[Flask], AbstractContextManager[object]] = as_usual


@dataclass
class Life:
    """One living of a scenario: the bells that wait, and how far the machine's clock was moved."""

    plan: Plan
    chance: random.Random | None = None
    bells: list[int] = field(default_factory=list)
    offset: timedelta = LATER

    def ring(self, rows: Sequence[tuple[int, bool]]) -> None:
        """Queue what is rung for, as `queue.ring`."""
        for outbox_id, at_front in rows:
            self.bells.insert(0 if at_front else len(self.bells), outbox_id)

    @contextmanager
    def begun(self) -> Iterator[None]:
        """Have the program's queue and clock be those of this life."""
        real = clock.machine_now
        places: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
            (queue, "length", lambda: len(self.bells)),
            (queue, "ring", self.ring),
            (clock, "machine_now", lambda: real() + self.offset),
        )
        patches = [mock.patch.object(*one) for one in places]
        for one in patches:
            one.start()
        try:
            yield
        finally:
            for one in reversed(patches):
                one.stop()

    def act(self, act: Act) -> None:
        """Act an act until it is answered; AssertionError where it is not, although all faults have struck."""
        do = {work_off: self.work_off, wait: self.relay}.get(act, act)
        if act is wait:
            self.offset += ROUND
        for _ in range(2 * len(self.plan.faults) + 2):
            if self._answered(do):
                return
        raise AssertionError("an act is not answered although nothing stands against it any more")

    def work_off(self) -> None:
        """Act what the bells ring for, as a worker does: a job that breaks is the queue's, the next one is taken."""
        while self.bells:
            at = self.chance.randrange(len(self.bells)) if self.chance else 0
            outbox_id = self.bells.pop(at)
            try:
                work.run(outbox_id)
            except (OperationalError, RedisError):
                db.session.rollback()

    def relay(self) -> None:
        """Ring for what is due, as a relay does, and do it."""
        polling.make_due()
        outbox.ring()
        self.work_off()

    def recover(self) -> None:
        """Let a relay and a worker go on without faults, the clock moving, until nothing is left to do."""
        self.plan.is_armed = False
        for at in range(ROUNDS):
            self.offset += ROUND
            actor.be(actor.PROGRAM)
            self.relay()
            db.session.rollback()
            waits = db.session.scalar(select(func.min(Outbox.due_at)).where(Outbox.done_at.is_(None)))
            if waits is None and at >= 2:
                break
            if waits is not None:
                self.offset += max(timedelta(), waits - clock.machine_now())
        worker.keep_house()
        db.session.rollback()

    def _answered(self, do: Act) -> bool:
        return self._in_a_fork(do) if self.plan.may_kill else self._here(do)

    def _here(self, do: Act) -> bool:
        actor.be(actor.PROGRAM)
        try:
            do()
        except Unanswered as refusal:
            self.offset += timedelta(seconds=refusal.seconds)
            return False
        except Exception as error:
            if not _is_ours(error):
                raise
            return False
        finally:
            db.session.rollback()
            db.session.remove()
        return True

    def _in_a_fork(self, do: Act) -> bool:
        db.session.remove()
        db.engine.dispose()
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            self._be_the_child(do, theirs)
        os.close(theirs)
        with os.fdopen(ours, "rb") as answer:
            told = json.loads(answer.read() or b"{}")
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        assert code in (0, KILLED), told.get("error") or f"the process ended by {code}"
        self.plan.passed = Counter(told["passed"])
        self.plan.fired[:] = [Fault(point, nth, Kind(kind)) for point, nth, kind in told["fired"]]
        if code == KILLED:
            return False
        self.bells, self.offset = told["bells"], timedelta(seconds=told["offset"])
        return bool(told["answered"])

    def _be_the_child(self, do: Act, pipe: int) -> None:
        """Act the act in this process and end it; what happened is told by the pipe, also just before it is killed."""
        told: dict[str, Any] = {"answered": False}

        def tell() -> None:
            seen = [(one.point, one.nth, str(one.kind)) for one in self.plan.fired]
            state = {"passed": dict(self.plan.passed), "fired": seen, "bells": self.bells}
            content = json.dumps({**told, **state, "offset": self.offset.total_seconds()}).encode()
            while content:
                content = content[os.write(pipe, content) :]

        self.plan.last_words = tell
        code = 1
        try:
            told["answered"] = self._here(do)
            code = 0
        except BaseException as error:
            told["error"] = f"{type(error).__name__}: {error}"
        finally:
            tell()
            os._exit(code)


def _is_ours(error: BaseException) -> bool:
    """Tell whether an error is one that a fault makes, as it is or as the cause of another."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, (OperationalError, OSError, RedisError)):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


@contextmanager
def on_its_day(app: Flask, day: datetime | None) -> Iterator[None]:
    """Live a scenario on its day."""
    before = app.config["TODAY"]
    if day is not None:
        app.config["TODAY"] = day.date()
    try:
        yield
    finally:
        app.config["TODAY"] = before
