"""Judging again, after a correction, the lines that it may concern: counts, state and remarks follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select, update

from app.extensions import db
from app.models import Batch, BatchLine, ImportFile
from app.models.batch import ERROR_RANK, FILE, IN_ERROR, INFORMATION_RANK, OPEN_STATES, READY
from app.services.core import clock
from app.services.core.taking import changed
from app.services.registration import analysis, announced, batches
from app.validators.line import RawLine
from app.validators.remark import FIELDS, Code, decode_remarks, encode_remarks


def lock(batch_id: int) -> Batch:
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


def raw_of(row: BatchLine) -> RawLine:
    """Return a line as typed."""
    return RawLine._make((row.number, *(getattr(row, field) for field in FIELDS), row.not_text, row.email))


def judge_again(
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
    raws, reach = [raw_of(row) for row in rows.values()], analysis.reach_of(batch, person_id)
    report = analysis.analyse_lines(batch.centre_id, raws, reach).report
    count_lines(batch, [(row.rank, row.remarks) for row in rows.values() if row.number not in new], -1)
    changed = []
    for judged in report.rows:
        row, text = rows[judged.line.number], encode_remarks(judged.remarks)
        if (row.rank, row.remarks) != (judged.rank, text) or row.number in always:
            changed.append(row.number)
        row.rank, row.remarks = judged.rank, text
    count_lines(batch, [(row.rank, row.remarks) for row in rows.values()], +1)
    announced.restate(batch, report, [*rows, *always])
    summary = batch.summary or {}
    batch.state = READY if not summary["errors"] and summary["kept"] else IN_ERROR
    batch.checked_version, batch.checked_at = batch.version, clock.now()
    return changed


def count_lines(batch: Batch, lines: Iterable[tuple[int, str]], sign: int) -> None:
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
