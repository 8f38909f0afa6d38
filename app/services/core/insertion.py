"""Rows in, unless a unique constraint knows them already: two who write the same at once share them, neither fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from flask_appbuilder import Model
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from app.extensions import db


def insert_if_new(model: type[Model], values: Mapping[str, Any]) -> bool:
    """Insert a row in the caller's transaction and tell whether it was new: one that breaks a unique constraint is left out."""
    key = cast(Table, model.__table__).primary_key.columns
    return db.session.connection().execute(_ignoring(model).returning(*key), dict(values)).first() is not None


def id_if_new(model: type[Model], values: Mapping[str, Any]) -> int | None:
    """Insert a row likewise and return its id, None for one left out; the actor must be one who sees the row."""
    table = cast(Table, model.__table__)
    written = db.session.connection().execute(_ignoring(model).returning(table.c.id), dict(values))
    found: int | None = written.scalar_one_or_none()
    return found


def insert_new(model: type[Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert some rows as :func:`insert_if_new`, in one statement."""
    if rows:
        db.session.connection().execute(_ignoring(model), [dict(row) for row in rows])


def _ignoring(model: type[Model]) -> Any:
    dialect = postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(cast(Table, model.__table__)).on_conflict_do_nothing()
