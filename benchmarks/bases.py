"""The bases the benchmarks run on: migrated, with the demonstration centre, made for the run and dropped after it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from unittest.mock import patch

import psycopg
import pytest
from flask import Flask

from app.extensions import db
from tests.backends import POSTGRES, Postgres, PostgresRole, Sqlite, create, settings

from .table import note

Base = Sqlite | Postgres
KINDS: dict[str, type[Base]] = {"sqlite": Sqlite, "postgresql": Postgres}
TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@contextmanager
def opened(folder: Path, alone: str = "", *, by_role: bool = False) -> Iterator[list[Base]]:
    """Open SQLite, and PostgreSQL where it answers (or one ``alone``); antivirus and queue, not measured, are kept out.

    ``by_role``: on PostgreSQL the program works as a role of its own, below the policies, as in production.
    """
    with ExitStack() as stack:
        bases: list[Base] = []
        for name, title in TITLES.items():
            if alone not in ("", name):
                continue
            (folder / name).mkdir()
            try:
                kind = PostgresRole if by_role and name == "postgresql" else KINDS[name]
                base: Base = kind(folder / name)
            except pytest.skip.Exception:
                note(f"{title} does not answer: its rows are left out")
                continue
            stack.callback(base.close)
            bases.append(base)
        stack.enter_context(patch("app.services.imports.antivirus.check"))
        stack.enter_context(patch("app.services.core.outbox.ring"))
        yield bases


def title(base: Base) -> str:
    """Return the name of a base as its makers write it."""
    return TITLES[base.name.removesuffix("-role")]


def by_owner(base: Base) -> Flask:
    """Return the program on a base as the owner of its tables: who fills it."""
    return create(settings(base.folder, base.url)) if isinstance(base, PostgresRole) else base.app


def let_go(base: Base) -> None:
    """Close every connection of this process, so that the base can be copied."""
    if isinstance(base, Postgres):
        base.let_go()
    with base.app.app_context():
        db.session.remove()
        db.engine.dispose()


@contextmanager
def snapshot(base: Base) -> Iterator[Snapshot]:
    """Keep a base as it stands now, for as long as the block lasts."""
    kept = Snapshot(base)
    try:
        yield kept
    finally:
        kept.drop()


class Snapshot:
    """A base as it stood, to be put back as often as wanted."""

    def __init__(self, base: Base) -> None:
        self.base = base
        let_go(base)
        if isinstance(base, Sqlite):
            self.file = base.folder / "snapshot.db"  # the last connection has emptied the journal into the file
            shutil.copy(base.file, self.file)
        else:
            self.name = f"{base.names}_snapshot"
            _administer(f"CREATE DATABASE {self.name} TEMPLATE {base.names}")

    def put_back(self) -> None:
        """Make the base again what it was."""
        let_go(self.base)
        if isinstance(self.base, Sqlite):
            for suffix in ("-wal", "-shm"):
                self.base.file.with_name(self.base.file.name + suffix).unlink(missing_ok=True)
            shutil.copy(self.file, self.base.file)
        else:
            _administer(
                f"DROP DATABASE {self.base.names} WITH (FORCE)",
                f"CREATE DATABASE {self.base.names} TEMPLATE {self.name}",
            )
            # The copy's own writing must not fall into what is measured next; not every user may say so.
            with suppress(psycopg.errors.InsufficientPrivilege):
                _administer("CHECKPOINT")

    def drop(self) -> None:
        """Remove the copy."""
        if isinstance(self.base, Sqlite):
            self.file.unlink()
        else:
            _administer(f"DROP DATABASE {self.name} WITH (FORCE)")


def _administer(*statements: str) -> None:
    with psycopg.connect(POSTGRES, autocommit=True) as admin:
        for statement in statements:
            admin.execute(statement)
