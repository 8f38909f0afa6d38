"""A batch and its lines: the one function that moves its state, reading its lines, cancelling it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

from sqlalchemy import select, update

from app.extensions import db
from app.models import Batch, BatchLine
from app.models.batch import ASIDE_RANK, CANCELLED, MANUAL, OPEN_STATES, TRANSITIONS
from app.services.core import bulk, clock
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.validators.batch import Row
from app.validators.line import RawLine
from app.validators.remark import FIELDS, encode_remarks

LINE_COLUMNS = ("batch_id", "number", *FIELDS, "rank", "remarks", "not_text", "email", "group_key", "set_aside")


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


def insert_lines(batch_id: int, rows: Sequence[Row]) -> None:
    """Write judged lines with what was said of them, inside the caller's transaction, in bulk."""
    bulk.insert_rows(BatchLine.__table__, LINE_COLUMNS, _line_values(batch_id, rows))


def _line_values(batch_id: int, rows: Sequence[Row]) -> Iterator[tuple[object, ...]]:
    """Return the columns of judged lines, in the order of LINE_COLUMNS; false as 0, which is quicker."""
    if not rows:
        return iter(())
    *typed, not_text, emails = zip(*(row.line.raw for row in rows), strict=True)
    # Most remarks are those of many lines, held once: each is looked at and written out once.
    said = {
        id(row.remarks): (row.rank, encode_remarks(row.remarks))
        for row in {id(row.remarks): row for row in rows}.values()
    }
    ranks, remarks = zip(*(said[id(row.remarks)] for row in rows), strict=True)
    groups = [row.line.group for row in rows]
    return zip(repeat(batch_id), *typed, ranks, remarks, not_text, emails, groups, repeat(0))


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
