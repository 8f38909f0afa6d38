"""What the dashboards count: for a centre its own, for agents everything. A few queries, whatever the number of rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from app.extensions import db
from app.models import Accreditation, Batch, BatchLine, Centre, Driver, Registration
from app.models.batch import CANCELLED, FILE, IN_ERROR, MANUAL, MODE_NAMES, OPEN_STATES
from app.services.core import clock, narrowing
from app.services.core.dialect import on_postgresql
from app.services.reference import accreditations
from app.validators.remark import Code, Remark, Severity, kind_sentence

from . import volumes
from .volumes import Volumes

R = Registration
#: Errors are counted in what was checked in the last so many days.
RECENT = timedelta(days=30)
#: Beyond, « plus de … » is said.
MANY = 1_000


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
    """What the agents' dashboard shows beside what waits for them; ``errors``: sentence, lines."""

    volumes: Volumes
    billed: Decimal
    centres: int
    modes: list[tuple[str, int]]
    errors: list[tuple[str, int]]


def centre_desk(centre_id: int) -> CentreDesk:
    """Return the dashboard of a centre, today."""
    drafts, draft_lines = _drafts(centre_id)
    files, lines = _in_error(centre_id)
    this_month = R.registered_on >= volumes.month_start(clock.today())
    billed = select(func.sum(R.price)).where(R.centre_id == centre_id, this_month, R.live())
    return CentreDesk(
        volumes.of_centre(centre_id),
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
    return AgentDesk(volumes.of_all(), billed, centres, modes, frequent_errors())


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
    """Return this month's registrations by mode, the centres that registered, the amount billed."""
    found = volumes.month_by_mode()
    none = 0, Decimal("0.00")
    this_month = R.registered_on >= volumes.month_start(clock.today())
    registers = select(R.id).where(R.centre_id == Centre.id, this_month, R.live()).exists()
    centres = db.session.scalar(select(func.count()).select_from(Centre).where(registers)) or 0
    modes = [(name, found.get(mode, none)[0]) for mode, name in MODE_NAMES.items()]
    return modes, centres, sum((amount for _, amount in found.values()), none[1])
