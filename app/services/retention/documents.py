"""How long documents are kept: the file while it is of use, number and hash for six years, a file without row for a day."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from sqlalchemy import ColumnElement, func, select, union_all, update

from app.extensions import db
from app.models import Document, Invoice, ServiceContract
from app.models.registration import AVAILABLE, CERTIFICATE, PURGED, RECAP
from app.services.core import clock
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.storage import store
from app.validators.validity import RECAP_YEARS, add_months

#: Documents removed between two commits.
CHUNK = 200
#: A file without a row is what a crash left; it is given a day.
ORPHANS = timedelta(days=1)
#: What `documents.draw` writes; everything else in the store belongs to somebody else.
_OURS = re.compile(r"(?:(?:[0-9]{6}|contracts)/[0-9]+|invoices/[FA][0-9]{4}-[0-9]{6})-[0-9a-f]{12}\.pdf")


@dataclass(frozen=True)
class Ended:
    """Files removed of each kind."""

    certificates: int
    recaps: int


def purge_files(*, dry_run: bool = False) -> Ended:
    """Remove the files of certificates and récapitulatifs that have ended; the rows stay and answer on the verification page.

    The row lets go first, then the file goes: killed in between, the file is one without row.
    """
    if dry_run:
        query = select(Document.kind, func.count()).where(_ended()).group_by(Document.kind)
        return _counted(Counter(dict(db.session.execute(query).tuples().all())))
    removed: Counter[str] = Counter()
    last = 0
    while rows := _next(last):
        last = rows[-1][0]  # among millions that went before, those behind are not looked at again
        kinds = Counter(kind for _, kind, _ in rows)
        with transaction():
            ids = [document_id for document_id, _, _ in rows]
            there = update(Document).where(Document.id.in_(ids))
            db.session.execute(there.where(Document.state == AVAILABLE).values(state=PURGED))
            db.session.execute(there.values(path=None, fault=None, purged_at=clock.now()))
            journal.record(
                "documents.purged",
                "document",
                f"{ids[0]}-{ids[-1]}",
                actor_id=None,
                after={"documents": ids},
                reason="fin de conservation des fichiers",
            )
        for _, _, path in rows:
            store.remove(path)
        removed += kinds
    return _counted(removed)


def forget_hashes(*, dry_run: bool = False) -> int:
    """Drop the hashes of documents that the register no longer answers for, six years after they were established."""
    before = add_months(clock.today(), -12 * RECAP_YEARS)
    old = Document.sha256.is_not(None) & Document.path.is_(None) & (Document.established_on < before)
    count = db.session.scalar(select(func.count()).select_from(Document).where(old)) or 0
    if count and not dry_run:
        with transaction():
            db.session.execute(update(Document).where(old).values(sha256=None))
            journal.record(
                "documents.forgotten",
                "document",
                "all",
                actor_id=None,
                after={"count": count},
                reason="6 ans depuis l’établissement",
            )
    return count


def remove_orphans(*, dry_run: bool = False) -> int:
    """Remove files of documents, signed contracts and invoices older than a day that no row speaks of; return how many.

    One walk through every file, in no share that could be handed on: stores name their files in no order that all of them
    keep, so that none could go on where another job stopped. Memory is bounded, time is not: on millions of files a walk may
    outlast a job. What it removed until then is gone, nothing else is lost, and `flask purge` walks without an end in sight.
    """
    limit = clock.machine_now() - ORPHANS
    old = (path for path, changed in store.entries() if changed < limit and _OURS.fullmatch(path))
    count = 0
    for paths in _chunks(old):
        spoken_of = (select(table.path).where(table.path.in_(paths)) for table in (Document, ServiceContract, Invoice))
        known = set(db.session.execute(union_all(*spoken_of)).scalars())
        orphans = [path for path in paths if path not in known]
        count += len(orphans)
        for path in orphans if not dry_run else ():
            store.remove(path)
    return count


def _ended() -> ColumnElement[bool]:
    return Document.path.is_not(None) & (Document.valid_until < clock.today())


def _next(last: int) -> list[tuple[int, str, str]]:
    d = Document
    query = select(d.id, d.kind, d.path).where(_ended(), d.id > last).order_by(d.id).limit(CHUNK)
    return [(document_id, kind, str(path)) for document_id, kind, path in db.session.execute(query)]


def _counted(kinds: Counter[str]) -> Ended:
    return Ended(kinds[CERTIFICATE], kinds[RECAP])


def _chunks(paths: Iterator[str]) -> Iterator[list[str]]:
    while chunk := list(islice(paths, CHUNK)):
        yield chunk
