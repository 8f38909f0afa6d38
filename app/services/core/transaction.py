"""The one place that commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from app.extensions import db


@contextmanager
def transaction(*, durable: bool = False) -> Iterator[None]:
    """Commit at the end, roll back on any exception.

    ``durable``: on SQLite the commit reaches the disk before it is answered (a registration is a legal act); PostgreSQL
    always does so.
    """
    on_sqlite = db.session.get_bind().dialect.name == "sqlite"
    if durable and on_sqlite:
        db.session.rollback()  # PRAGMA synchronous is ignored inside a transaction
        db.session.execute(text("PRAGMA synchronous=FULL"))
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    finally:
        if durable and on_sqlite:
            db.session.execute(text("PRAGMA synchronous=NORMAL"))
            db.session.rollback()
