"""Correcting a report in place: one cell, one value everywhere, a line set aside. Only what may change is judged again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select, update

from app.extensions import db
from app.models import Batch, BatchLine, ImportFile
from app.models.batch import ASIDE_RANK, ERROR_RANK, FILE, IN_ERROR, INFORMATION_RANK, OPEN_STATES, READY
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.core.taking import changed
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.registration import analysis, announced, batches, facts
from app.validators.context import Suggestion
from app.validators.line import Line, RawLine
from app.validators.reading import parse_lines
from app.validators.remark import FIELDS, Code, decode_remarks, encode_remarks

#: A value longer than this is refused before it is kept.
MAX_TEXT = 1000


class NoSuchLine(Refusal):
    """The line is not in this batch."""

    message = "Cette ligne n’existe pas dans le rapport."


class NothingToCorrect(Refusal):
    """The field or the value cannot be corrected so."""

    message = "Cette valeur ne peut pas être corrigée ici."


def correct_cell(batch_id: int, number: int, field: str, value: str, person_id: int) -> list[int]:
    """Replace one cell, judge its line and those it speaks of again, and return the numbers of the lines that changed.

    The value that stands there already changes nothing; of one that came as a number it says that it is right.
    Raises `batches.BatchClosed`, :class:`NoSuchLine` or :class:`NothingToCorrect`.
    """
    if field not in FIELDS or len(value) > MAX_TEXT:
        raise NothingToCorrect
    with transaction():
        batch = _lock(batch_id)
        row = _line(batch_id, number)
        before, groups = getattr(row, field), {row.group_key}
        came_as_number = row.not_text.split()
        if value == before and field not in came_as_number:
            db.session.rollback()
            return []
        setattr(row, field, value)
        row.not_text = " ".join(other for other in came_as_number if other != field)
        groups.add(_group(row))
        row.group_key = _group(row)
        db.session.flush()
        changed = _judge_again(batch, person_id, groups, always={number})
        journal.record(
            "line.corrected",
            "batch",
            batch_id,
            actor_id=person_id,
            centre_id=batch.centre_id,
            before={"line": number, field: before},
            after={"line": number, field: value},
        )
    return changed


def set_aside(batch_id: int, number: int, aside: bool, person_id: int) -> list[int]:
    """Leave a line out of the import, or take it back; return the numbers of the lines that changed.

    Raises `batches.BatchClosed` or :class:`NoSuchLine`.
    """
    with transaction():
        batch = _lock(batch_id)
        row = _line(batch_id, number)
        if row.set_aside == aside:
            return []
        if aside:
            _count(batch, [(row.rank, row.remarks)], -1)
            row.rank, row.remarks = ASIDE_RANK, ""
        row.set_aside = aside
        db.session.flush()
        new = set() if aside else {number}
        changed = _judge_again(batch, person_id, {row.group_key}, always={number}, new=new)
        journal.record(
            "line.set_aside" if aside else "line.taken_back",
            "batch",
            batch_id,
            actor_id=person_id,
            centre_id=batch.centre_id,
            after={"line": number},
        )
    return sorted({*changed, number})


def suggestions(batch: Batch, limit: int = 20) -> list[tuple[str, str, Suggestion, int]]:
    """Return « Vouliez-vous dire … ? »: label typed, category typed, what was clearly meant, and in how many lines.

    Only among lines with an error; the most frequent first.
    """
    c = BatchLine
    catalogue = facts.load_catalogue()
    typed = db.session.execute(
        select(c.training_label, c.category, db.func.count())
        .where(c.batch_id == batch.id, c.rank == ERROR_RANK)
        .group_by(c.training_label, c.category)
        .order_by(db.func.count().desc())
        .limit(500)
    )
    found = ((label, category, catalogue.suggest(label, category), count) for label, category, count in typed)
    return [(label, category, meant, count) for label, category, meant, count in found if meant][:limit]


def correct_value(batch_id: int, label: str, category: str, person_id: int) -> int:
    """Take the suggestion for a label and a category as typed, in all the lines that bear them; return how many.

    The whole batch is judged again. Raises `batches.BatchClosed` or :class:`NothingToCorrect` when nothing is suggested.
    """
    with transaction():
        batch = _lock(batch_id)
        meant = facts.load_catalogue().suggest(label, category)
        if meant is None:
            raise NothingToCorrect
        c = BatchLine
        bearing = (_in_form(c.training_label) == _in_form(label), _in_form(c.category) == _in_form(category))
        corrected = changed(update(c).where(c.batch_id == batch_id, *bearing).values({meant.field: meant.value}))
        count = corrected
        if not count:
            raise NothingToCorrect
        analysis.store(batch_id, analysis.analyse(batch, person_id), batch.version)
        before = {"training_label": label, "category": category}
        journal.record(
            "value.corrected",
            "batch",
            batch_id,
            actor_id=person_id,
            centre_id=batch.centre_id,
            before=before,
            after={meant.field: meant.value, "lines": count},
        )
    return count


def _in_form(text: Any) -> Any:
    """Return a text, or a column of texts, with each line break as one character: a form sends them its own way."""
    return db.func.replace(db.func.replace(text, "\r\n", "\n"), "\r", "\n")


def _lock(batch_id: int) -> Batch:
    """Take the batch's lock for this transaction, note the change, and return it; only a report by file is corrected."""
    touched = changed(
        update(Batch)
        .where(Batch.id == batch_id, Batch.mode == FILE, Batch.state.in_(OPEN_STATES))
        .values(version=Batch.version + 1, updated_at=clock.machine_now())
        .execution_options(synchronize_session=False)
    )
    if not touched:
        raise batches.BatchClosed
    # Why it could not be registered was said of the lines as they stood.
    told = (ImportFile.batch_id == batch_id, ImportFile.refusal.is_not(None))
    db.session.execute(update(ImportFile).where(*told).values(refusal=None))
    return db.session.get_one(Batch, batch_id, populate_existing=True)


def _line(batch_id: int, number: int) -> BatchLine:
    row = db.session.get(BatchLine, (batch_id, number), populate_existing=True)
    if row is None:
        raise NoSuchLine
    return row


def _raw(row: BatchLine) -> RawLine:
    return RawLine._make((row.number, *(getattr(row, field) for field in FIELDS), row.not_text))


def _group(row: BatchLine) -> str:
    lines: list[Line] = parse_lines([_raw(row)], facts.load_catalogue())
    return lines[0].group


def _judge_again(
    batch: Batch,
    person_id: int,
    groups: Iterable[str],
    always: set[int],
    new: set[int] = frozenset(),  # type: ignore[assignment]
) -> list[int]:
    """Judge the lines of these groups again; counts, state and remarks follow. ``new``: lines that were not counted."""
    c = BatchLine
    query = select(c).where(c.batch_id == batch.id, c.group_key.in_(list(groups)), c.set_aside.is_(False))
    rows = {row.number: row for row in db.session.execute(query.order_by(c.number)).scalars()}
    raws, reach = [_raw(row) for row in rows.values()], analysis.reach_of(batch, person_id)
    report = analysis.analyse_lines(batch.centre_id, raws, reach).report
    _count(batch, [(row.rank, row.remarks) for row in rows.values() if row.number not in new], -1)
    changed = []
    for judged in report.rows:
        row, text = rows[judged.line.number], encode_remarks(judged.remarks)
        if (row.rank, row.remarks) != (judged.rank, text) or row.number in always:
            changed.append(row.number)
        row.rank, row.remarks = judged.rank, text
    _count(batch, [(row.rank, row.remarks) for row in rows.values()], +1)
    announced.restate(batch, report, [*rows, *always])
    summary = batch.summary or {}
    batch.state = READY if not summary["errors"] and summary["kept"] else IN_ERROR
    batch.checked_version, batch.checked_at = batch.version, clock.now()
    return changed


def _count(batch: Batch, lines: Iterable[tuple[int, str]], sign: int) -> None:
    """Add lines to the counts of the batch, or take them away."""
    before: dict[str, Any] = batch.summary or {"lines": 0, "errors": 0, "informations": 0, "kept": 0, "kinds": {}}
    counts: Counter[str] = Counter({name: before[name] for name in ("lines", "errors", "informations", "kept")})
    kinds: Counter[str] = Counter(before["kinds"])
    for rank, text in lines:
        remarks = decode_remarks(text)
        counts["lines"] += sign
        counts["errors"] += sign * (rank == ERROR_RANK)
        counts["informations"] += sign * (rank == INFORMATION_RANK)
        counts["kept"] += sign * all(remark.code is not Code.IDENTICAL_LINE for remark in remarks)
        for remark in remarks:
            kinds[remark.kind] += sign
    batch.summary = {**before, **counts, "kinds": {kind: count for kind, count in kinds.items() if count > 0}}
