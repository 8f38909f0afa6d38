"""What « Mes sessions » shows of a centre's own work: drafts to take up again, last registrations, prices of today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import Batch, BatchLine, Registration, Training
from app.models.batch import MANUAL, OPEN_STATES
from app.models.catalogue import COMPLETE_FCO, FCO_MODULE, LONG
from app.services.core import clock
from app.services.reference import pricing

from . import batches

#: The three steps of the path by hand, numbered from 1 on screen.
TRAINING_STEP, DRIVERS_STEP, CHECKS_STEP = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Draft:
    """A batch typed by hand that can be taken up again. ``step``: the one to go back to; ``lines``: how many it holds."""

    batch: Batch
    lines: int
    step: int


@dataclass(frozen=True, slots=True)
class Prices:
    """Amounts in force today, in euros excluding VAT, as the price sentence of the reference document names them."""

    long: Decimal
    complete_fco: Decimal
    module: Decimal


def step_of(batch: Batch, lines: int) -> int:
    """Return the first step that is not valid yet: no training, no line, else the checks."""
    if batch.training_id is None:
        return TRAINING_STEP
    return CHECKS_STEP if lines else DRIVERS_STEP


def resumable(centre_id: int, limit: int = 20) -> list[Draft]:
    """Return the centre's drafts by hand, the latest first; one where nothing was chosen yet holds nothing to resume."""
    lines = select(func.count()).where(BatchLine.batch_id == Batch.id).scalar_subquery()
    query = (
        select(Batch, lines)
        .options(joinedload(Batch.training))
        .where(Batch.centre_id == centre_id, Batch.mode == MANUAL, Batch.state.in_(OPEN_STATES))
        .where(Batch.training_id.is_not(None))
        .order_by(Batch.updated_at.desc())
        .limit(limit)
    )
    return [Draft(batch, count, _resumed_at(batch, count)) for batch, count in db.session.execute(query)]


def _resumed_at(batch: Batch, lines: int) -> int:
    """Return the step to resume at: step 3 only once « Vérifier » was asked for, so that typing goes on in step 2."""
    step = step_of(batch, lines)
    return DRIVERS_STEP if step == CHECKS_STEP and batch.checked_version is None else step


def last_registered(centre_id: int, limit: int = 5) -> list[Batch]:
    """Return the centre's last registered batches, whatever their door, the latest first."""
    query = batches.latest(Batch.centre_id == centre_id).options(joinedload(Batch.training)).limit(limit)
    return list(db.session.execute(query).scalars())


@dataclass(frozen=True, slots=True)
class Session:
    """A session registered by hand: its training and end date, order number and reference of its last line, as typed."""

    training: Training
    end_date: date
    order_number: str
    reference: str


def last_session(centre_id: int, person_id: int) -> Session | None:
    """Return the session that a person registered last by hand for a centre; None without any."""
    return _session(Batch.centre_id == centre_id, Batch.registered_by_id == person_id)


def same_session(batch: Batch) -> Session | None:
    """Return the session of the same training and end date that this batch's centre registered last by hand."""
    own = (Batch.centre_id == batch.centre_id, Batch.training_id == batch.training_id, Batch.end_date == batch.end_date)
    return _session(*own)


def _session(*conditions: ColumnElement[bool]) -> Session | None:
    batch = db.session.scalar(batches.latest(*conditions, Batch.mode == MANUAL).limit(1))
    if batch is None or batch.training is None or batch.end_date is None:
        return None
    typed = select(Registration.order_number, Registration.reference).where(Registration.batch_id == batch.id)
    line = db.session.execute(typed.order_by(Registration.line_number.desc()).limit(1)).first()
    order, reference = line.tuple() if line else ("", "")
    return Session(batch.training, batch.end_date, order, reference or "")


def prices() -> Prices | None:
    """Return today's prices, or None while a class of trainings has none."""
    known = pricing.class_prices(clock.today())
    if not {LONG, COMPLETE_FCO, FCO_MODULE} <= known.keys():
        return None
    return Prices(*(known[name].amount for name in (LONG, COMPLETE_FCO, FCO_MODULE)))
