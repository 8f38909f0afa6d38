"""What the dashboards count: for a centre its own, for agents everything. A few queries, whatever the number of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import selectinload

from app.extensions import db
from app.models import Accreditation, Batch, BatchLine, Driver, Registration, Training
from app.models.batch import CANCELLED, FILE, IN_ERROR, MANUAL, MODE_NAMES, OPEN_STATES
from app.services.billing.months import MONTHS
from app.services.core import clock, narrowing
from app.services.core.dialect import on_postgresql
from app.services.reference import accreditations
from app.validators.remark import Code, Remark, Severity, kind_sentence

from . import waiting

R = Registration
#: Months of the trend, the current one included.
SPAN = 12
#: Errors are counted in what was checked in the last so many days.
RECENT = timedelta(days=30)
#: Beyond, « plus de … » is said.
MANY = 1_000


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


@dataclass(frozen=True)
class CentreDesk:
    """What a centre's dashboard shows; amounts in euros excluding VAT. ``expiring``: accreditations with days left."""

    volumes: Volumes
    billed: Decimal
    drafts: int
    draft_lines: int
    imports_in_error: int
    lines_in_error: int
    without_account: int
    expiring: list[tuple[Accreditation, int]]


@dataclass(frozen=True)
class AgentDesk:
    """What the agents' dashboard shows.

    ``waiting``: « À traiter », anchor → count; ``errors``: sentence, lines.
    """

    volumes: Volumes
    billed: Decimal
    centres: int
    modes: list[tuple[str, int]]
    waiting: dict[str, int]
    errors: list[tuple[str, int]]

    @property
    def to_handle(self) -> int:
        """Return how many things wait for an agent."""
        return sum(self.waiting.values())


def centre_desk(centre_id: int) -> CentreDesk:
    """Return the dashboard of a centre, today."""
    drafts, draft_lines = _drafts(centre_id)
    files, lines = _in_error(centre_id)
    this_month = R.registered_on >= month_start(clock.today())
    billed = select(func.sum(R.price)).where(R.centre_id == centre_id, this_month, R.live())
    return CentreDesk(
        volumes(R.centre_id == centre_id),
        db.session.scalar(billed) or Decimal("0.00"),
        drafts,
        draft_lines,
        files,
        lines,
        without_account(centre_id),
        expiring(centre_id),
    )


def agent_desk() -> AgentDesk:
    """Return the dashboard of the agents, today."""
    modes, centres, billed = _month_by_mode()
    return AgentDesk(volumes(), billed, centres, modes, waiting.counts(), frequent_errors())


def month_start(day: date, back: int = 0) -> date:
    """Return the first day of the month, or of the one so many months before."""
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)


def volumes(*conditions: ColumnElement[bool]) -> Volumes:
    """Count the registrations of the last twelve months, by month and by training; two queries, one answered by an index."""
    today = clock.today()
    first = month_start(today, SPAN - 1)
    query = (
        select(R.registered_on, R.training_id, func.count())
        .where(R.registered_on >= first, R.registered_on <= today, R.live(), *conditions)
        .group_by(R.registered_on, R.training_id)
    )
    rows = db.session.execute(query).tuples().all()
    return Volumes(_trend(rows, today), _by_training(rows, today), sum(count for day, _, count in rows if day == today))


def without_account(centre_id: int) -> int:
    """Return how many drivers of a centre have no account, « more than » beyond MANY."""
    query = select(R.driver_id).join(Driver, Driver.id == R.driver_id)
    return narrowing.up_to(MANY, query.where(R.centre_id == centre_id, R.live(), Driver.person_id.is_(None)).distinct())


def expiring(centre_id: int) -> list[tuple[Accreditation, int]]:
    """Return the centre's accreditations that end or are withdrawn within 90 days, soonest first, with the days left."""
    today = clock.today()
    soon = today + timedelta(days=accreditations.SOON)
    a = Accreditation
    query = (
        select(a)
        .options(selectinload(a.trainings))
        .where(a.centre_id == centre_id, (a.valid_to <= soon) | (a.withdrawn_on <= soon + timedelta(days=1)))
        .order_by(a.number)
    )
    ends = [(one, one.last_day) for one in db.session.execute(query).scalars()]
    left = [(one, (last - today).days) for one, last in ends if last and last >= today]
    return sorted(left, key=lambda pair: pair[1])


def frequent_errors(limit: int = 8) -> list[tuple[str, int]]:
    """Return the errors that stand in the reports of the last 30 days, the most frequent first, with their lines."""
    pair = _kinds()
    query = (
        select(pair.c.key, func.sum(db.cast(pair.c.value, db.Integer)))
        .select_from(Batch)
        .join(pair, db.true())
        .where(Batch.checked_at >= clock.now() - RECENT, Batch.state.in_((IN_ERROR, CANCELLED)))
        .group_by(pair.c.key)
    )
    counts = Counter({kind: int(lines) for kind, lines in db.session.execute(query).tuples() if _is_error(kind)})
    return [(kind_sentence(kind), lines) for kind, lines in counts.most_common(limit)]


def _kinds() -> Any:
    """Return the kinds of a batch's remarks as a table of key and value, in the words of each base."""
    if on_postgresql():
        return func.jsonb_each_text(Batch.summary["kinds"]).table_valued("key", "value").lateral()
    return func.json_each(Batch.summary, "$.kinds").table_valued("key", "value")


def _is_error(kind: str) -> bool:
    name = kind.split(":", 1)[0]
    return name in set(Code) and Remark(Code(name)).severity is Severity.ERROR


def _trend(rows: Iterable[Sequence[Any]], today: date) -> list[Month]:
    counts: Counter[date] = Counter()
    for day, _, count in rows:
        counts[month_start(day)] += count
    firsts = [month_start(today, back) for back in range(SPAN - 1, -1, -1)]
    return [Month(first, counts[first]) for first in firsts]


def _by_training(rows: Iterable[Sequence[Any]], today: date) -> list[TrainingCount]:
    """Return the trainings registered this year, in the order of the catalogue."""
    month: Counter[int] = Counter()
    year: Counter[int] = Counter()
    for day, training_id, count in rows:
        year[training_id] += count if day.year == today.year else 0
        month[training_id] += count if day >= month_start(today) else 0
    trainings = db.session.execute(select(Training).order_by(Training.id)).scalars()
    return [TrainingCount(one.full_label, month[one.id], year[one.id]) for one in trainings if year[one.id]]


def _drafts(centre_id: int) -> tuple[int, int]:
    """Return how many drafts by hand may be taken up again, and their lines."""
    own = (
        Batch.centre_id == centre_id,
        Batch.mode == MANUAL,
        Batch.state.in_(OPEN_STATES),
        Batch.training_id.is_not(None),
    )
    lines = select(func.count()).select_from(BatchLine).join(Batch, Batch.id == BatchLine.batch_id).where(*own)
    row = db.session.execute(select(func.count(), lines.scalar_subquery()).select_from(Batch).where(*own)).one()
    return row[0], row[1]


def _in_error(centre_id: int) -> tuple[int, int]:
    """Return how many imports of a centre are in error, and their lines in error."""
    query = select(Batch.summary["errors"].as_integer()).where(
        Batch.centre_id == centre_id, Batch.mode == FILE, Batch.state == IN_ERROR
    )
    counts = list(db.session.execute(query).scalars())
    return len(counts), sum(count or 0 for count in counts)


def _month_by_mode() -> tuple[list[tuple[str, int]], int, Decimal]:
    """Return this month's registrations by mode, the centres that registered, the amount billed; one query."""
    query = (
        select(Batch.mode, R.centre_id, func.count(), func.sum(R.price))
        .join(Batch, Batch.id == R.batch_id)
        .where(R.registered_on >= month_start(clock.today()), R.live())
        .group_by(Batch.mode, R.centre_id)
    )
    rows = db.session.execute(query).tuples().all()
    counts = Counter(dict.fromkeys(MODE_NAMES, 0))
    for mode, _, count, _ in rows:
        counts[mode] += count
    billed = sum((amount for *_, amount in rows), Decimal("0.00"))
    return [(MODE_NAMES[mode], counts[mode]) for mode in MODE_NAMES], len({centre for _, centre, *_ in rows}), billed
