"""A batch and its lines: the one function that moves its state, reading its lines, cancelling it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, select, update

from app.extensions import db
from app.models import Batch, BatchLine
from app.models.batch import ASIDE_RANK, CANCELLED, MANUAL, OPEN_STATES, REGISTERED, TRANSITIONS
from app.services.core import bulk, clock
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.validators.batch import Row, rank_of, told_by_remarks
from app.validators.line import RawLine, groups_of
from app.validators.remark import FIELDS, encode_remarks

LINE_COLUMNS = ("batch_id", "set_aside", "number", "rank", *FIELDS, "not_text", "email", "remarks", "group_key")


class BatchClosed(Refusal):
    """The batch no longer takes changes: it was registered, cancelled or refused meanwhile."""

    message = "Cet enregistrement n’est plus modifiable : il a été importé ou annulé entre-temps."


def transition(batch_id: int, to: str, *, only_from: tuple[str, ...] = (), **changes: object) -> bool:
    """Move a batch to a state and answer whether it moved; inside the caller's transaction.

    It is a conditional update, so it takes the lock of the row: of two callers at once the second waits for the first's
    commit and then finds the new state. ``only_from`` narrows the states of the transition table that may move.
    """
    sources = [
        state for state, targets in TRANSITIONS.items() if to in targets and (not only_from or state in only_from)
    ]
    return taken(
        update(Batch)
        .where(Batch.id == batch_id, Batch.state.in_(sources))
        .values(state=to, updated_at=clock.machine_now(), **changes)
    )


def latest(*conditions: ColumnElement[bool]) -> Select[Batch]:
    """Return the query of registered batches, the latest first; those of a centre are read in the order of an index."""
    return select(Batch).where(*conditions, Batch.state == REGISTERED).order_by(Batch.registered_at.desc())


@dataclass(frozen=True, slots=True)
class StoredLine:
    """A line as typed, with what the last check wrote on it."""

    line: RawLine
    rank: int
    remarks: str


def stored_lines(batch: Batch) -> list[StoredLine]:
    """Return the lines of a batch in their order; one query. By hand, the training of step 1 stands on every line."""
    c = BatchLine
    query = (
        select(
            c.number,
            c.reference,
            c.order_number,
            c.training_label,
            c.category,
            c.end_date,
            c.first_name,
            c.last_name,
            c.birth_date,
            c.permit_number,
            c.not_text,
            c.email,
            c.rank,
            c.remarks,
        )
        .where(c.batch_id == batch.id, c.set_aside.is_(False))
        .order_by(c.number)
    )
    manual = batch.mode == MANUAL
    return [
        StoredLine(with_training(RawLine(*typed), batch) if manual else RawLine(*typed), rank, remarks)
        for *typed, rank, remarks in db.session.execute(query)
    ]


class LineColumns(NamedTuple):
    """What is kept of judged lines, by column: quicker to hand on than line by line."""

    numbers: Sequence[int]
    ranks: Sequence[int]
    texts: Sequence[Sequence[str]]
    """The columns of texts, in the order of LINE_COLUMNS."""


def insert_lines(batch_id: int, rows: Sequence[Row]) -> None:
    """Write judged lines with what was said of them, inside the caller's transaction, in bulk."""
    if rows:
        insert_columns(batch_id, columns_of(rows))


def insert_columns(batch_id: int, columns: LineColumns) -> None:
    """Write what is kept of judged lines, inside the caller's transaction, in bulk."""
    constant = repeat(batch_id, len(columns.numbers)), repeat(0, len(columns.numbers))  # false as 0, which is quicker
    values = zip(*constant, columns.numbers, columns.ranks, *columns.texts, strict=True)
    bulk.insert_rows(BatchLine.__table__, LINE_COLUMNS, values)


def columns_of(rows: Sequence[Row]) -> LineColumns:
    """Return what is kept of judged lines, of one at least."""
    numbers, *typed = zip(*(row.line.raw for row in rows), strict=True)
    said = told_by_remarks(rows, lambda remarks: (rank_of(remarks), encode_remarks(remarks)))
    ranks, remarks = zip(*said, strict=True)
    return LineColumns(numbers, ranks, [*typed, remarks, groups_of(row.line for row in rows)])


def forget_addresses_aside(batch_id: int) -> None:
    """Erase the addresses of the lines set aside, inside the caller's transaction: nobody will be invited to them."""
    aside = BatchLine.batch_id == batch_id, BatchLine.rank == ASIDE_RANK, BatchLine.email != ""
    db.session.execute(update(BatchLine).where(*aside).values(email="").execution_options(synchronize_session=False))


def with_training(line: RawLine, batch: Batch) -> RawLine:
    """Return the line with the label, category and end date chosen in step 1."""
    training, end = batch.training, batch.end_date
    return line._replace(
        training_label=training.label if training else "",
        category=training.category if training else "",
        end_date=f"{end:%d/%m}/{end.year:04d}" if end else "",
    )


def cancel(batch_id: int, person_id: int) -> None:
    """Cancel a batch: its lines are deleted. Raise :class:`BatchClosed` when it is registered already."""
    with transaction():
        if not transition(batch_id, CANCELLED):
            raise BatchClosed
        batch = db.session.get_one(Batch, batch_id)
        db.session.execute(BatchLine.__table__.delete().where(BatchLine.batch_id == batch_id))
        journal.record("batch.cancelled", "batch", batch_id, actor_id=person_id, centre_id=batch.centre_id)


def drafts(centre_id: int, mode: str, limit: int = 20) -> list[Batch]:
    """Return the centre's batches that can be taken up again, the latest first."""
    query = select(Batch).where(Batch.centre_id == centre_id, Batch.mode == mode, Batch.state.in_(OPEN_STATES))
    return list(db.session.execute(query.order_by(Batch.updated_at.desc()).limit(limit)).scalars())
