"""What becomes of judged lines: on the shelf of their batch, where nobody sees them before the report stands; or nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

from sqlalchemy import delete, update

from app.extensions import db
from app.models import Batch, BatchLine, ImportFile
from app.models.batch import REFUSED
from app.services.core import bulk
from app.services.core.transaction import transaction
from app.services.registration import analysis, batches
from app.validators.batch import Report, Row, report_of
from app.validators.file import FileRefused
from app.validators.remark import encode_remarks

from . import beside
from .beside import Beside, Broken
from .workbooks.child import CELL_END

#: So many lines at once are those of a large file: worth a process of its own.
MANY = 10_000
_LINES, _PROGRESS = "lines", "progress"


class Shelf(Protocol):
    """Where judged lines go, and who hears how far the work is."""

    #: Whether the centre is told what is found, so that the strangers among the drivers are counted (`facts.load`).
    tells: bool

    def says(self, phase: str, done: int = 0, total: int = 0) -> None:
        """Hear how many lines of how many have come through a phase."""

    def keep(self, rows: Sequence[Row]) -> None:
        """Take rows judged alone; outside of any transaction."""


class Nowhere:
    """Keeps nothing and tells nobody: for a look at a file that leaves no trace."""

    tells = False

    def says(self, phase: str, done: int = 0, total: int = 0) -> None:
        """Tell nobody."""

    def keep(self, rows: Sequence[Row]) -> None:
        """Keep nothing."""


class BatchShelf:
    """The lines of a batch in the base, and its progress, committed as it goes: of a large file by a process of its own, so
    that the next lines are judged meanwhile. To be closed, by ``with``.
    """

    tells = True

    def __init__(self, batch_id: int) -> None:
        self._batch_id = batch_id
        self._writer: Beside | None = None

    def __enter__(self) -> BatchShelf:
        """Take away what an earlier attempt left."""
        with transaction():
            clear(self._batch_id)
        return self

    def __exit__(self, *_fault: object) -> None:
        """Let nobody write any more, whatever ended the work."""
        with suppress(Broken):
            self._settle()

    def says(self, phase: str, done: int = 0, total: int = 0) -> None:
        """Write the progress where the screen reads it."""
        progress = {"phase": str(phase), "done": done, "total": total}
        if self._writer:
            self._writer.tell((_PROGRESS, self._batch_id, progress))
        else:
            with transaction():
                _change_file(self._batch_id, **progress)

    def keep(self, rows: Sequence[Row]) -> None:
        """Write the lines; those with an error side by side: whoever reads them alone reads a few pages, not all."""
        if not rows:
            return
        columns = batches.columns_of(report_of(rows).rows)
        if len(rows) >= MANY and not self._writer and beside.possible():
            self._writer = Beside(_write)
        if self._writer:
            # Joined, they are handed over at once: no cell holds the sign that parted them on their way from the file.
            texts = [CELL_END.join(column) for column in columns.texts]
            self._writer.tell((_LINES, self._batch_id, (columns.numbers, columns.ranks, texts)))
        else:
            with transaction():
                batches.insert_columns(self._batch_id, columns)

    def _settle(self) -> None:
        """Wait until all that was kept is written. Raises `Broken` when it is not."""
        writer, self._writer = self._writer, None
        if writer:
            writer.finish()

    def conclude(self, report: Report, changed: Sequence[Row], **sheet: object) -> None:
        """Write what the comparison changed, what was read (columns of the file) and, with the counts, the state that makes the
        report visible.
        """
        self._settle()
        with transaction():
            _change_file(self._batch_id, **sheet)
            bulk.update_rows(
                BatchLine.__table__,
                ("batch_id", "number"),
                ("rank", "remarks"),
                [(self._batch_id, row.line.number, row.rank, encode_remarks(row.remarks)) for row in changed],
            )
            batch = db.session.get_one(Batch, self._batch_id, populate_existing=True)
            try:
                analysis.conclude(self._batch_id, report, batch.version)
            except batches.BatchClosed:  # cancelled meanwhile: nothing of the file is kept
                clear(self._batch_id)

    def refuse(self, refusal: FileRefused) -> None:
        """Keep nothing of the lines, and the reason."""
        self._settle()
        with transaction():
            clear(self._batch_id)
            refuse(self._batch_id, refusal)


def _write(message: tuple[str, int, Any]) -> None:
    """Do in the writing process what a shelf told it."""
    what, batch_id, content = message
    with transaction():
        if what == _LINES:
            numbers, ranks, texts = content
            columns = batches.LineColumns(numbers, ranks, [text.split(CELL_END) for text in texts])
            batches.insert_columns(batch_id, columns)
        else:
            _change_file(batch_id, **content)


def clear(batch_id: int) -> None:
    """Delete the lines of a batch, inside the caller's transaction."""
    db.session.execute(delete(BatchLine).where(BatchLine.batch_id == batch_id))


def refuse(batch_id: int, refusal: FileRefused) -> None:
    """Refuse a file, inside the caller's transaction; it waits in quarantine until it is purged."""
    if batches.transition(batch_id, REFUSED):
        _change_file(batch_id, refusal_code=refusal.code.value, refusal=refusal.message)


def _change_file(batch_id: int, **columns: object) -> None:
    db.session.execute(update(ImportFile).where(ImportFile.batch_id == batch_id).values(**columns))
