"""Extensions, unbound: `create_app` binds them to one application."""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg
import structlog
from flask_appbuilder import AppBuilder, Model
from flask_mail import Mail
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

log = structlog.get_logger()


class Base(SQLAlchemy):
    """The base; where it goes while an answer leaves, the answer stands, and the next request begins afresh."""

    def _teardown_session(self, exc: BaseException | None) -> None:
        """Let go of the session: there is nothing to roll back on a connection that is lost."""
        try:
            super()._teardown_session(exc)
        except DBAPIError as error:
            self.session.registry.clear()
            log.warning("session lost with the base", error=type(error.orig).__name__)


#: One metadata for Flask-AppBuilder's tables and ours, so that migrations see them all.
db = Base(metadata=Model.metadata)
migrate = Migrate()
csrf = CSRFProtect()
mail = Mail()


def new_appbuilder() -> AppBuilder:
    """Return a fresh AppBuilder: it keeps the views of one application, so each application has its own."""
    return AppBuilder()


@event.listens_for(Engine, "connect")
def _prepare(connection: Any, _record: Any) -> None:
    """Give each connection what we lean on."""
    if isinstance(connection, sqlite3.Connection):
        _prepare_sqlite(connection)
    elif isinstance(connection, psycopg.Connection):
        # Compiling a statement of many conditions took 1.2 s, and running it 0.1 (the month's reconciliation, 30,000 lines).
        connection.autocommit = True
        connection.execute("SET jit = off")
        connection.autocommit = False


def _prepare_sqlite(connection: sqlite3.Connection) -> None:
    """Foreign keys, a log that readers pass, patience."""
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
