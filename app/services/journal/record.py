"""Writing the journal: one row an act, in the transaction of the act itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert

from app.extensions import db
from app.models import JournalEntry
from app.services.core import trace
from app.services.core.clock import now


def record(
    action: str,
    subject_type: str,
    subject_id: object,
    *,
    actor_id: int | None,
    centre_id: int | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Add one entry to the current transaction; ``before`` and ``after`` hold plain JSON values.

    Nothing is read back: who acts may write entries that only others may read.
    """
    db.session.execute(
        insert(JournalEntry)
        .inline()
        .values(
            at=now(),
            actor_id=actor_id,
            centre_id=centre_id,
            action=action,
            subject_type=subject_type,
            subject_id=str(subject_id),
            before=before,
            after=after,
            reason=reason,
            trace=trace.current() or None,
        )
    )


def record_each(
    action: str,
    subject_type: str,
    told: Sequence[tuple[int, dict[str, Any], dict[str, Any]]],
    *,
    actor_id: int | None,
    centre_id: int | None = None,
) -> None:
    """Add an entry for each of many rows that one act changed (id, before, after), in one statement."""
    if not told:
        return
    common = {
        "at": now(),
        "actor_id": actor_id,
        "centre_id": centre_id,
        "action": action,
        "subject_type": subject_type,
        "reason": "",
        "trace": trace.current() or None,
    }
    rows = [{**common, "subject_id": str(id_), "before": before, "after": after} for id_, before, after in told]
    db.session.connection().execute(insert(JournalEntry.__table__), rows)
