"""Correcting a report in place: one cell, one value everywhere, a line set aside; and « Défaire ». Only what may change is
judged again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select

from app.extensions import db
from app.models import Batch, BatchLine, ImportFile
from app.models.batch import ASIDE_RANK, ERROR_RANK
from app.services.core import bulk
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.registration import analysis, facts
from app.validators.context import Suggestion
from app.validators.line import RawLine
from app.validators.reading import parse_lines
from app.validators.remark import EMAIL, FIELDS

from . import remembered
from .rejudging import count_lines, judge_again, lock
from .remembered import Act

#: A value longer than this is refused before it is kept.
MAX_TEXT = 1000
#: More lines than this are judged with the whole report, which is quicker.
FEW = 500


class NoSuchLine(Refusal):
    """The line is not in this batch."""

    message = "Cette ligne n’existe pas dans le rapport."


class NothingToCorrect(Refusal):
    """The field or the value cannot be corrected so."""

    message = "Cette valeur ne peut pas être corrigée ici."


class NothingToUndo(Refusal):
    """No act on this report is remembered."""

    message = "Il n’y a plus de correction à défaire."


class Undone(NamedTuple):
    """The act taken back, and the numbers of the lines that changed by it."""

    act: Act
    changed: list[int]


def correct_cell(
    batch_id: int, number: int, field: str, value: str, person_id: int, *, everywhere: bool = False
) -> list[int]:
    """Replace one cell, or ``everywhere`` its value in the same column; judge anew the lines concerned and those they speak of,
    and return the numbers of the lines that changed.

    The value that stands there already changes nothing; of one that came as a number it says that it is right.
    Raises `batches.BatchClosed`, :class:`NoSuchLine` or :class:`NothingToCorrect`.
    """
    if field not in (*FIELDS, EMAIL) or len(value) > MAX_TEXT or (field == EMAIL and everywhere):
        raise NothingToCorrect
    with transaction():
        batch = lock(batch_id)
        row = _line(batch_id, number)
        before = getattr(row, field)
        if value == before and field not in row.not_text.split():
            db.session.rollback()
            return []
        act, found = _put(
            batch, person_id, _alike(field, before) if everywhere else [BatchLine.number == number], field, value
        )
        remembered.remember(_file(batch), act)
        if everywhere:
            _journal_value(batch, person_id, act, {field: before})
        else:
            old, new = ({"line": number, field: _noted(field, text)} for text in (before, value))
            _journal(batch, person_id, "line.corrected", before=old, after=new)
    return found


def others(batch_id: int, number: int, field: str) -> int:
    """Return how many other lines bear the value of this cell in the same column; lines set aside are not counted.

    An address is one person's: no other line is to have it.
    """
    if field == EMAIL:
        return 0
    value = db.session.scalar(
        select(getattr(BatchLine, field)).where(BatchLine.batch_id == batch_id, BatchLine.number == number)
    )
    same = (BatchLine.batch_id == batch_id, BatchLine.number != number, *_alike(field, value or ""))
    return db.session.scalar(select(func.count()).select_from(BatchLine).where(*same)) or 0


def set_aside(batch_id: int, number: int, aside: bool, person_id: int) -> list[int]:
    """Leave a line out of the import, or take it back; return the numbers of the lines that changed.

    Raises `batches.BatchClosed` or :class:`NoSuchLine`.
    """
    with transaction():
        batch = lock(batch_id)
        row = _line(batch_id, number)
        if row.set_aside == aside:
            return []
        found = _aside(batch, row, aside, person_id)
        remembered.remember(_file(batch), Act("", "", "1" if aside else "", [(number, number)]))
        action = "line.set_aside" if aside else "line.taken_back"
        _journal(batch, person_id, action, after={"line": number})
    return found


def undo(batch_id: int, person_id: int) -> Undone:
    """« Défaire »: take back the last act that still stands in the lines it concerned; lines changed since keep what they bear.

    Raises `batches.BatchClosed` or :class:`NothingToUndo`.
    """
    with transaction():
        batch = lock(batch_id)
        act = remembered.last(_file(batch))
        if act is None:
            raise NothingToUndo
        remembered.forget_last(_file(batch))
        if act.field:
            numbers = {number for first, last in act.lines for number in range(first, last + 1)}
            typed = {number for first, last in act.as_numbers for number in range(first, last + 1)}
            where = _alike(act.field, act.after)
            _, found = _put(batch, person_id, where, act.field, act.before, only=numbers, as_numbers=typed)
        else:
            row = _line(batch_id, act.lines[0][0])
            found = [] if row.set_aside != bool(act.after) else _aside(batch, row, not act.after, person_id)
        told = {act.field: _noted(act.field, act.before)} if act.field else {"aside": not act.after}
        _journal(batch, person_id, "correction.undone", after={**told, "lines": remembered.count(act)})
    return Undone(act, found)


def suggestions(batch: Batch, limit: int = 20) -> list[tuple[str, str, Suggestion, int]]:
    """Return « Vouliez-vous dire … ? »: label typed, category typed, what was clearly meant, and in how many lines.

    Only among lines with an error; the most frequent first.
    """
    c = BatchLine
    catalogue = facts.load_catalogue()
    typed = db.session.execute(
        select(c.training_label, c.category, func.count())
        .where(c.batch_id == batch.id, c.rank == ERROR_RANK)
        .group_by(c.training_label, c.category)
        .order_by(func.count().desc())
        .limit(500)
    )
    found = ((label, category, catalogue.suggest(label, category), count) for label, category, count in typed)
    return [(label, category, meant, count) for label, category, meant, count in found if meant][:limit]


def correct_value(batch_id: int, label: str, category: str, person_id: int) -> int:
    """Take the suggestion for a label and a category as typed, in all the lines that bear them; return how many.

    Raises `batches.BatchClosed` or :class:`NothingToCorrect` when nothing is suggested.
    """
    with transaction():
        batch = lock(batch_id)
        meant = facts.load_catalogue().suggest(label, category)
        if meant is None:
            raise NothingToCorrect
        c = BatchLine
        bearing = [_in_form(c.training_label) == _in_form(label), _in_form(c.category) == _in_form(category)]
        act, _ = _put(batch, person_id, [*bearing, c.set_aside.is_(False)], meant.field, meant.value)
        if not act.lines:
            raise NothingToCorrect
        remembered.remember(_file(batch), act)
        _journal_value(batch, person_id, act, {"training_label": label, "category": category})
    return remembered.count(act)


def _put(
    batch: Batch,
    person_id: int,
    where: Sequence[ColumnElement[bool]],
    field: str,
    value: str,
    *,
    only: Collection[int] | None = None,
    as_numbers: Collection[int] = (),
) -> tuple[Act, list[int]]:
    """Put a value into a column of lines, in bulk, and judge anew what that may change; return the act and the lines changed.

    ``only``: numbers beyond which nothing is touched; ``as_numbers``: lines whose cell is again one that came as a number.
    """
    c = BatchLine
    query = select(c.group_key, c.number, *(getattr(c, name) for name in FIELDS), c.not_text, c.email)
    rows = db.session.execute(query.where(c.batch_id == batch.id, *where).order_by(c.number)).all()
    concerned = [row for row in rows if only is None or row.number in only]
    raws = [_changed(row, field, value, row.number in as_numbers) for row in concerned]
    lines = parse_lines(raws, facts.load_catalogue())
    changes = [(batch.id, line.raw.number, value, line.raw.not_text, line.group) for line in lines]
    bulk.update_rows(c.__table__, ("batch_id", "number"), (field, "not_text", "group_key"), changes)
    db.session.expire_all()
    numbers = {row.number for row in concerned}
    typed = [row.number for row in concerned if field in row.not_text.split()]
    before = getattr(concerned[0], field) if concerned else ""
    act = Act(field, before, value, remembered.spans(numbers), remembered.spans(typed))
    if len(numbers) > FEW:
        analysis.store(batch.id, analysis.analyse(batch, person_id), batch.version)
        return act, sorted(numbers)
    groups = {row.group_key for row in concerned} | {line.group for line in lines}
    return act, judge_again(batch, person_id, groups, always=numbers)


def _changed(row: Any, field: str, value: str, came_as_number: bool) -> RawLine:
    """Return a line with a value in one column, and what its cells came as."""
    marks = [name for name in row.not_text.split() if name != field] + ([field] if came_as_number else [])
    return RawLine._make(row[1:])._replace(**{field: value, "not_text": " ".join(marks)})  # type: ignore[arg-type]


def _aside(batch: Batch, row: BatchLine, aside: bool, person_id: int) -> list[int]:
    number = row.number
    if aside:
        count_lines(batch, [(row.rank, row.remarks)], -1)
        row.rank, row.remarks = ASIDE_RANK, ""
    row.set_aside = aside
    db.session.flush()
    new = set() if aside else {number}
    found = judge_again(batch, person_id, {row.group_key}, always={number}, new=new)
    return sorted({*found, number})


def _alike(field: str, value: str) -> list[ColumnElement[bool]]:
    """Return the condition on lines that bear this value in this column and are to be imported."""
    return [getattr(BatchLine, field) == value, BatchLine.set_aside.is_(False)]


def _in_form(text: Any) -> Any:
    """Return a text, or a column of texts, with each line break as one character: a form sends them its own way."""
    return func.replace(func.replace(text, "\r\n", "\n"), "\r", "\n")


def _file(batch: Batch) -> ImportFile:
    assert batch.file is not None, "only a report by file is locked"
    return batch.file


def _line(batch_id: int, number: int) -> BatchLine:
    row = db.session.get(BatchLine, (batch_id, number), populate_existing=True)
    if row is None:
        raise NoSuchLine
    return row


def _noted(field: str, text: str) -> str | bool:
    """Return what the journal, which keeps all for good, says of a value: of an address, whether there is one."""
    return bool(text) if field == EMAIL else text


def _journal_value(batch: Batch, person_id: int, act: Act, before: dict[str, str]) -> None:
    after = {act.field: act.after, "lines": remembered.count(act)}
    _journal(batch, person_id, "value.corrected", before=before, after=after)


def _journal(batch: Batch, person_id: int, action: str, **told: Any) -> None:
    journal.record(action, "batch", batch.id, actor_id=person_id, centre_id=batch.centre_id, **told)
