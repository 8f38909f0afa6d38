"""Alembic's environment: one metadata for Flask-AppBuilder's tables and ours, written portably."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa
from alembic import context
from flask import current_app
from flask_appbuilder import Model
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy.types import TypeDecorator

#: Seconds in which people go on before a table is asked for again: longer than it was waited for.
PAUSE = 1.5


def _render_item(kind: str, item: Any, autogen: Any) -> str | bool:
    """Write our own column types as what they are in the base, so that old migrations never import the program."""
    if kind == "type" and isinstance(item, sa.JSON):
        autogen.imports.add("from sqlalchemy.dialects import postgresql")
        return "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')"
    if kind == "type" and isinstance(item, TypeDecorator) and type(item).__module__.startswith("app."):
        return f"sa.{item.impl!r}"
    return False


def _wait_for_nobody_long(connection: sa.Connection) -> None:
    """Give a lock up after a moment: whoever waits for one on a busy table holds up everybody who comes after."""
    if connection.dialect.name == "postgresql":
        milliseconds = int(current_app.config["MIGRATION_LOCK_SECONDS"] * 1000)
        connection.exec_driver_sql(f"SET lock_timeout = {milliseconds}")
        connection.commit()  # Alembic begins its own transactions


def run() -> None:
    """Run the migrations as the owner of the tables, each in a transaction; again and again where somebody holds a table that
    one needs, and say so where it was held each time.
    """
    owner = current_app.config["DATABASE_OWNER_URL"]
    engine = sa.create_engine(owner) if owner else current_app.extensions["migrate"].db.engine
    until = time.monotonic() + current_app.config["MIGRATION_PATIENCE"]
    while not _done(engine):
        if time.monotonic() > until:
            raise SystemExit(
                "A table is held by somebody's transaction: the migration that needs it was given up, nothing of it stands, "
                "people go on working. Run it again."
            )
        time.sleep(PAUSE)


def _done(engine: sa.Engine) -> bool:
    """Run what is left of the migrations, and tell whether nobody stood in the way."""
    try:
        _run(engine)
    except sa.exc.OperationalError as error:
        if isinstance(error.orig, (LockNotAvailable, DeadlockDetected)):
            return False
        raise
    return True


def _run(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        _wait_for_nobody_long(connection)
        context.configure(
            connection=connection, target_metadata=Model.metadata, render_item=_render_item, compare_type=True,
            render_as_batch=connection.dialect.name == "sqlite", transaction_per_migration=True,
        )  # fmt: skip
        with context.begin_transaction():
            context.run_migrations()


run()
