"""Raw lines judged as they come, while the child process still reads the next: it has a core of its own."""

from __future__ import annotations

from app.models.batch import CHECKING, STORING
from app.services.core import clock
from app.services.core.transaction import transaction
from app.services.registration import facts
from app.services.rights.access import Reach
from app.validators.batch import Judge, Report, Row, compare, report_of
from app.validators.line import RawLine
from app.validators.reading import Reader

from .storing import Shelf

#: Lines judged and kept together, between two signs of progress.
STEP = 20_000


class Judging:
    """The lines of one file, judged for a centre, today, as a person (``reach``) may register them."""

    def __init__(self, centre_id: int, reach: Reach | None, shelf: Shelf) -> None:
        self._catalogue = facts.load_catalogue()
        self._reader, self._judge = Reader(self._catalogue), Judge()
        self._centre_id, self._reach, self._shelf = centre_id, reach, shelf
        self._rows: list[Row] = []
        self._waiting: list[RawLine] = []

    def take(self, raws: list[RawLine], expected: int) -> None:
        """Note lines that came; take them on in steps large enough to share what they repeat."""
        self._waiting += raws
        if len(self._waiting) >= STEP:
            self._keep()
            self._shelf.says(CHECKING, len(self._rows), expected)

    def conclude(self) -> tuple[Report, list[Row]]:
        """Compare all lines with each other, once the last have come; return the report, and the rows that this changed."""
        self._shelf.says(CHECKING, len(self._rows), len(self._rows) + len(self._waiting))
        self._keep()
        self._shelf.says(STORING, len(self._rows), len(self._rows))
        changed = compare(self._rows)
        return report_of(self._rows), changed

    def _keep(self) -> None:
        lines = self._reader.read(self._waiting)
        self._waiting = []
        with transaction():
            known = facts.load(
                self._centre_id, clock.today(), self._catalogue, lines, self._reach, asked=self._shelf.tells
            )
        rows = self._judge.check(lines, known.context)
        self._shelf.keep(rows)
        self._rows += rows
