"""Registering by file: the file is received, and analysed by a job; nothing is registered before « Importer »."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import IO, NamedTuple

from flask import current_app
from sqlalchemy import delete, select, update

from app.extensions import db
from app.models import Batch, BatchLine, ImportFile
from app.models.batch import ANALYSING, ANTIVIRUS, CHECKING, FAILED, FILE, READING, REFUSED, REGISTERED, STORING
from app.models.outbox import ANALYSIS
from app.services.core import bulk, clock, outbox
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.registration import analysis, batches, facts
from app.validators.batch import Judge, Report, Row, compare, report_of
from app.validators.fields import visible
from app.validators.file import FileRefused, check_content, check_name, check_size, kind_of
from app.validators.line import RawLine
from app.validators.memory import collector_paused
from app.validators.reading import Reader
from app.validators.remark import FIELDS, encode_remarks

from . import antivirus, reading, uploads

#: Lines judged and written together, between two signs of progress.
STEP = 20_000
LINE_COLUMNS = ("batch_id", "number", *FIELDS, "rank", "remarks", "not_text", "group_key", "set_aside")


def receive(centre_id: int, person_id: int, name: str, stream: IO[bytes]) -> Batch:
    """Take a file in and ring for its analysis; return its batch, already « refused » where name, size or content say so."""
    upload, name = uploads.keep(stream), visible(name)
    now = clock.machine_now()
    with transaction():
        batch = Batch(
            centre_id=centre_id, created_by_id=person_id, mode=FILE, state=ANALYSING, created_at=now, updated_at=now
        )
        db.session.add(batch)
        db.session.flush()
        db.session.add(
            ImportFile(batch_id=batch.id, name=name[-255:], size=upload.size, sha256=upload.sha256, path=upload.path)
        )
        journal.record(
            "import.received",
            "batch",
            batch.id,
            actor_id=person_id,
            centre_id=centre_id,
            after={"file": name[-255:], "size": upload.size, "sha256": upload.sha256},
        )
        try:
            check_name(name)
            check_size(upload.size)
            check_content(upload.head)
        except FileRefused as refusal:
            db.session.flush()
            _refuse(batch.id, refusal)
        else:
            outbox.add(ANALYSIS, [{"batch": batch.id}], first_turn=-1)
    outbox.ring()
    return batch


def analyse(batch_id: int) -> None:
    """Analyse the file of a batch, from antivirus to stored report; a refusal is an outcome, not a failure.

    Progress is committed as it goes; run again after a crash, it starts anew.
    """
    file = db.session.get_one(ImportFile, batch_id, populate_existing=True)
    if file.batch.state not in (ANALYSING, FAILED) or not file.path:
        return
    with collector_paused():  # hundreds of thousands of small objects, none of them in a circle
        _analyse(file)


def _analyse(file: ImportFile) -> None:
    batch_id = file.batch_id
    with transaction():
        _delete_lines(batch_id)
    lines = _Lines(file.batch)
    try:
        sheet = _read(file, lines.take)
    except FileRefused as refusal:
        with transaction():
            _delete_lines(batch_id)
            _refuse(batch_id, refusal)
        return
    with transaction():
        file.header_row, file.sheet, file.other_sheets = sheet.header_row, sheet.name, sheet.others
    _conclude(batch_id, lines.all())


class Judged(NamedTuple):
    """A file read and judged: its report, the sheet that was read, the others that hold lines."""

    report: Report
    sheet: str
    other_sheets: list[str]


def read_and_judge(centre_id: int, place: Path) -> Judged:
    """Return what is to be said of a file on this machine for a centre; writes nothing. Raises `FileRefused`."""
    check_name(place.name)
    check_size(place.stat().st_size)
    with place.open("rb") as file:
        kind = check_content(file.read(8))
    antivirus.check(place, current_app.config["ANTIVIRUS_URL"] or None)
    sheet = reading.read(place, kind)
    return Judged(analysis.analyse_lines(centre_id, sheet.lines, asked=False).report, sheet.name, sheet.others)


def give_up(batch_id: int) -> None:
    """Note that an analysis failed again and again; the person may send it again, an agent may restart it."""
    if batches.transition(batch_id, FAILED, only_from=(ANALYSING,)):
        _delete_lines(batch_id)


def file_of(batch_id: int) -> ImportFile | None:
    """Return the file behind a batch as it stands now, None for a batch that came by another door."""
    return db.session.get(ImportFile, batch_id, populate_existing=True)


def earlier_receipt(file: ImportFile) -> Batch | None:
    """Return the batch of this centre that was registered from the very same file before, if any."""
    query = (
        select(Batch)
        .join(ImportFile, ImportFile.batch_id == Batch.id)
        .where(
            ImportFile.sha256 == file.sha256,
            Batch.id != file.batch_id,
            Batch.centre_id == file.batch.centre_id,
            Batch.state == REGISTERED,
        )
        .order_by(Batch.registered_at.desc())
        .limit(1)
    )
    return db.session.execute(query).scalar_one_or_none()


def _read(file: ImportFile, on_lines: reading.OnLines) -> reading.Sheet:
    path = uploads.path_of(str(file.path))
    _progress(file.batch_id, ANTIVIRUS)
    antivirus.check(path, current_app.config["ANTIVIRUS_URL"] or None)
    _progress(file.batch_id, READING)
    with path.open("rb") as content:
        kind = kind_of(content.read(8))
    assert kind is not None, "checked when it was received"
    return reading.read(path, kind, on_lines=on_lines)


class _Lines:
    """The lines of a file, judged each alone and kept while the child process still reads the next: it has a core of its own.

    Nobody sees them before the batch leaves « analysing ».
    """

    def __init__(self, batch: Batch) -> None:
        self._catalogue = facts.load_catalogue()
        self._reader, self._judge = Reader(self._catalogue), Judge()
        self._centre_id, self._batch_id = batch.centre_id, batch.id
        self._reach = analysis.reach_of(batch)
        self._rows: list[Row] = []
        self._waiting: list[RawLine] = []

    def take(self, raws: list[RawLine], expected: int) -> None:
        """Note lines that came; take them on in steps large enough to share what they repeat."""
        self._waiting += raws
        if len(self._waiting) >= STEP:
            self._keep()
            _progress(self._batch_id, CHECKING, len(self._rows), expected)

    def all(self) -> list[Row]:
        """Return all lines judged alone, once the last have come."""
        _progress(self._batch_id, CHECKING, len(self._rows), len(self._rows) + len(self._waiting))
        self._keep()
        return self._rows

    def _keep(self) -> None:
        lines = self._reader.read(self._waiting)
        self._waiting = []
        with transaction():
            known = facts.load(self._centre_id, clock.today(), self._catalogue, lines, self._reach)
            rows = self._judge.check(lines, known.context)
            # Lines with an error side by side: whoever reads them alone reads a few pages of the table, not all.
            blocks = report_of(rows).rows
            bulk.insert_rows(BatchLine.__table__, LINE_COLUMNS, line_values(self._batch_id, blocks))
        self._rows += rows


def _conclude(batch_id: int, rows: list[Row]) -> None:
    """Compare the lines with each other and write, with the counts, the state that makes the report visible."""
    _progress(batch_id, STORING, len(rows), len(rows))
    compared = compare(rows)
    report = report_of(rows)
    with transaction():
        bulk.update_rows(
            BatchLine.__table__,
            ("batch_id", "number"),
            ("rank", "remarks"),
            [(batch_id, row.line.number, row.rank, encode_remarks(row.remarks)) for row in compared],
        )
        batch = db.session.get_one(Batch, batch_id, populate_existing=True)
        try:
            analysis.conclude(batch_id, report, batch.version)
        except batches.BatchClosed:  # cancelled meanwhile: nothing of the file is kept
            _delete_lines(batch_id)


def line_values(batch_id: int, rows: Sequence[Row]) -> Iterator[tuple[object, ...]]:
    """Return the columns of judged lines, in the order of LINE_COLUMNS; false as 0, which is quicker."""
    if not rows:
        return iter(())
    *typed, not_text = zip(*(row.line.raw for row in rows), strict=True)
    # Most remarks are those of many lines, held once: each is looked at and written out once.
    said = {
        id(row.remarks): (row.rank, encode_remarks(row.remarks))
        for row in {id(row.remarks): row for row in rows}.values()
    }
    ranks, remarks = zip(*(said[id(row.remarks)] for row in rows), strict=True)
    groups = [row.line.group for row in rows]
    return zip(repeat(batch_id), *typed, ranks, remarks, not_text, groups, repeat(0))


def _delete_lines(batch_id: int) -> None:
    db.session.execute(delete(BatchLine).where(BatchLine.batch_id == batch_id))


def _progress(batch_id: int, phase: str, done: int = 0, total: int = 0) -> None:
    with transaction():
        db.session.execute(
            update(ImportFile).where(ImportFile.batch_id == batch_id).values(phase=phase, done=done, total=total)
        )


def _refuse(batch_id: int, refusal: FileRefused) -> None:
    """Refuse a file, inside the caller's transaction; it waits in quarantine until it is purged."""
    if not batches.transition(batch_id, REFUSED):
        return
    db.session.execute(
        update(ImportFile)
        .where(ImportFile.batch_id == batch_id)
        .values(refusal_code=refusal.code.value, refusal=refusal.message)
    )
