"""What the lines of a receipt were registered under, and which lines that were sent are not on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from app.extensions import db
from app.models import Batch, BatchLine, ImportFile, Registration, Training
from app.models.batch import ASIDE_RANK, FILE, INFORMATION_RANK
from app.models.catalogue import full_label
from app.validators.file import unread_sheets
from app.validators.remark import Code, decode_remarks

#: Lines left out that are named one by one.
NAMED = 20


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A line that was sent and not registered: whose, and the line it repeats; None for one that was set aside at will."""

    number: int
    name: str
    repeats: int | None


@dataclass(frozen=True)
class Trace:
    """What the lines were registered under; the first few of each. ``trainings``: label and last day. ``sheet``, ``unread``:
    of a file, where they came from and what is to be said of other sheets that hold lines. ``left_out``: the first of them.
    """

    trainings: list[tuple[str, date]]
    order_numbers: list[str]
    references: list[str]
    left_out: list[LeftOut]
    sheet: str = ""
    unread: str = ""


def trace(batch: Batch) -> Trace:
    """Return what a registered batch was registered under; a few queries whatever its size."""
    file = db.session.get(ImportFile, batch.id) if batch.mode == FILE else None
    told = (file.sheet, unread_sheets(file.sheet, file.other_sheets)) if file else ()
    order_numbers, references = (
        _distinct(batch.id, column) for column in (Registration.order_number, Registration.reference)
    )
    return Trace(_trainings(batch.id), order_numbers, references, _left_out(batch), *told)


def _trainings(batch_id: int, limit: int = 4) -> list[tuple[str, date]]:
    columns = Training.label, Training.category, Registration.end_date
    query = select(*columns).join(Registration.training).where(Registration.batch_id == batch_id).distinct()
    rows = db.session.execute(query.order_by(*columns).limit(limit))
    return [(full_label(label, category), end_date) for label, category, end_date in rows]


def _left_out(batch: Batch) -> list[LeftOut]:
    """Return the first lines that were sent and not registered: those that repeat another, those set aside."""
    summary, line = batch.summary or {}, BatchLine
    repeated = (line.rank == INFORMATION_RANK) & line.remarks.contains(Code.IDENTICAL_LINE.value)
    has_repeated = summary.get("lines", 0) > summary.get("kept", 0)
    if not has_repeated and batch.mode != FILE:
        return []
    which = repeated | (line.rank == ASIDE_RANK) if has_repeated else line.rank == ASIDE_RANK
    query = select(line).where(line.batch_id == batch.id, which).order_by(line.number).limit(NAMED + 1)
    return [
        LeftOut(row.number, f"{row.last_name} {row.first_name}", _repeats(row)) for row in db.session.scalars(query)
    ]


def _repeats(row: BatchLine) -> int | None:
    others = [remark.other_line for remark in decode_remarks(row.remarks) if remark.code is Code.IDENTICAL_LINE]
    return others[0] if others else None


def _distinct(batch_id: int, column: InstrumentedAttribute[str], limit: int = 4) -> list[str]:
    query = select(column).where(Registration.batch_id == batch_id, column != "").distinct()
    return list(db.session.execute(query.order_by(column).limit(limit)).scalars())
