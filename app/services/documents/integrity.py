"""Whether the stored documents are still what was sealed: each file read again, its hash and its seal compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update

from app.extensions import db
from app.models import Document
from app.models.outbox import NIGHTLY, VERIFY
from app.models.registration import CHANGED, MISSING, UNREADABLE, UNSEALED
from app.services.core import outbox
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.operations import nightly
from app.services.seal import checking as seal_check
from app.services.seal.checking import Finding
from app.services.storage import store

#: Documents read between two commits, and by one job (well within its time, also over a network).
CHUNK, A_JOB = 200, 1000


@dataclass
class Report:
    """How many documents were looked at, how many have which fault, and the id to go on from (None at the end)."""

    checked: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    after: int | None = 0

    @property
    def is_sound(self) -> bool:
        """Tell whether every document is what was stored."""
        return not self.faults

    def add(self, other: Report) -> None:
        """Count another part of the same look."""
        self.checked, self.after = self.checked + other.checked, other.after
        self.faults.update(other.faults)


def verify_all() -> Report:
    """Look at every stored document and return what was found, noted on the documents and in the journal.

    Raises OSError when the store itself does not answer: nothing is noted then.
    """
    store.check()
    report = Report()
    while report.after is not None:
        with transaction():
            report.add(_verify(report.after, CHUNK))
    with transaction():
        _conclude(report)
    return report


def verify_in_turn(payload: dict[str, Any]) -> None:
    """Look at one job's share of the documents, in the caller's transaction, and make the next share due."""
    report = Report(payload.get("checked", 0), Counter(payload.get("faults", {})), payload.get("after", 0))
    store.check()
    report.add(_verify(report.after or 0, A_JOB))
    if report.after is None:
        _conclude(report)
        return
    rest = {"task": VERIFY, "after": report.after, "checked": report.checked, "faults": dict(report.faults)}
    outbox.add(NIGHTLY, [rest], first_turn=nightly.LAST_TURN)


def look(after: int, count: int) -> list[tuple[Any, str | None]]:
    """Read so many stored documents beyond an id, and return each (``id``, ``path``, ``fault``: what the last look noted) with
    what is wrong with its file now; nothing is noted.
    """
    d = Document
    query = (
        select(d.id, d.path, d.sha256, d.sealed_at, d.fault)
        .where(d.id > after, d.path.is_not(None))
        .order_by(d.id)
        .limit(count)
    )
    rows = db.session.execute(query).all()
    return [(row, _fault(row.path, row.sha256, row.sealed_at is not None)) for row in rows]


def _verify(after: int, count: int) -> Report:
    """Look at so many documents beyond an id and note what changed since the last look."""
    # All is read before the first write, so that the base is locked for a moment only.
    found = look(after, count)
    _note([(row.id, row.fault, fault) for row, fault in found if fault != row.fault])
    faults = Counter(fault for _, fault in found if fault)
    return Report(len(found), faults, found[-1][0].id if len(found) == count else None)


def _fault(path: str, sha256: str, is_sealed: bool) -> str | None:
    try:
        content = store.get(path, sha256)
    except store.Changed:
        return CHANGED
    except store.Unreadable:
        return UNREADABLE
    except store.Missing:
        return MISSING
    return UNSEALED if is_sealed and seal_check.look(content) is not Finding.INTACT else None


def _note(changes: Sequence[tuple[int, str | None, str | None]]) -> None:
    for document_id, before, after in changes:
        db.session.execute(update(Document).where(Document.id == document_id).values(fault=after))
        journal.record(
            "document.fault" if after else "document.mended",
            "document",
            document_id,
            actor_id=None,
            before={"fault": before},
            after={"fault": after},
        )


def _conclude(report: Report) -> None:
    journal.record(
        "documents.verified",
        "document",
        "all",
        actor_id=None,
        after={"checked": report.checked, "faults": dict(report.faults)},
    )
