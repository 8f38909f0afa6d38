"""Registrations over time and by training. Those of all centres are counted by night; a page adds what came, and takes off what
was cancelled, since: what it reads does not grow with the register, and what it shows is exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Date, delete, func, insert, literal, or_, select, union_all

from app.extensions import db
from app.models import Batch, DayVolume, Registration, Training
from app.services.billing.months import MONTHS
from app.services.core import clock
from app.services.core.transaction import transaction

R, V = Registration, DayVolume
#: Months of the trend, the current one included.
SPAN = 12
#: A day is counted by night once no act that began in it can still be under way.
CLOSED = timedelta(days=2)
#: Registrations by legal day and training.
Days = Mapping[tuple[date, int], int]


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the trend: its first day and how many registrations it holds."""

    first: date
    count: int

    @property
    def name(self) -> str:
        """Return « janvier »."""
        return MONTHS[self.first.month - 1]


@dataclass(frozen=True, slots=True)
class TrainingCount:
    """Registrations of one training, this month and this year."""

    label: str
    month: int
    year: int


@dataclass(frozen=True)
class Volumes:
    """Registrations over time and by training; the last month of the trend is the current one."""

    trend: list[Month]
    trainings: list[TrainingCount]
    today: int

    @property
    def this_month(self) -> Month:
        """Return the current month."""
        return self.trend[-1]

    @property
    def last_month(self) -> Month:
        """Return the month before."""
        return self.trend[-2]

    @property
    def year(self) -> int:
        """Return the registrations of this year."""
        return sum(one.year for one in self.trainings)


def of_centre(centre_id: int) -> Volumes:
    """Return the volumes of a centre, today, as its index counts them."""
    first, today = _window()
    query = select(R.registered_on, R.training_id, func.count()).group_by(R.registered_on, R.training_id)
    own = (R.centre_id == centre_id, R.registered_on >= first, R.registered_on <= today, R.live())
    rows = db.session.execute(query.where(*own))
    return _volumes({(day, training_id): count for day, training_id, count in rows})


def of_all() -> Volumes:
    """Return the volumes of all centres, today."""
    rows = _live(_window()[0], (V.day, V.training_id), (R.registered_on, R.training_id))
    return _volumes({(day, training_id): count for day, training_id, count, _ in rows})


def month_by_mode() -> dict[str, tuple[int, Decimal]]:
    """Return this month's registrations of all centres: mode → how many, and their amount in euros excluding VAT."""
    # Looked up by row: few came since the last night, of many batches.
    mode = select(Batch.mode).where(Batch.id == R.batch_id).scalar_subquery()
    rows = _live(month_start(clock.today()), (V.mode,), (mode.label("mode"),))
    return {mode: (count, amount) for mode, count, amount in rows}


def count_days() -> None:
    """Count the closed days of the trend anew; by night. Whatever was counted before is replaced."""
    first, today = _window()
    keys = R.registered_on, R.training_id, Batch.mode
    counted = (
        select(*keys, func.count(), func.sum(R.price), literal(today, Date))
        .join(Batch, Batch.id == R.batch_id)
        .where(R.registered_on.between(first, today - CLOSED), or_(R.cancelled_on.is_(None), R.cancelled_on >= today))
        .group_by(*keys)
    )
    with transaction():
        db.session.execute(delete(V))
        db.session.execute(
            insert(V).from_select(["day", "training_id", "mode", "count", "amount", "counted_on"], counted)
        )


def _live(first: date, kept: Sequence[Any], lived: Sequence[Any]) -> Sequence[Any]:
    """Return how many registrations of all centres stand since a day, with their amount, by columns of the counted days
    (``kept``) and the same of the registrations themselves (``lived``).
    """
    today = clock.today()
    counted = db.session.execute(select(V.day, V.counted_on).order_by(V.day.desc()).limit(1)).first()
    last, counted_on = counted or (first - timedelta(days=1), today)
    last = min(last, today)
    own = select(*lived).select_from(R)
    since = R.registered_on > last, R.registered_on >= first, R.registered_on <= today, R.live()
    parts = union_all(
        select(*kept, V.count, V.amount).where(V.day.between(first, last)),
        own.add_columns(literal(-1), -R.price).where(
            R.cancelled_on >= counted_on, R.registered_on.between(first, last)
        ),
        own.add_columns(literal(1), R.price).where(*since),
    ).subquery()
    *keys, count, amount = parts.c
    return db.session.execute(select(*keys, func.sum(count), func.sum(amount)).group_by(*keys)).all()


def month_start(day: date, back: int = 0) -> date:
    """Return the first day of the month, or of the one so many months before."""
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)


def _window() -> tuple[date, date]:
    """Return the first day of the trend, and today."""
    today = clock.today()
    return month_start(today, SPAN - 1), today


def _volumes(days: Days) -> Volumes:
    today = clock.today()
    on_today = sum(count for (day, _), count in days.items() if day == today)
    return Volumes(_trend(days, today), _by_training(days, today), on_today)


def _trend(days: Days, today: date) -> list[Month]:
    counts: Counter[date] = Counter()
    for (day, _), count in days.items():
        counts[month_start(day)] += count
    firsts = [month_start(today, back) for back in range(SPAN - 1, -1, -1)]
    return [Month(first, counts[first]) for first in firsts]


def _by_training(days: Days, today: date) -> list[TrainingCount]:
    """Return the trainings registered this year, in the order of the catalogue."""
    month: Counter[int] = Counter()
    year: Counter[int] = Counter()
    for (day, training_id), count in days.items():
        year[training_id] += count if day.year == today.year else 0
        month[training_id] += count if day >= month_start(today) else 0
    trainings = db.session.execute(select(Training).order_by(Training.id)).scalars()
    return [TrainingCount(one.full_label, month[one.id], year[one.id]) for one in trainings if year[one.id]]
