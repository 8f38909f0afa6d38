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
    dialect = postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite
    table = cast(Table, model.__table__)
    db.session.connection().execute(dialect.insert(table).on_conflict_do_nothing(), [dict(values)])
