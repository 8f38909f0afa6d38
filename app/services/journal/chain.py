"""The chain that seals the journal: each link's hash covers the link before it, so that a change shows from there on.

Acts are never held up by it: entries are linked a moment later, in the order in which they became visible, by the worker's
relay (`docs/decisions/0009-journal-chain.md`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Row, Select, delete, exists, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.models import JournalCheckpoint, JournalEntry, JournalLink
from app.services.core import clock
from app.services.core.dialect import on_postgresql
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction

log = structlog.get_logger()

#: What the first link leans on.
START = "0" * 64
#: Entries linked in one transaction; entries read at once to verify.
BATCH = 1000
#: No transaction stays open so long: an entry whose number was given out before then is visible by now.
OPEN_AT_MOST = timedelta(hours=1)
#: An entry older than this without a link: the relay has stopped, or links were taken away.
UNSEALED = timedelta(minutes=15)
#: Years that are kept, the running one not counted.
YEARS = 6
#: The number of PostgreSQL's lock that one sealer holds at a time.
_LOCK = 0x43514A4C
#: What a hash covers of an entry: every column of its own.
_NAMES = (
    "id", "at", "actor_id", "centre_id", "action", "subject_type", "subject_id", "before", "after", "reason",
)  # fmt: skip


class ChainBroken(Refusal):
    """The chain does not hold; nothing is purged."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying found. ``wrong``: the first thing, in English, empty when all is well; ``head``: position and hash."""

    wrong: str
    links: int
    unsealed: int
    position: int
    hash: str

    @property
    def head(self) -> str:
        """Return the head of the chain as written down to compare with later."""
        return f"{self.position}:{self.hash}"


def seal() -> int:
    """Link the entries that have none yet and return how many; one sealer works at a time, another does nothing."""
    done = 0
    while made := _seal_some():
        done += made
    if done:
        position, head = _head()
        log.info("journal sealed", entries=done, position=position, hash=head)
    return done


def verify(expected: str = "") -> Verdict:
    """Read the whole chain and every entry; ``expected``: a head written down earlier, which the chain must still hold.

    Found are entries changed, removed or slipped in, links changed or removed, and, by the head, a tail cut off with its
    links. Raises `ValueError` when ``expected`` is no head.
    """
    position, head = start, _ = _checkpoint()
    marked, mark = _parsed(expected)
    wrong = _wrong_checkpoint(start)
    if marked == position and mark != head:
        wrong = wrong or f"the checkpoint at {position} has another hash than the head written down"
    for link in _links(start):
        if wrong:
            break
        wrong = _wrong_link(link, position, head)
        position, head = link.position, link.hash
        if marked == position and mark != head:
            wrong = wrong or f"link {position} has another hash than the head written down"
    if not wrong and marked > position:
        wrong = f"the tail is cut off: the chain ends at {position}, the head written down is at {marked}"
    unsealed = db.session.scalar(select(func.count()).select_from(_unsealed(0).subquery())) or 0
    return Verdict(wrong or _wrong_unsealed(), position - start, unsealed, position, head)


def purge_years(*, dry_run: bool = False) -> int:
    """Remove the entries of whole years that need not be kept, leave a checkpoint, and return how many entries went.

    Only the owner of the tables may; entries sealed after one of a later year wait for the next purge. Raises
    :class:`ChainBroken` rather than remove what a broken chain would tell.
    """
    year = clock.today().year - YEARS - 1
    boundary = datetime(year + 1, 1, 1, tzinfo=clock.PARIS)
    end = _last_position_before(boundary)
    start, _ = _checkpoint()
    if end <= start:
        return 0
    entries = end - start
    if dry_run:
        return entries
    if wrong := verify().wrong:
        raise ChainBroken(f"Le journal n’est pas purgé : sa chaîne est rompue ({wrong}).")
    with transaction():
        head = db.session.execute(select(JournalLink.hash).where(JournalLink.position == end)).scalar_one()
        db.session.add(
            JournalCheckpoint(position=end, hash=head, year=year, entries=entries, made_at=clock.machine_now())
        )
        db.session.flush()
        covered = select(JournalLink.entry_id).where(JournalLink.position <= end)
        db.session.execute(delete(JournalEntry).where(JournalEntry.id.in_(covered)))
        db.session.execute(delete(JournalLink).where(JournalLink.position <= end))
    return entries


def _seal_some() -> int:
    try:
        with transaction():
            if not _alone():
                return 0
            position, head = _head()
            rows = _unsealed(_horizon()).order_by(JournalEntry.id).limit(BATCH)
            now, links = clock.machine_now(), []
            for entry in db.session.execute(rows):
                position, head = position + 1, _hash(head, position + 1, entry)
                links.append({"position": position, "entry_id": entry.id, "hash": head, "sealed_at": now})
            if links:
                db.session.execute(insert(JournalLink), links)
            return len(links)
    except IntegrityError:  # SQLite has no such lock: another sealer was first
        return 0


def _alone() -> bool:
    """Tell whether no other sealer is at work; PostgreSQL holds the lock to the end of the transaction."""
    if not on_postgresql():
        return True
    return bool(db.session.scalar(text(f"SELECT pg_try_advisory_xact_lock({_LOCK})")))


def _columns() -> list[Any]:
    return [getattr(JournalEntry, name) for name in _NAMES]


def _unsealed(horizon: int) -> Select[Any]:
    """Return the query of the entries after the horizon that have no link."""
    has_link = exists().where(JournalLink.entry_id == JournalEntry.id)
    return select(*_columns()).where(JournalEntry.id > horizon, ~has_link)


def _horizon() -> int:
    """Return an entry's number up to which every entry has been visible long enough to be linked, or never will be.

    It keeps each look at what is new short; an entry slipped in below it stays without a link, and is found by that.
    """
    limit = clock.machine_now() - OPEN_AT_MOST
    query = select(JournalLink.entry_id).where(JournalLink.sealed_at < limit).order_by(JournalLink.position.desc())
    return db.session.execute(query.limit(1)).scalar() or 0


def _hash(before: str, position: int, entry: Row[Any]) -> str:
    """Return the hash of a link, in hexadecimal."""
    content = {name: entry._mapping[name] for name in _NAMES} | {"at": entry.at.isoformat(timespec="microseconds")}
    whole = json.dumps([before, position, content], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(whole.encode()).hexdigest()


def _head() -> tuple[int, str]:
    """Return the position and hash that the next link leans on."""
    query = select(JournalLink.position, JournalLink.hash).order_by(JournalLink.position.desc()).limit(1)
    found = db.session.execute(query).one_or_none()
    return (found.position, found.hash) if found else _checkpoint()


def _checkpoint() -> tuple[int, str]:
    """Return the position and hash where the chain starts."""
    query = select(JournalCheckpoint.position, JournalCheckpoint.hash).order_by(JournalCheckpoint.position.desc())
    found = db.session.execute(query.limit(1)).one_or_none()
    return (found.position, found.hash) if found else (0, START)


def _last_position_before(boundary: datetime) -> int:
    """Return the position up to which every entry is older than the boundary."""
    query = (
        select(func.min(JournalLink.position))
        .join(JournalEntry, JournalEntry.id == JournalLink.entry_id)
        .where(JournalEntry.at >= boundary)
    )
    first_kept: int | None = db.session.scalar(query)
    return _head()[0] if first_kept is None else first_kept - 1


def _links(start: int) -> Iterator[Row[Any]]:
    """Yield the links after a position, each with the entry it seals (columns empty where that is gone)."""
    last: int | None = start
    while last is not None:
        query = (
            select(JournalLink.position, JournalLink.entry_id, JournalLink.hash, *_columns())
            .outerjoin(JournalEntry, JournalEntry.id == JournalLink.entry_id)
            .where(JournalLink.position > last)
            .order_by(JournalLink.position)
            .limit(BATCH)
        )
        rows = db.session.execute(query).all()
        yield from rows
        last = rows[-1].position if rows else None


def _wrong_link(link: Row[Any], position: int, head: str) -> str:
    """Return what is wrong with a link that should follow on this position and hash, nothing when it is right."""
    if link.position != position + 1:
        return f"link {position + 1} was removed"
    if link.id is None:
        return f"entry {link.entry_id} of link {link.position} was removed"
    if _hash(head, link.position, link) != link.hash:
        return f"link {link.position} does not hold: entry {link.entry_id} or the link was changed"
    return ""


def _wrong_checkpoint(position: int) -> str:
    year = db.session.scalar(select(func.max(JournalCheckpoint.year))) or 0
    if year >= clock.today().year - YEARS:
        return f"the checkpoint at {position} covers {year}, which is to be kept"
    left = db.session.scalar(select(func.count()).where(JournalLink.position <= position)) or 0
    return f"{left} links stand before the checkpoint at {position}" if left else ""


def _wrong_unsealed() -> str:
    """Return what is wrong with the entries that have no link, nothing where they are merely fresh."""
    horizon = _horizon()
    query = _unsealed(0).order_by(JournalEntry.id).limit(1)
    first = db.session.execute(query).one_or_none()
    if first is not None and first.id <= horizon:
        return f"entry {first.id} was slipped in, or its link taken away"
    if first is not None and first.at < clock.now() - UNSEALED:
        return f"entry {first.id} has had no link for too long: the relay has stopped, or links were taken away"
    return ""


def _parsed(head: str) -> tuple[int, str]:
    """Return position and hash of a head written down; (-1, "") where none is given."""
    position, _, value = head.partition(":")
    return (int(position), value) if head else (-1, "")
