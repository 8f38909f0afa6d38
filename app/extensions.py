"""Extensions, unbound: `create_app` binds them to one application."""

from __future__ import annotations

import sqlite3
from typing import Any

from flask_appbuilder import AppBuilder, Model
from flask_mail import Mail
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import event
from sqlalchemy.engine import Engine

#: One metadata for Flask-AppBuilder's tables and ours, so that migrations see them all.
db = SQLAlchemy(metadata=Model.metadata)
migrate = Migrate()
csrf = CSRFProtect()
mail = Mail()


def new_appbuilder() -> AppBuilder:
    """Return a fresh AppBuilder: it keeps the views of one application, so each application has its own."""
    return AppBuilder()


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Give each SQLite connection what our invariants lean on: foreign keys, a log that readers pass, patience."""
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.create_function(
        "lower", 1, lambda text: text.lower() if isinstance(text, str) else text, deterministic=True
    )
    cursor = connection.cursor()
    # A log of 32 MiB between two checkpoints: each checkpoint waits for the disk, and a report writes some 60 MiB.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "busy_timeout=10000",
        "wal_autocheckpoint=8000",
        "cache_size=-32000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
