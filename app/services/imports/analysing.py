"""The way of a file once it has arrived: checked, read, judged, stored. One line of calls, for the job and for the command."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from app.extensions import db
from app.models import ImportFile
from app.models.batch import ANALYSING, ANTIVIRUS, FAILED, READING
from app.services.registration import analysis, batches
from app.services.rights.access import Reach
from app.validators.batch import Report, Row
from app.validators.file import FileRefused
from app.validators.memory import collector_paused

from . import checking, reading, storing, uploads
from .judging import Judging


class Judged(NamedTuple):
    """A file read and judged: its report, the sheet that was read, and the rows that its other lines changed."""

    report: Report
    sheet: reading.Sheet
    changed: list[Row]


@collector_paused()  # hundreds of thousands of small objects, none of them in a circle
def analyse(batch_id: int) -> None:
    """Analyse the file of a batch, from antivirus to stored report; a refusal is an outcome, not a failure.

    Progress is committed as it goes; run again after a crash, it starts anew.
    """
    file = db.session.get_one(ImportFile, batch_id, populate_existing=True)
    if file.batch.state not in (ANALYSING, FAILED) or not file.path:
        return
    asked = uploads.path_of(file.path), file.name, file.batch.centre_id, analysis.reach_of(file.batch)
    with storing.BatchShelf(batch_id) as shelf:
        try:
            judged = _judge(*asked, shelf)
        except FileRefused as refusal:
            shelf.refuse(refusal)
            return
        sheet = judged.sheet
        columns = {"header_row": sheet.header_row, "sheet": sheet.name, "other_sheets": sheet.others}
        shelf.conclude(judged.report, judged.changed, **columns)


@collector_paused()
def read_and_judge(centre_id: int, place: Path) -> Judged:
    """Return what is to be said of a file on this machine for a centre; writes nothing. Raises `FileRefused`."""
    return _judge(place, place.name, centre_id, None, storing.Nowhere())


def give_up(batch_id: int) -> None:
    """Note that an analysis failed again and again; the person may send it again, an agent may restart it."""
    if batches.transition(batch_id, FAILED, only_from=(ANALYSING,)):
        storing.clear(batch_id)


def _judge(place: Path, name: str, centre_id: int, reach: Reach | None, shelf: storing.Shelf) -> Judged:
    shelf.says(ANTIVIRUS)
    kind = checking.check(place, name)
    shelf.says(READING)
    lines = Judging(centre_id, reach, shelf)
    sheet = reading.read(place, kind, on_lines=lines.take)
    report, changed = lines.conclude()
    return Judged(report, sheet, changed)
