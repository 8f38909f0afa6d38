"""A year of work on top of the demonstration's people: what they registered, and what waits today.

It is made by the services themselves, each act on its day, in one transaction: a kill leaves nothing of it, and the next start
makes it anew. Its documents are drawn, and its invoices made, by the worker, in the background.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import partial

from flask import current_app
from sqlalchemy import exists, select

from app.extensions import db
from app.models import Batch, Centre, Trainer
from app.services.accounts import passwords
from app.services.core import clock, outbox
from app.services.core.transaction import whole
from app.validators.memory import collector_paused
from config import YEAR

from . import demonstration, doors, money, plan, waiting
from .people import Trainee
from .plan import Session
from .waiting import Year

#: Days of registrations without which there is no year to show.
SHORTEST = timedelta(days=30)

Act = Callable[[Year], object]
#: What happens beside registering: days before today, hour, act; in this order on one day.
ACTS: tuple[tuple[int, int, Act], ...] = (
    (362, 9, waiting.accreditation),
    (361, 9, lambda year: doors.subscribe(year.desk)),
    (360, 9, money.neighbours_profile),
    (75, 11, waiting.trainer),
    (50, 18, waiting.card_in_production),
    (11, 18, waiting.refused_invitation),
    (9, 18, waiting.card_to_stop),
    (6, 18, waiting.withheld_trainer),
    (3, 18, waiting.card_to_examine),
    (2, 18, waiting.correction),
    (2, 18, waiting.identity_document),
    (1, 18, waiting.strangers),
    (1, 18, waiting.faulty_document),
    (1, 18, waiting.certificate),
    (1, 18, waiting.send_lost_file),
    (1, 18, waiting.draft),
    (1, 18, waiting.send_first_table),
)
#: What is done today, at this very moment.
TODAY: tuple[Act, ...] = (waiting.fail_lost_file, waiting.check_first_table, money.make_due)


def load() -> bool:
    """Write the year where it is wanted, and answer whether it was: on the demonstration's people (`demonstration.load`),
    as long as nobody has registered or begun anything there. Its work waits for a worker that starts, or for a bell.

    Raises `demonstration.NotInProduction`.
    """
    demonstration.refuse_in_production()
    if not is_wanted():
        return False
    with collector_paused(), whole():
        _write()
    return True


def is_wanted() -> bool:
    """Tell whether the year is asked for (SEED) and there is a demonstration that nobody has touched to write it on."""
    if current_app.config["SEED"] != YEAR or clock.today() < demonstration.SINCE + SHORTEST:
        return False
    has_demonstration = exists().where(Centre.siret == plan.DEMO)
    is_touched = exists().where(Batch.id > 0) | exists().where(Trainer.id > 0)
    return bool(db.session.scalar(select(has_demonstration & ~is_touched)))


def _write() -> None:
    now, year = clock.now(), Year(clock.today(), doors.desk(), passwords.hash_of(demonstration.PASSWORD))
    for at, act in sorted(_steps(year), key=lambda step: step[0]):
        with clock.moved(min(at, now)):
            act(year)
    for act in TODAY:
        act(year)
    outbox.put_behind()


def _steps(year: Year) -> list[tuple[datetime, Act]]:
    """Return what happens when, in no order but that of the acts of one instant."""
    earliest = datetime.combine(demonstration.SINCE, time(9), clock.PARIS)
    acts = [(max(plan.at_work(year.today, back, hour), earliest), act) for back, hour, act in ACTS]
    sessions = plan.sessions(year.today, demonstration.SINCE)
    registered = [(session.at, partial(_register, session=session)) for session in sessions]
    return [*acts, *registered, *_accounts(year, sessions)]


def _register(year: Year, session: Session) -> None:
    year.batches[session.siret, session.back] = doors.register(year.desk, session).id


def _accounts(year: Year, sessions: list[Session]) -> list[tuple[datetime, Act]]:
    """Return the accounts that trainees open some days after their first training, with the code of its receipt."""
    first: dict[Trainee, Session] = {}
    for session in sessions:
        for line in session.lines:
            first.setdefault(line.trainee, session)
    return [
        (at, partial(_open, trainee=trainee, siret=session.siret))
        for trainee, session in first.items()
        if trainee.account_after and (at := _evening(session.at, trainee.account_after)).date() < year.today
    ]


def _open(year: Year, trainee: Trainee, siret: str) -> None:
    doors.prove(year.desk, trainee, doors.open_account(trainee, year.password_hash), siret)


def _evening(at: datetime, days: int) -> datetime:
    return datetime.combine(at.date() + timedelta(days=days), time(19, 30), clock.PARIS)
