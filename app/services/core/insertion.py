"""One row in, unless a unique constraint knows it already: two who write the same at once share it, neither fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flask_appbuilder import Model
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from app.extensions import db


def insert_if_new(model: type[Model], values: Mapping[str, Any]) -> None:
    """Insert a row in the caller's transaction; a row that breaks a unique constraint is left out."""
    db.session.connection().execute(_statement(model), [dict(values)])


def id_if_new(model: type[Model], values: Mapping[str, Any]) -> int | None:
    """Insert a row likewise and return its id, None for one left out; the actor must be one who sees the row."""
    table = cast(Table, model.__table__)
    written = db.session.connection().execute(_statement(model).returning(table.c.id), dict(values))
    found: int | None = written.scalar_one_or_none()
    return found


def _statement(model: type[Model]) -> Any:
    dialect = postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(cast(Table, model.__table__)).on_conflict_do_nothing()
