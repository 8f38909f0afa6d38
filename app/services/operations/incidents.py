"""What people are told now, and whether they may only read: known to each process without asking the base at each request.

Messages stand in the base. Where the base itself is ill, who runs the program writes one to a file of the data folder; it is
read beside them, by every process that shares the folder.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import SQLAlchemyError

from app.extensions import db
from app.models import Incident
from app.services.core import clock

log = structlog.get_logger()

#: Said to whoever would write meanwhile.
READ_ONLY = "Le service est momentanément en lecture seule : rien n’a été fait, vos brouillons sont conservés."
#: Messages known at once, those to come included.
MOST = 20
#: Seconds after which to try again where nobody knows when it ends; the most that is asked of a caller to wait.
WAIT, LONGEST = 120, 3600
_KEPT = "incidents"


@dataclass(frozen=True, slots=True)
class Notice:
    """A message, from an instant to another (None: until it is ended); ``id`` is 0 for the one of the file."""

    id: int
    text: str
    read_only: bool
    starts_at: datetime
    ends_at: datetime | None

    def holds(self, instant: datetime) -> bool:
        """Tell whether it is told at an instant."""
        return self.starts_at <= instant and (self.ends_at is None or instant < self.ends_at)


def current() -> list[Notice]:
    """Return what is told now, read-only first, then the newest; never asks the base more than once in some seconds."""
    now = clock.machine_now()
    return sorted((one for one in _known() if one.holds(now)), key=lambda one: (not one.read_only, -one.id))


def closed() -> Notice | None:
    """Return the message because of which people may only read now; None while they may write."""
    return next((one for one in current() if one.read_only), None)


def retry_after(notice: Notice) -> int:
    """Return in how many seconds to try again."""
    if notice.ends_at is None:
        return WAIT
    return min(max(int((notice.ends_at - clock.machine_now()).total_seconds()) + 1, 1), LONGEST)


def forget() -> None:
    """Have this process ask again at its next look."""
    current_app.extensions.pop(_KEPT, None)


def file() -> Path:
    """Return the file of the message that does not need the base."""
    return Path(current_app.config["DATA_DIR"]) / "incident.json"


def write_file(notice: Notice | None) -> None:
    """Write the message that does not need the base, whole; None removes it."""
    target = file()
    if notice is None:
        target.unlink(missing_ok=True)
        return
    ends = notice.ends_at.isoformat() if notice.ends_at else None
    said = {
        "text": notice.text,
        "read_only": notice.read_only,
        "starts_at": notice.starts_at.isoformat(),
        "ends_at": ends,
    }
    draft = target.with_suffix(".tmp")
    draft.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
    draft.replace(target)


def of_file() -> Notice | None:
    """Return the message of the file; None without one, or for one that cannot be read (the log says so)."""
    try:
        said: dict[str, Any] = json.loads(file().read_text(encoding="utf-8"))
        ends = datetime.fromisoformat(said["ends_at"]) if said["ends_at"] else None
        return Notice(0, str(said["text"]), bool(said["read_only"]), datetime.fromisoformat(said["starts_at"]), ends)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.error("incident file unreadable", error=type(error).__name__)
        return None


def _known() -> tuple[Notice, ...]:
    kept: tuple[float, tuple[Notice, ...]] | None = current_app.extensions.get(_KEPT)
    now = time.monotonic()
    if kept is not None and now - kept[0] < current_app.config["INCIDENT_SECONDS"]:
        return kept[1]
    try:
        known = _of_base()
    except SQLAlchemyError as error:
        # What was known goes on holding: a base that is away is what people are most often told of.
        log.warning("incidents not read: base away", error=type(error).__name__)
        with suppress(SQLAlchemyError):
            db.session.rollback()
        known = tuple(one for one in kept[1] if one.id) if kept else ()
    beside = of_file()
    known = (*known, beside) if beside else known
    current_app.extensions[_KEPT] = (now, known)
    return known


def standing_clause(now: datetime) -> ColumnElement[bool]:
    """Return, as SQL about `Incident`, whether it is told at a moment, or will be."""
    return Incident.ended_at.is_(None) & (Incident.ends_at.is_(None) | (Incident.ends_at > now))


def _of_base() -> tuple[Notice, ...]:
    i = Incident
    query = (
        select(i.id, i.text, i.read_only, i.starts_at, i.ends_at)
        .where(standing_clause(clock.machine_now()))
        .order_by(i.id.desc())
        .limit(MOST)
    )
    return tuple(Notice(*row) for row in db.session.execute(query))
