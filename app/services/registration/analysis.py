"""Analysis: the lines of a batch, judged by the rules with the facts of the base. One hall for the three doors."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, update

from app.extensions import db
from app.models import Batch, BatchLine
from app.models.batch import ANALYSING, IN_ERROR, OPEN_STATES, READY
from app.services.core import bulk, clock
from app.services.core.transaction import transaction
from app.services.rights.access import Reach
from app.validators.batch import Report, Row, check_batch, compare
from app.validators.line import RawLine
from app.validators.reading import parse_lines
from app.validators.remark import Code, Remark, decode_remarks, encode_remarks

from . import batches, facts

#: Remarks that speak of another line: they come and go with it.
_OF_OTHERS = frozenset({Code.DUPLICATE_DRIVER, Code.IDENTICAL_LINE})


@dataclass(frozen=True)
class Analysis:
    """A report with the facts it was made from, and what the check before it wrote on the lines."""

    report: Report
    facts: facts.Facts
    before: dict[int, tuple[int, str]]


def analyse_lines(
    centre_id: int,
    raws: list[RawLine],
    reach: Reach | None = None,
    *,
    asked: bool = True,
    alike: bool = True,
    without: Collection[int] = (),
) -> Analysis:
    """Judge lines for a centre, today; a few queries whatever their number; writes nothing but who was ``asked`` about
    (`facts.load`).

    With ``reach``, they are judged as that person may register them; without, as the centre may. ``alike``: whether drivers
    that look alike are told, which changes nothing of what is registered. ``without``: registrations
    that these lines are to replace.
    """
    catalogue = facts.load_catalogue()
    lines = parse_lines(raws, catalogue)
    known = facts.load(centre_id, clock.today(), catalogue, lines, reach, asked=asked, alike=alike, without=without)
    return Analysis(check_batch(lines, known.context), known, {})


def reach_of(batch: Batch, person_id: int | None = None) -> Reach:
    """Return for whom a batch is judged: who works on it now, who started it where nobody is named."""
    return Reach(person_id or batch.created_by_id)


def analyse(batch: Batch, person_id: int | None = None, *, asked: bool = True, alike: bool = True) -> Analysis:
    """Judge the lines of a batch, today, for a person (:func:`reach_of`), as :func:`analyse_lines`."""
    stored = batches.stored_lines(batch)
    before = {one.line.number: (one.rank, one.remarks) for one in stored}
    lines = [one.line for one in stored]
    found = analyse_lines(batch.centre_id, lines, reach_of(batch, person_id), asked=asked, alike=alike)
    return replace(found, before=before)


def check(batch_id: int, person_id: int | None = None) -> Report:
    """« Vérifier »: judge the batch and keep the remarks, the counts and the version they stand for.

    It is judged for a person (:func:`reach_of`).
    Raises `batches.BatchClosed` when the batch was registered or cancelled meanwhile.
    """
    with transaction():
        # As read by this request: were it stale, the check would stand for the older version, which opens nothing.
        batch = db.session.get_one(Batch, batch_id)
        version = batch.version
        found = analyse(batch, person_id)
        store(batch_id, found, version)
    return found.report


def store(batch_id: int, found: Analysis, version: int, new: Sequence[int] = ()) -> None:
    """Write a report's remarks and counts on the batch, inside the caller's transaction.

    ``new``: numbers of the lines to be shown first, for which an import was stopped (`services.announced`).

    Raises `batches.BatchClosed` when the batch no longer takes changes. If a line changed since ``version`` was
    read, the check stands for that older version and « Importer » stays closed.
    """
    conclude(batch_id, found.report, version, new)
    _write_remarks(batch_id, found)


def conclude(batch_id: int, report: Report, version: int, new: Sequence[int] = ()) -> None:
    """Write a report's counts on the batch and move it to « ready » or « in error », inside the caller's transaction."""
    state = READY if report.importable else IN_ERROR
    moved = batches.transition(
        batch_id,
        state,
        only_from=(*OPEN_STATES, ANALYSING),
        checked_version=version,
        checked_at=clock.now(),
        summary={**summary(report), **({"new": list(new)} if new else {})},
    )
    if not moved:
        raise batches.BatchClosed


def summary(report: Report) -> dict[str, Any]:
    """Return the counts kept on the batch: lines, errors, informations, lines kept or with an address, lines by kind; what a
    confirmation tells, in persons and in lines that will be billed; and what is at stake in which lines, to be compared at
    « Importer ».
    """
    return {
        "lines": report.lines,
        "errors": report.errors,
        "informations": report.informations,
        "kept": report.lines - report.kinds.get(Code.IDENTICAL_LINE, 0),
        "kinds": report.kinds,
        **({"addressed": report.addressed} if report.addressed else {}),
        "told": {"no_account": report.without_account, "already": report.billed_again},
        "stakes": {
            "withheld": report.withheld,
            "repeated": {str(number): times for number, times in report.repeated.items()},
        },
    }


def _write_remarks(batch_id: int, found: Analysis) -> None:
    """Write the remarks of the lines whose remarks changed, in bulk."""
    changes = [
        {"line": row.line.number, "new_rank": row.rank, "new_remarks": text}
        for row in found.report.rows
        if found.before.get(row.line.number) != (row.rank, text := encode_remarks(row.remarks))
    ]
    if changes:
        table = BatchLine.__table__
        statement = (
            update(table)
            .where(table.c.batch_id == batch_id, table.c.number == bindparam("line"))
            .values(rank=bindparam("new_rank"), remarks=bindparam("new_remarks"))
        )
        db.session.connection().execute(statement, changes)


def beside_the_others(batch: Batch, rows: Sequence[Row]) -> list[Row]:
    """Return judged rows, by number, with what each other and the other lines of their draft make of them.

    A row that bears the number of a line stands in its place. Only the lines before a row speak of it.
    """
    numbers = {row.line.number for row in rows}
    others = [one.line for one in batches.stored_lines(batch) if one.line.number not in numbers]
    stored = [Row(line, ()) for line in parse_lines(others, facts.load_catalogue())]
    for row in rows:
        row.remarks = _alone(row.remarks)
    compare(sorted([*stored, *rows], key=lambda row: row.line.number))
    return sorted(rows, key=lambda row: row.line.number)


def compare_again(batch: Batch) -> None:
    """Write anew what the lines of a draft make of each other, where one changed or left; in the caller's transaction."""
    stored = batches.stored_lines(batch)
    lines = parse_lines([one.line for one in stored], facts.load_catalogue())
    rows = [Row(line, _alone(decode_remarks(one.remarks))) for line, one in zip(lines, stored, strict=True)]
    compare(rows)
    changes = [
        (batch.id, row.line.number, row.rank, said)
        for row, one in zip(rows, stored, strict=True)
        if (said := encode_remarks(row.remarks)) != one.remarks
    ]
    bulk.update_rows(BatchLine.__table__, ("batch_id", "number"), ("rank", "remarks"), changes)


def _alone(remarks: Sequence[Remark]) -> tuple[Remark, ...]:
    return tuple(remark for remark in remarks if remark.code not in _OF_OTHERS)
