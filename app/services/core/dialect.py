"""SQLite or PostgreSQL: the one place that asks which base it is, and says what each writes in words of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.dialects import postgresql, sqlite

from app.extensions import db


def on_postgresql(base: Connection | Engine | None = None) -> bool:
    """Tell whether a connection, or an engine, leads to PostgreSQL; the session's base by default. Else it is SQLite."""
    return bool((base or db.session.get_bind()).dialect.name == "postgresql")


def insert_ignoring(table: Table) -> Any:
    """Return an INSERT into a table that leaves out the rows a unique constraint refuses."""
    return _insert(table).on_conflict_do_nothing()


def insert_or_change(table: Table, key: Iterable[str], changes: Mapping[str, Any]) -> Any:
    """Return an INSERT into a table that changes the row of the same key (columns, unique together) where one stands."""
    return _insert(table).on_conflict_do_update(index_elements=list(key), set_=dict(changes))


def _insert(table: Table) -> Any:
    return (postgresql if on_postgresql() else sqlite).insert(table)
