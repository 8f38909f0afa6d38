"""What is not kept for ever: files refused or left behind, uploads without a row, each with its delay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select

from app.extensions import db
from app.models import Batch, BatchLine, ImportFile
from app.models.batch import ANALYSING, CANCELLED, FAILED, FILE, IN_ERROR, READY, REFUSED

from . import clock, journal, store, uploads
from .transaction import transaction

#: Files refused, or never imported, wait this long after the last change of their batch.
REJECTED_FILES = timedelta(days=30)
#: A file without a row is what a crash left; it is given a day.
ORPHANS = timedelta(days=1)


@dataclass(frozen=True)
class Purge:
    """What was, or with ``dry_run`` would be, removed."""

    files: int
    lines: int
    orphans: int
    dry_run: bool


def purge(*, dry_run: bool = False) -> Purge:
    """Remove the files refused or left for 30 days, with their lines, and files that no row speaks of."""
    files = _abandoned()
    lines = sum(_remove(file, dry_run) for file in files)
    orphans = _orphans(dry_run)
    return Purge(len(files), lines, orphans, dry_run)


def _abandoned() -> list[ImportFile]:
    waiting = (REFUSED, CANCELLED, FAILED, IN_ERROR, READY, ANALYSING)
    before = clock.machine_now() - REJECTED_FILES
    query = select(ImportFile).join(Batch).where(
        Batch.mode == FILE, Batch.state.in_(waiting), Batch.updated_at < before, ImportFile.path.is_not(None)
    )  # fmt: skip
    return list(db.session.execute(query).scalars())


def _remove(file: ImportFile, dry_run: bool) -> int:
    """Remove one file and the lines of its batch; the batch stays, cancelled, with its trace in the journal."""
    lines = db.session.scalar(select(db.func.count()).where(BatchLine.batch_id == file.batch_id)) or 0
    if dry_run:
        return lines
    with transaction():
        path, file.path, file.purged_at = str(file.path), None, clock.now()
        if file.batch.state != REFUSED:
            file.batch.state = CANCELLED
        db.session.execute(delete(BatchLine).where(BatchLine.batch_id == file.batch_id))
        journal.record(
            "import.purged", "batch", file.batch_id, actor_id=None, centre_id=file.batch.centre_id,
            after={"lines": lines}, reason="30 jours sans import",
        )  # fmt: skip
    uploads.remove(path)
    return lines


def _orphans(dry_run: bool) -> int:
    """Remove uploads and half-written documents older than a day that no row speaks of; return how many."""
    limit = (clock.machine_now() - ORPHANS).timestamp()
    known = {str(path).split("/")[0] for path in db.session.execute(select(ImportFile.path)).scalars() if path}
    folder = uploads.folder()
    places = [place for place in folder.iterdir() if place.name not in known] if folder.is_dir() else []
    left = [place for place in places if place.stat().st_mtime < limit]
    drafts = [path for path in store.folder().glob("*/.tmp-*") if path.stat().st_mtime < limit]
    if not dry_run:
        for place in left:
            uploads.remove(f"{place.name}/file")
        for path in drafts:
            path.unlink(missing_ok=True)
    return len(left) + len(drafts)
