"""Whether the program can work: its base, its queue, its store. Answers say which, never why: the page is public."""

from __future__ import annotations

from contextlib import suppress

import structlog
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.extensions import db
from app.services.core import queue
from app.services.storage import store

log = structlog.get_logger()


def checks() -> dict[str, bool]:
    """Return what the program leans on → whether it answers; the reason of a failure goes to the log."""
    return {"base": _base(), "queue": _queue(), "store": _store()}


def _base() -> bool:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        with suppress(SQLAlchemyError):
            db.session.rollback()
        return _failed("base", error)
    return True


def _queue() -> bool:
    try:
        return bool(queue.connection().ping())
    except RedisError as error:
        return _failed("queue", error)


def _store() -> bool:
    try:
        store.check()
    except OSError as error:
        return _failed("store", error)
    return True


def _failed(what: str, error: Exception) -> bool:
    log.warning("not ready", what=what, error=type(error).__name__)
    return False
