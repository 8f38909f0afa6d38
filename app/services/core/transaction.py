"""The one place that commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from flask import g, has_app_context
from sqlalchemy import text

from app.extensions import db

from .dialect import on_postgresql

_is_whole: ContextVar[bool] = ContextVar("is_whole", default=False)


@contextmanager
def transaction(*, durable: bool = False, always: bool = False) -> Iterator[None]:
    """Commit at the end, roll back on any exception.

    What a request that only looks (HEAD) writes is never kept, unless ``always``: a call counts, however it is made.

    ``durable``: on SQLite the commit reaches the disk before it is answered (a registration is a legal act); PostgreSQL
    always does so.

    Inside :func:`whole` it joins that one: nothing is committed before its end.
    """
    if _is_whole.get():
        yield
        db.session.flush()
        return
    on_sqlite = not on_postgresql()
    if durable and on_sqlite:
        db.session.rollback()  # PRAGMA synchronous is ignored inside a transaction
        db.session.execute(text("PRAGMA synchronous=FULL"))
    try:
        yield
        if always or not _only_looks():
            db.session.commit()
        else:
            db.session.flush()  # the rest of the request reads it; it goes with the session
    except BaseException:
        db.session.rollback()
        raise
    finally:
        if durable and on_sqlite:
            db.session.execute(text("PRAGMA synchronous=NORMAL"))
            db.session.rollback()


@contextmanager
def whole() -> Iterator[None]:
    """Make one transaction of many acts, each of which has its own elsewhere: all stand at the end, or none.

    Whatever one of them raises ends all, even where its caller would go on.
    """
    with transaction():
        before = _is_whole.set(True)
        try:
            yield
        finally:
            _is_whole.reset(before)


def is_whole() -> bool:
    """Tell whether what is written now becomes visible later only, at the end of :func:`whole`."""
    return _is_whole.get()


def _only_looks() -> bool:
    return bool(has_app_context() and g.get("only_looks", False))
