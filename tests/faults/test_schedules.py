"""Scenarios lived under faults at every transaction border and outside effect: what was done stands once, and all recovers.

A short share by itself. `make faults` (FAULTS=all) lives all single faults and all pairs of points on SQLite, single ones on
PostgreSQL, those of a bucket's doors with files in one, and 2,000 random schedules. FAULT_SEED=… or FAULT_ONE='…', as a
failure prints it, lives that one again.
"""

from __future__ import annotations

import os
import random
import smtplib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from app.extensions import db
from app.jobs import work
from app.models import Mail, Outbox
from app.models.outbox import MAIL, MAIL_SENT
from app.services.core import clock, outbox
from app.services.core.transaction import transaction
from app.services.notifications import mail

from .living import Scenario
from .points import Fault, Kind
from .schedules import IN_A_BUCKET, SCENARIOS, Ground, Schedule, drawn, pairs, scenario_of, singles

#: What is lived: a share, or `singles`, `pairs`, `random`, `postgresql`, `bucket`, or `all` of them.
WHAT = os.environ.get("FAULTS", "share").split(",")
_FIRST = int(os.environ.get("FAULT_FROM", "0"))
SEEDS = range(_FIRST, _FIRST + int(os.environ.get("FAULT_SEEDS", "2000")))
SEED, ONE = os.environ.get("FAULT_SEED"), os.environ.get("FAULT_ONE")
#: Of each scenario, where only a share is lived.
SHARE_OF_SINGLES, SHARE_OF_SEEDS = 4, 1
#: Lived with files in a bucket as well, where only a share is lived.
SHARE_IN_A_BUCKET = ("by hand in a bucket", "card in a bucket")
Backends = Callable[[str], Any]


def wanted(*parts: str) -> bool:
    """Tell whether some of these parts is asked for."""
    return not {"all", *parts}.isdisjoint(WHAT) and SEED is None and ONE is None


def schedules_of(ground: Ground) -> Iterator[tuple[str, Schedule]]:
    """Yield the schedules of a scenario that are asked for, each with the part it belongs to."""
    name = ground.scenario.name
    seeds = [seed for seed in SEEDS if scenario_of(seed) == name]
    if SEED is not None or ONE is not None:
        one = drawn(ground, int(SEED)) if SEED is not None else Schedule.read(ONE or "")
        yield "asked", one
        return
    if "share" in WHAT:
        every = list(singles(ground))
        yield from (("share", one) for one in random.Random(name).sample(every, min(SHARE_OF_SINGLES, len(every))))
        yield from (("share", drawn(ground, seed)) for seed in seeds[:SHARE_OF_SEEDS])
    if wanted("singles"):
        yield from (("singles", one) for one in singles(ground))
    if wanted("pairs"):
        yield from (("pairs", one) for one in pairs(ground))
    if wanted("random"):
        yield from (("random", drawn(ground, seed)) for seed in seeds)


def live(ground: Ground, schedules: Iterator[tuple[str, Schedule]], say: Callable[[str], None]) -> None:
    """Live schedules, each from the ground; all that fail are told together, as they are lived again."""
    lived: Counter[str] = Counter()
    failed: list[str] = []
    for part, schedule in schedules:
        lived[part] += 1
        try:
            plan = ground.live(schedule)
            assert part != "singles" or plan.fired, "the fault never struck"
        except Exception as failure:
            failed.append(f"{schedule}\n    {type(failure).__name__}: {str(failure)[:1500]}")
            say(failed[-1])
    passings, counts = sum(ground.passed.values()), ", ".join(f"{count} {part}" for part, count in lived.items())
    say(f"{ground.scenario.name}: {len(ground.passed)} points, {passings} passings; {counts}; {len(failed)} failed")
    assert not failed, "\n".join(failed)


def asked_scenarios() -> list[Scenario]:
    """Return the scenarios that are asked for."""
    if SEED is not None:
        return [SCENARIOS[scenario_of(int(SEED))]]
    if ONE is not None:
        return [{**SCENARIOS, **IN_A_BUCKET}[Schedule.read(ONE).scenario]]
    return list(SCENARIOS.values())


@pytest.mark.parametrize("scenario", asked_scenarios(), ids=lambda one: one.name)
@pytest.mark.usefixtures("app")
def test_under_faults(scenario: Scenario, backends: Backends, capsys: pytest.CaptureFixture[str]) -> None:
    with Ground(backends("sqlite"), scenario) as ground:
        live(ground, schedules_of(ground), _said(capsys))


def _in_a_bucket() -> list[Scenario]:
    """Return the scenarios that are lived with files in a bucket."""
    shared = SHARE_IN_A_BUCKET if wanted("share") else ()
    return [one for one in IN_A_BUCKET.values() if wanted("bucket") or one.name in shared]


@pytest.mark.parametrize("scenario", _in_a_bucket(), ids=lambda one: one.name)
@pytest.mark.usefixtures("app")
def test_in_a_bucket(scenario: Scenario, backends: Backends, capsys: pytest.CaptureFixture[str]) -> None:
    with Ground(backends("sqlite"), scenario) as ground:
        every = [one for one in singles(ground) if one.faults[0].point.startswith("bucket.")]
        assert every or wanted("bucket"), "no door of the bucket is passed"
        assert not any(point.startswith("store.") for point in ground.passed), "a folder is used"
        share = every if wanted("bucket") else random.Random(scenario.name).sample(every, SHARE_OF_SINGLES)
        live(ground, (("singles", one) for one in share), _said(capsys))


@pytest.mark.bases("postgresql-role")
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda one: one.name)
def _single_faults_on_postgresql(
    app: Flask, scenario: Scenario, backends: Backends, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app
    with Ground(backends("postgresql-role"), scenario) as ground:
        live(ground, (("singles", one) for one in singles(ground, every=False)), _said(capsys))


if wanted("postgresql"):  # the share is lived on SQLite alone
    test_single_faults_on_postgresql = _single_faults_on_postgresql


@pytest.mark.usefixtures("app")
def test_what_goes_wrong_is_seen(backends: Backends, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ground(backends("sqlite"), SCENARIOS["trainer"]) as ground:
        with monkeypatch.context() as patch:
            patch.setitem(work.HANDLERS, MAIL, _send_carelessly)
            with pytest.raises(AssertionError, match="nobody got"):
                ground.live(Schedule("trainer", (Fault("mail@mail.send", 1, Kind.BEFORE),)))
        with monkeypatch.context() as patch:
            patch.setattr(outbox, "claim", _claimed_for_good(outbox.claim))
            with pytest.raises(AssertionError, match=r"outbox\.mail"):
                ground.live(Schedule("trainer", (Fault("mail@mail.send", 1, Kind.DIES_BEFORE),)))


def _send_carelessly(payload: dict[str, Any]) -> None:
    """Take a mail for sent, whatever the server said."""
    try:
        mail.send(payload["mail"])
    except smtplib.SMTPException:
        db.session.get_one(Mail, payload["mail"]).state = MAIL_SENT
        db.session.get_one(Mail, payload["mail"]).sent_at = clock.now()


def _claimed_for_good(claim: Callable[[int], Outbox | None]) -> Callable[[int], Outbox | None]:
    """Return a claim that takes work for done before it is."""

    def act(outbox_id: int) -> Outbox | None:
        row = claim(outbox_id)
        with transaction():
            outbox.finish(outbox_id)
        return row

    return act


def test_a_seed_is_a_schedule_and_a_text_tells_one() -> None:
    ground = Ground(None, SCENARIOS[scenario_of(7)], passed={"commit@a.b": 2, "mail@c.d": 1})
    assert drawn(ground, 7) == drawn(ground, 7)
    one = next(singles(ground))
    assert Schedule.read(str(one).removeprefix("FAULT_ONE='").removesuffix("'")) == one


def _said(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Return what tells something at once, where more than a share is lived."""

    def say(text: str) -> None:
        if "share" not in WHAT:
            with capsys.disabled():
                print(f"\n{text}", flush=True)

    return say
