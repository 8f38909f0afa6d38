"""What is not kept for ever: each kind of data with its delay, and one report of what went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, case, delete, select, update

from app.extensions import db
from app.models import Batch, BatchLine, ImportFile, Outbox
from app.models.batch import ANALYSING, CANCELLED, FAILED, FILE, IN_ERROR, READY, REFUSED
from app.services.accounts import kept_forms
from app.services.accounts import opening as account_opening
from app.services.amendments import reports
from app.services.api import webhook_delivery
from app.services.core import clock
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.drivers import data_copy, lending
from app.services.imports import uploads
from app.services.journal import chain as journal_chain
from app.services.journal import record as journal
from app.services.journal import refused_requests
from app.services.reporting import exports
from app.services.rights import asking
from app.services.storage import store

from . import cards as card_retention
from . import documents as document_retention
from . import drafts as draft_retention

#: Files refused, or never imported, wait this long after the last change of their batch.
REJECTED_FILES = timedelta(days=30)
#: Work done is kept for who looks into what happened.
WORK_DONE = timedelta(days=90)
#: A file without a row is what a crash left; it is given a day.
ORPHANS = timedelta(days=1)


@dataclass(frozen=True)
class Purge:
    """What was, or with ``dry_run`` would be, removed.

    ``sign_ups``: asked for and never confirmed; ``cards``: requests whose pictures go; ``copies``: of people's own data;
    ``asked``: strangers that centres asked about; ``reports``: what drivers said of registrations, and what looked mistyped;
    ``forms``: what stood in the fields of pages whose sign-in had ended; ``lent``: links of drivers that have ended.
    """

    files: int
    lines: int
    orphans: int
    journal: int
    webhooks: int
    drafts: int
    certificates: int
    recaps: int
    hashes: int
    sign_ups: int
    cards: int
    copies: int
    exports: int
    work: int
    asked: int
    refusals: int
    reports: int
    forms: int
    lent: int
    dry_run: bool


def purge(*, dry_run: bool = False, by_owner: bool = True) -> Purge:
    """Remove whatever has reached the end of its keeping, and return how much of each kind.

    ``by_owner``: also the journal's oldest years, which only the owner of the tables may remove.
    """
    removed = [_remove(file, dry_run) for file in _abandoned()]
    lines = [count for count in removed if count is not None]
    ended = document_retention.purge_files(dry_run=dry_run)
    return Purge(
        files=len(lines),
        lines=sum(lines),
        journal=journal_chain.purge_years(dry_run=dry_run) if by_owner else 0,
        webhooks=webhook_delivery.purge(dry_run=dry_run),
        drafts=draft_retention.purge(dry_run=dry_run),
        certificates=ended.certificates,
        recaps=ended.recaps,
        hashes=document_retention.forget_hashes(dry_run=dry_run),
        sign_ups=account_opening.forget_unconfirmed(dry_run=dry_run),
        cards=card_retention.purge(dry_run=dry_run),
        copies=data_copy.purge(dry_run=dry_run),
        exports=exports.purge(dry_run=dry_run),
        work=_work_done(dry_run),
        asked=asking.forget(dry_run=dry_run),
        refusals=refused_requests.purge(dry_run=dry_run),
        reports=reports.forget(dry_run=dry_run),
        forms=kept_forms.purge(dry_run=dry_run),
        lent=lending.forget(dry_run=dry_run),
        # Last: they walk through every file, and however long that takes, the rest has gone.
        orphans=_orphans(dry_run) + document_retention.remove_orphans(dry_run=dry_run),
        dry_run=dry_run,
    )


def _abandoned() -> list[ImportFile]:
    query = select(ImportFile).join(Batch).where(*_is_left(), ImportFile.path.is_not(None))
    return list(db.session.execute(query).scalars())


def _is_left() -> tuple[ColumnElement[bool], ...]:
    """Ask whether a batch by file waits for nobody any more."""
    waiting = (REFUSED, CANCELLED, FAILED, IN_ERROR, READY, ANALYSING)
    before = clock.machine_now() - REJECTED_FILES
    return Batch.mode == FILE, Batch.state.in_(waiting), Batch.updated_at < before


def _remove(file: ImportFile, dry_run: bool) -> int | None:
    """Remove one file and the lines of its batch, and return how many; the batch stays, cancelled, with its trace in the
    journal. None for a file that was taken up again meanwhile: it is left as it is."""
    lines = db.session.scalar(select(db.func.count()).where(BatchLine.batch_id == file.batch_id)) or 0
    if dry_run:
        return lines
    with transaction():
        ended = case((Batch.state == REFUSED, REFUSED), else_=CANCELLED)
        # It takes the lock of the row, like every other move of a batch.
        moved = taken(update(Batch).where(Batch.id == file.batch_id, *_is_left()).values(state=ended))
        if not moved:
            return None
        path, file.path, file.purged_at = str(file.path), None, clock.now()
        db.session.execute(delete(BatchLine).where(BatchLine.batch_id == file.batch_id))
        journal.record(
            "import.purged",
            "batch",
            file.batch_id,
            actor_id=None,
            centre_id=file.batch.centre_id,
            after={"lines": lines},
            reason="30 jours sans import",
        )
    uploads.remove(path)
    return lines


def _orphans(dry_run: bool) -> int:
    """Remove uploads, pictures and half-written files older than a day that no row speaks of; return how many."""
    limit = (clock.machine_now() - ORPHANS).timestamp()
    known = {str(path).split("/")[0] for path in db.session.execute(select(ImportFile.path)).scalars() if path}
    folder = uploads.folder()
    places = [place for place in folder.iterdir() if place.name not in known] if folder.is_dir() else []
    left = [place for place in places if place.stat().st_mtime < limit]
    kept = card_retention.paths_kept()
    drafts = [
        path
        for path, changed in store.entries()
        if changed.timestamp() < limit
        and ("/.tmp-" in path or (path.startswith(card_retention.FOLDERS) and path not in kept))
    ]
    if not dry_run:
        for place in left:
            uploads.remove(f"{place.name}/file")
        for path in drafts:
            store.remove(path)
    return len(left) + len(drafts)


def _work_done(dry_run: bool) -> int:
    """Remove outbox rows of work done long ago: what it led to stands elsewhere."""
    old = Outbox.done_at < clock.machine_now() - WORK_DONE
    count = db.session.scalar(select(db.func.count()).select_from(Outbox).where(old)) or 0
    if count and not dry_run:
        with transaction():
            db.session.execute(delete(Outbox).where(old))
    return count
