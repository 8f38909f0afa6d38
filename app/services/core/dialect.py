"""SQLite or PostgreSQL: the one place that asks which base it is, and says what each writes in words of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from flask_appbuilder import Model
from sqlalchemy import Connection, Engine, Table, false, update
from sqlalchemy.dialects import postgresql, sqlite

from app.extensions import db


def on_postgresql(base: Connection | Engine | None = None) -> bool:
    """Tell whether a connection, or an engine, leads to PostgreSQL; the session's base by default. Else it is SQLite."""
    return bool((base or db.session.get_bind()).dialect.name == "postgresql")


def be_the_writer(model: type[Model]) -> None:
    """On SQLite, be the only one who writes, from before anything is read to the end of the transaction: a write of no row
    takes its one lock. On PostgreSQL nothing: who needs a lock there takes its own.
    """
    if not on_postgresql():
        table = _table(model)
        db.session.execute(update(table).where(false()).values(id=table.c.id))


def insert_ignoring(table: Table) -> Any:
    """Return an INSERT into a table that leaves out the rows a unique constraint refuses."""
    return _insert(table).on_conflict_do_nothing()


def insert_or_change(table: Table, key: Iterable[str], changes: Mapping[str, Any]) -> Any:
    """Return an INSERT into a table that changes the row of the same key (columns, unique together) where one stands."""
    return _insert(table).on_conflict_do_update(index_elements=list(key), set_=dict(changes))


def insert_if_new(model: type[Model], values: Mapping[str, Any]) -> bool:
    """Insert a row in the caller's transaction, unless a unique constraint knows it already, and tell whether it was new.

    So two who write the same at once share the row, and neither fails.
    """
    table = _table(model)
    statement = insert_ignoring(table).returning(*table.primary_key.columns)
    return db.session.connection().execute(statement, dict(values)).first() is not None


def id_if_new(model: type[Model], values: Mapping[str, Any]) -> int | None:
    """Insert a row likewise and return its id, None for one left out; the actor must be one who sees the row."""
    table = _table(model)
    written = db.session.connection().execute(insert_ignoring(table).returning(table.c.id), dict(values))
    found: int | None = written.scalar_one_or_none()
    return found


def insert_new(model: type[Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert some rows as :func:`insert_if_new`, in one statement."""
    if rows:
        db.session.connection().execute(insert_ignoring(_table(model)), [dict(row) for row in rows])


def _table(model: type[Model]) -> Table:
    return cast(Table, model.__table__)


def _insert(table: Table) -> Any:
    return (postgresql if on_postgresql() else sqlite).insert(table)
