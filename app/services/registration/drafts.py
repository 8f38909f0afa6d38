"""Registering by hand: the training of step 1, the lines of step 2, each kept at once. The draft lives in the base."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, delete, func, select, update

from app.extensions import db
from app.models import Batch, BatchLine, Training
from app.models.batch import DRAFT, MANUAL, OPEN_STATES
from app.services.core import bulk, clock
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.rights.access import Reach
from app.validators.batch import Row, check_batch
from app.validators.context import Training as CatalogueEntry
from app.validators.fields import clean
from app.validators.line import RawLine
from app.validators.reading import parse_lines
from app.validators.remark import EMAIL, Remark, Severity, encode_remarks

from . import analysis, batches, facts

#: The six fields of step 2; the training's three come from step 1.
LINE_FIELDS = ("reference", "order_number", "first_name", "last_name", "birth_date", "permit_number")
#: What a line typed or pasted may bear besides: an address to invite the driver at.
TYPED_FIELDS = (*LINE_FIELDS, EMAIL)
#: What is mostly the same on every line of a session.
SHARED_FIELDS = ("order_number", "reference")
#: Beyond this many lines a file is the better door.
MAX_LINES = 2000


class LineRefused(Refusal):
    """The line was not kept: ``remarks`` holds its errors."""

    def __init__(self, remarks: Sequence[Remark]) -> None:
        super().__init__(remarks[0].message)
        self.remarks = tuple(remarks)


class TooManyLines(Refusal):
    """The draft is full."""

    message = f"Un enregistrement manuel contient au plus {MAX_LINES} lignes. Au-delà, importez un fichier."


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A line kept in the draft: its number and what the rules say of it (informations only)."""

    number: int
    remarks: tuple[Remark, ...]


def start(centre_id: int, person_id: int) -> Batch:
    """Open an empty draft and return it."""
    now = clock.machine_now()
    with transaction():
        batch = Batch(centre_id=centre_id, created_by_id=person_id, mode=MANUAL, created_at=now, updated_at=now)
        db.session.add(batch)
        db.session.flush()
        journal.record("batch.started", "batch", batch.id, actor_id=person_id, centre_id=centre_id)
    return batch


def open_trainings(centre_id: int, day: date, reach: Reach | None = None) -> list[CatalogueEntry]:
    """Return the trainings for which the centre holds an accreditation active on that day, in catalogue order.

    With ``reach``, those only that this person may register.
    """
    catalogue, given = facts.load_catalogue(), facts.load_accreditations(centre_id, reach)
    return [
        entry
        for entry in catalogue.trainings
        if entry.is_valid_on(day) and any(accreditation.covers(entry.id, day) for accreditation in given)
    ]


def training_remarks(batch: Batch, training_id: int, end_date: str, person_id: int | None = None) -> tuple[Remark, ...]:
    """Return what the rules say of a training and an end date as typed, for this centre and person (step 1)."""
    training = db.session.get(Training, training_id)
    raw = RawLine(0, training_label=training.label if training else "", category=training.category if training else "")
    row = _judge(batch, [raw._replace(end_date=end_date)], person_id)[0]
    return tuple(r for r in row.remarks if r.field in ("training_label", "category", "end_date"))


def choose_training(batch_id: int, training_id: int, end_date: str, person_id: int | None = None) -> None:
    """Keep the training of step 1; raise :class:`LineRefused` when a rule objects to it on that date."""
    with transaction():
        batch = _open(batch_id)
        if remarks := training_remarks(batch, training_id, end_date, person_id):
            raise LineRefused(remarks)
        entry = parse_lines([RawLine(0, end_date=end_date)], facts.load_catalogue())[0]
        if (batch.training_id, batch.end_date) != (training_id, entry.end_date):
            _touch(batch_id, training_id=training_id, end_date=entry.end_date)


def judge_line(batch: Batch, values: Mapping[str, str], person_id: int | None = None) -> tuple[Remark, ...]:
    """Return what the rules say of one line typed for this batch; keeps nothing of it."""
    with transaction():
        return _judge(batch, [_raw(batch, 0, values)], person_id)[0].remarks


def add_line(batch_id: int, values: Mapping[str, str], person_id: int | None = None) -> KeptLine:
    """Keep one line, judged for a person (`analysis.reach_of`).

    Raises :class:`LineRefused` on an error, :class:`TooManyLines`, or `batches.BatchClosed`.
    """
    return _keep(batch_id, values, None, person_id)


def change_line(batch_id: int, number: int, values: Mapping[str, str], person_id: int | None = None) -> KeptLine:
    """Replace one line; raises as :func:`add_line`, and `KeyError` when the line is not there."""
    return _keep(batch_id, values, number, person_id)


def remove_line(batch_id: int, number: int) -> None:
    """Delete one line; a line already gone is no error (double click)."""
    with transaction():
        _touch(batch_id)
        db.session.execute(delete(BatchLine).where(*_own(batch_id, number)))
        analysis.compare_again(db.session.get_one(Batch, batch_id))


def preview(batch: Batch, rows: Sequence[Mapping[str, str]], person_id: int | None = None) -> list[Row]:
    """Return pasted rows as the rules see them beside the lines of the draft, in their order and under the numbers that they
    would bear; keeps nothing of them.
    """
    with transaction():
        return _judge_rows(batch, rows, person_id, batch.next_number)


def add_rows(batch_id: int, rows: Sequence[Mapping[str, str]], person_id: int | None = None) -> int:
    """Keep pasted rows all at once and return how many; those in error are kept too, marked, to be corrected.

    Raises :class:`TooManyLines` or `batches.BatchClosed`; then none is kept.
    """
    with transaction():
        batch = _open(batch_id)
        first = _reserve(batch, len(rows))
        lines = [_values(row) for row in _judge_rows(batch, rows, person_id, first)]
        if lines:
            db.session.execute(BatchLine.__table__.insert(), [{"batch_id": batch_id, **line} for line in lines])
    return len(lines)


def fill(batch_id: int, values: Mapping[str, str], person_id: int | None = None, *, replace: bool = False) -> int:
    """Give every line of the draft an order number and a reference (SHARED_FIELDS), and return how many lines changed.

    An empty value gives nothing. A line keeps its own, unless they are to be ``replaced``. Raises `batches.BatchClosed`.
    """
    given = {field: values.get(field, "") for field in SHARED_FIELDS if clean(values.get(field, ""))}
    return _rewrite(batch_id, lambda line: _filled(line, given, replace), person_id)


def correct_cells(batch_id: int, cells: Mapping[int, Mapping[str, str]], person_id: int | None = None) -> int:
    """Put values (line number → field → text as typed) into cells of the draft, and return how many lines changed.

    A line still in error is kept, marked; a line no longer there is passed over. Raises `batches.BatchClosed`.
    """

    def typed(line: RawLine) -> dict[str, str]:
        new = cells.get(line.number, {})
        return {field: value for field, value in new.items() if field in LINE_FIELDS and value != getattr(line, field)}

    return _rewrite(batch_id, typed, person_id)


def _rewrite(batch_id: int, changes: Callable[[RawLine], dict[str, str]], person_id: int | None) -> int:
    """Write the lines that change, judged anew, and what that makes of the others; return how many."""
    with transaction():
        _touch(batch_id)
        batch = _open(batch_id)
        stored = [one.line for one in batches.stored_lines(batch)]
        raws = [line._replace(**new) for line in stored if (new := changes(line))]  # type: ignore[arg-type]
        if not raws:
            db.session.rollback()  # the last check still stands
            return 0
        rows = [_values(row) for row in _judge(batch, raws, person_id)]
        written = [(batch_id, *row.values()) for row in rows]
        bulk.update_rows(BatchLine.__table__, ("batch_id", "number"), tuple(rows[0])[1:], written)
        analysis.compare_again(batch)
        db.session.expire_all()
    return len(raws)


def _filled(line: RawLine, given: Mapping[str, str], replace: bool) -> dict[str, str]:
    own = {field: getattr(line, field) for field in given}
    return {f: value for f, value in given.items() if own[f] != value and (replace or not clean(own[f]))}


def check_room(batch_id: int, count: int) -> None:
    """Raise :class:`TooManyLines` where so many lines more would not fit."""
    if line_count(batch_id) + count > MAX_LINES:
        raise TooManyLines


def line_count(batch_id: int) -> int:
    """Return how many lines the batch holds."""
    return db.session.scalar(select(func.count()).select_from(BatchLine).where(BatchLine.batch_id == batch_id)) or 0


def last_line(batch_id: int) -> tuple[str, str] | None:
    """Return reference and order number, as typed, of the line added last; None without any line."""
    query = select(BatchLine.reference, BatchLine.order_number).where(BatchLine.batch_id == batch_id)
    row = db.session.execute(query.order_by(BatchLine.number.desc()).limit(1)).first()
    return (row[0], row[1]) if row else None


def _raw(batch: Batch, number: int, values: Mapping[str, str]) -> RawLine:
    reference, order, first, last, birth, permit = (values.get(field, "") for field in LINE_FIELDS)
    raw = RawLine(number, reference, order, "", "", "", first, last, birth, permit, email=values.get(EMAIL, ""))
    return batches.with_training(raw, batch)


def _judge_rows(batch: Batch, rows: Sequence[Mapping[str, str]], person_id: int | None, first: int) -> list[Row]:
    judged = _judge(batch, [_raw(batch, number, row) for number, row in enumerate(rows, first)], person_id)
    return analysis.beside_the_others(batch, judged)


def _judge(batch: Batch, raws: list[RawLine], person_id: int | None) -> list[Row]:
    catalogue = facts.load_catalogue()
    lines = parse_lines(raws, catalogue)
    known = facts.load(batch.centre_id, clock.today(), catalogue, lines, analysis.reach_of(batch, person_id))
    return sorted(check_batch(lines, known.context).rows, key=lambda row: row.line.number)


def _keep(batch_id: int, values: Mapping[str, str], number: int | None, person_id: int | None) -> KeptLine:
    with transaction():
        batch = _open(batch_id)
        is_new = number is None
        at = _reserve(batch, 1) if number is None else _standing(batch_id, number)
        [row] = _judge_rows(batch, [values], person_id, at)
        if row.severity is Severity.ERROR:
            raise LineRefused([remark for remark in row.remarks if remark.severity is Severity.ERROR])
        if is_new:
            db.session.execute(BatchLine.__table__.insert(), {"batch_id": batch_id, **_values(row)})
        else:
            db.session.execute(update(BatchLine).where(*_own(batch_id, at)).values(**_values(row)))
            analysis.compare_again(batch)
    return KeptLine(at, row.remarks)


def _standing(batch_id: int, number: int) -> int:
    """Return the number of a line that is to change, with the batch locked; raise `KeyError` when it is not there."""
    _touch(batch_id)
    if db.session.scalar(select(BatchLine.number).where(*_own(batch_id, number))) is None:
        raise KeyError(number)
    return number


def _own(batch_id: int, number: int) -> tuple[ColumnElement[bool], ...]:
    return BatchLine.batch_id == batch_id, BatchLine.number == number


def _values(row: Row) -> dict[str, object]:
    """Return the columns of a line of the draft; the training's three stay empty, step 1 holds them."""
    typed = {field: value for field, value in row.line.raw.values().items() if field in LINE_FIELDS}
    return {
        "number": row.line.number,
        **typed,
        "rank": row.rank,
        "remarks": encode_remarks(row.remarks),
        "training_label": "",
        "category": "",
        "end_date": "",
        "not_text": "",
        "email": row.line.raw.email,
    }


def _open(batch_id: int) -> Batch:
    batch = db.session.get_one(Batch, batch_id, populate_existing=True)
    if not batch.is_open:
        raise batches.BatchClosed
    return batch


def _reserve(batch: Batch, count: int) -> int:
    """Reserve line numbers and return the first; the update locks the batch, so two tabs never share a number."""
    check_room(batch.id, count)
    _touch(batch.id, next_number=Batch.next_number + count)
    return int(db.session.scalar(select(Batch.next_number).where(Batch.id == batch.id)) or 1) - count


def _touch(batch_id: int, **changes: object) -> None:
    """Note a change of the batch: the last check no longer stands."""
    touched = taken(
        update(Batch)
        .where(Batch.id == batch_id, Batch.state.in_(OPEN_STATES))
        .values(state=DRAFT, version=Batch.version + 1, updated_at=clock.machine_now(), **changes)
    )
    if not touched:
        raise batches.BatchClosed
