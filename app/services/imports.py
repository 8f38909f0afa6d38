"""Registering by file: the file is received, and analysed by a job; nothing is registered before « Importer »."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, TypeVar

from flask import current_app
from sqlalchemy import delete, select, update

from app.extensions import db
from app.models import Batch, BatchLine, ImportFile
from app.models.batch import ANALYSING, FAILED, FILE, REFUSED, REGISTERED
from app.models.import_file import ANTIVIRUS, CHECKING, READING, STORING
from app.models.outbox import ANALYSIS
from app.validators.batch import Report, Row
from app.validators.file import FileRefused, check_content, check_name, check_size, kind_of
from app.validators.line import Line, RawLine, parse_lines
from app.validators.memory import collector_paused
from app.validators.remark import FIELDS, encode_remarks

from . import analysis, antivirus, batches, bulk, clock, facts, journal, outbox, uploads, workbook
from .transaction import transaction

Item = TypeVar("Item")

#: Lines judged or written between two signs of progress.
STEP = 20_000
LINE_COLUMNS = ("batch_id", "number", *FIELDS, "rank", "remarks", "numeric_permit", "group_key", "set_aside")


def receive(centre_id: int, person_id: int, name: str, stream: IO[bytes]) -> Batch:
    """Take a file in and ring for its analysis; return its batch, already « refused » where name, size or content say so."""
    upload = uploads.keep(stream)
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
            "import.received", "batch", batch.id, actor_id=person_id, centre_id=centre_id,
            after={"file": name[-255:], "size": upload.size, "sha256": upload.sha256},
        )  # fmt: skip
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
    understood = _Understood(batch_id)
    try:
        sheet = _read(file, understood.take)
    except FileRefused as refusal:
        with transaction():
            _refuse(batch_id, refusal)
        return
    with transaction():
        file.header_row, file.sheet = sheet.header_row, sheet.name
        db.session.execute(delete(BatchLine).where(BatchLine.batch_id == batch_id))
    found = _judge(file.batch.centre_id, batch_id, understood)
    _store(batch_id, found)


def read_and_judge(centre_id: int, place: Path) -> Report:
    """Return the report of a file on this machine for a centre; writes nothing. Raises `FileRefused`."""
    check_name(place.name)
    check_size(place.stat().st_size)
    with place.open("rb") as file:
        kind = check_content(file.read(8))
    antivirus.check(place, current_app.config["ANTIVIRUS_URL"] or None)
    return analysis.analyse_lines(centre_id, workbook.read(place, kind).lines).report


def give_up(batch_id: int) -> None:
    """Note that an analysis failed again and again; the person may send it again, an agent may restart it."""
    batches.transition(batch_id, FAILED, only_from=(ANALYSING,))


def file_of(batch_id: int) -> ImportFile | None:
    """Return the file behind a batch as it stands now, None for a batch that came by another door."""
    return db.session.get(ImportFile, batch_id, populate_existing=True)


def earlier_receipt(file: ImportFile) -> Batch | None:
    """Return the batch of this centre that was registered from the very same file before, if any."""
    query = (
        select(Batch)
        .join(ImportFile, ImportFile.batch_id == Batch.id)
        .where(
            ImportFile.sha256 == file.sha256, Batch.id != file.batch_id, Batch.centre_id == file.batch.centre_id,
            Batch.state == REGISTERED,
        )
        .order_by(Batch.registered_at.desc())
        .limit(1)
    )  # fmt: skip
    return db.session.execute(query).scalar_one_or_none()


def _read(file: ImportFile, on_lines: Callable[[list[RawLine]], None]) -> workbook.Sheet:
    path = uploads.path_of(str(file.path))
    _progress(file.batch_id, ANTIVIRUS)
    antivirus.check(path, current_app.config["ANTIVIRUS_URL"] or None)
    _progress(file.batch_id, READING)
    with path.open("rb") as content:
        kind = kind_of(content.read(8))
    assert kind is not None, "checked when it was received"
    return workbook.read(path, kind, on_lines=on_lines)


class _Understood:
    """The lines of a file, understood while the child process still reads the next ones."""

    def __init__(self, batch_id: int) -> None:
        self.catalogue = facts.load_catalogue()
        self._batch_id = batch_id
        self._lines: list[Line] = []
        self._waiting: list[RawLine] = []

    def take(self, raws: list[RawLine]) -> None:
        """Note lines that came; parse them in steps large enough to share what they repeat."""
        self._waiting += raws
        if len(self._waiting) >= STEP:
            self._parse()
            _progress(self._batch_id, READING, len(self._lines))

    def lines(self) -> list[Line]:
        """Return all lines, once the last have come."""
        self._parse()
        return self._lines

    def _parse(self) -> None:
        self._lines += parse_lines(self._waiting, self.catalogue)
        self._waiting = []


def _judge(centre_id: int, batch_id: int, understood: _Understood) -> analysis.Analysis:
    """Judge the lines, showing how far it is."""
    lines = understood.lines()
    return analysis.judge(
        centre_id, understood.catalogue, lines, lambda done: _progress(batch_id, CHECKING, done, len(lines))
    )


def _store(batch_id: int, found: analysis.Analysis) -> None:
    """Write the report: the lines in steps, then, with the counts, the state that makes it visible."""
    done = 0
    for step in _steps(found.report.rows):
        _progress(batch_id, STORING, done, found.report.lines)
        with transaction():
            bulk.insert_rows(BatchLine.__table__, LINE_COLUMNS, (line_values(batch_id, row) for row in step))
        done += len(step)
    with transaction():
        batch = db.session.get_one(Batch, batch_id, populate_existing=True)
        try:
            analysis.conclude(batch_id, found.report, batch.version)
        except batches.BatchClosed:  # cancelled meanwhile: nothing of the file is kept
            db.session.execute(delete(BatchLine).where(BatchLine.batch_id == batch_id))


def line_values(batch_id: int, row: Row) -> tuple[object, ...]:
    """Return the columns of a judged line, in the order of LINE_COLUMNS; true and false as 1 and 0, which is quicker."""
    line, remarks = row.line, row.remarks
    raw = line.raw
    text = "" if not remarks else remarks[0].encode() if len(remarks) == 1 else encode_remarks(remarks)
    return (batch_id, *raw[:10], row.rank, text, int(raw.numeric_permit), line.group, 0)


def _steps(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for at in range(0, len(items), STEP):
        yield items[at : at + STEP]


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
