"""Rows in, unless a unique constraint knows them already: two who write the same at once share them, neither fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from flask_appbuilder import Model
from sqlalchemy import Table

from app.extensions import db

from .dialect import insert_ignoring


def insert_if_new(model: type[Model], values: Mapping[str, Any]) -> bool:
    """Insert a row in the caller's transaction and tell whether it was new: one that breaks a unique constraint is left out."""
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
