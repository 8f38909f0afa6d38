"""The real bases tests run against: a copy of a migrated and seeded template, fresh for each test."""

from __future__ import annotations

import gc
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder import Model
from flask_migrate import upgrade
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import event
from sqlalchemy.engine import make_url
from werkzeug.test import TestResponse

from app import create_app
from app.extensions import db
from app.french.spaces import plain
from app.services.demonstration import demonstration
from app.services.operations import database_role
from config import ROOT, Test

#: The day all tests live on, unless one says otherwise: that of the reference document's two tables.
TODAY = "2022-01-10"
POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql:///postgres")
REQUIRED = os.environ.get("REQUIRE_SERVICES") == "1"


def missing(part: str) -> None:
    """Skip a test whose part of the machine is not there; fail where it must be (CI)."""
    if REQUIRED:
        pytest.fail(f"{part} is required here and does not answer")
    pytest.skip(f"{part} does not answer")


def settings(folder: Path, database_url: str, **env: str) -> Test:
    """Return test settings on that base; the queue is nowhere unless REDIS_URL says so."""
    return Test({"DATA_DIR": str(folder), "DATABASE_URL": database_url, "TODAY": TODAY, "SECRET_KEY": "x" * 32, **env})


def _empty(folder: Path) -> None:
    """Remove what the last test left in the data folder: documents, mails, uploads."""
    for name in ("documents", "exports", "mails", "uploads"):
        shutil.rmtree(folder / name, ignore_errors=True)


class Compiled(BytecodeCache):
    """What templates compile to, kept by the process: written to a file, it would outlive a change of the filters in it."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket with what is kept under its name."""
        if kept := self._kept.get(bucket.key):
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what is in the bucket."""
        self._kept[bucket.key] = bucket.bytecode_to_string()


TEMPLATES = Compiled()


def create(settings: Test) -> Flask:
    """Return an application; it reads the templates that another of this process has compiled."""
    app = create_app(settings)
    app.test_client_class = Browser
    app.jinja_env.bytecode_cache = TEMPLATES
    return app


class Browser(FlaskClient):
    """A test client whose requests share nothing with the test's own context, as in life: `g` is fresh each time.

    It reads the no-break spaces at punctuation, which `tests/walls/test_french_spaces.py` looks at, as the spaces of sentences.
    """

    reads_plain = True

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send one request in a context of its own."""
        with self.application.app_context():
            response = super().open(*args, **{"buffered": True, **kwargs})
        if self.reads_plain and response.mimetype == "text/html":
            shown = response.get_data(as_text=True)
            if (read := plain(shown)) != shown:
                sent = response.headers["Content-Length"]
                response.set_data(read)
                response.headers["Content-Length"] = sent
        return response


def never_wait_for_the_disk(connection: Any, _record: Any = None) -> None:
    """Leave writing to the system: no test cuts the power, and each waited twenty milliseconds for a base it throws away."""
    connection.execute("PRAGMA synchronous=OFF")


class Sqlite:
    """A file, copied from the template before each test."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.folder, self.template, self.file = folder, folder / "template.db", folder / "test.db"
        self.app = _template_app(folder, f"sqlite:///{self.template}")
        shutil.copy(self.template, self.file)
        self.app = create(settings(folder, f"sqlite:///{self.file}"))
        with self.app.app_context():
            event.listen(db.engine, "connect", never_wait_for_the_disk)

    def reset(self) -> None:
        """Put the seeded base back, the data folder empty."""
        _empty(self.folder)
        with self.app.app_context():
            db.session.remove()
            if db.engine.pool.checkedout():  # type: ignore[attr-defined]  held by what a test left in a cycle
                gc.collect()
            db.engine.dispose()
        # A file of its own: a connection that is open yet shares nothing with the next.
        for suffix in ("", "-wal", "-shm"):
            self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)
        shutil.copy(self.template, self.file)

    def close(self) -> None:
        """Let go of the file."""
        with self.app.app_context():
            db.engine.dispose()


class Postgres:
    """A database of its own, dropped at the end; its seeded rows are kept beside and put back before each test.

    Putting rows back takes a twentieth of the time it takes to make a database anew.
    """

    name = "postgresql"
    #: The connection that puts the rows back, as the owner.
    keeper: psycopg.Connection | None = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names = f"cqc_test_{uuid.uuid4().hex[:8]}"
        try:
            with psycopg.connect(POSTGRES, autocommit=True, connect_timeout=3) as admin:
                admin.execute(f"CREATE DATABASE {self.names}")
                admin.execute(
                    f"ALTER DATABASE {self.names} SET synchronous_commit = off"
                )  # as `never_wait_for_the_disk`
        except psycopg.OperationalError:
            missing("PostgreSQL")
        self.url = _sibling(self.names)
        owner = _template_app(folder, self.url)
        self.app = create(self.settings(owner))
        self.tables = [f'"{table.name}"' for table in Model.metadata.sorted_tables]
        with psycopg.connect(self.url) as base:
            base.execute("CREATE SCHEMA seed")
            for table in self.tables:
                base.execute(f"CREATE TABLE seed.{table} AS TABLE public.{table}")
            self._keep_how_to_put_back(base)

    def _keep_how_to_put_back(self, base: psycopg.Connection) -> None:
        """Write it as a function of the base: on a connection that stays, it is planned once, and passes over what is empty."""
        seeded = {table for table in self.tables if base.execute(f"SELECT 1 FROM seed.{table} LIMIT 1").fetchone()}
        steps = [
            f"DELETE FROM public.{table};"
            if table in seeded
            else f"IF EXISTS (SELECT FROM public.{table}) THEN DELETE FROM public.{table}; END IF;"
            for table in reversed(self.tables)
        ]
        steps += [f"INSERT INTO public.{table} SELECT * FROM seed.{table};" for table in self.tables if table in seeded]
        for name, last in base.execute("SELECT sequencename, last_value FROM pg_sequences").fetchall():
            steps.append(f"PERFORM setval('{name}', {last or 1}, {bool(last)});")
        body = "\n".join(steps)
        base.execute(f"CREATE FUNCTION seed.put_back() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\n{body}\nEND $$")

    def settings(self, owner: Flask) -> Test:
        """Return the settings of the application under test; ``owner`` is one on the same base."""
        return settings(self.folder, self.url)

    def reset(self) -> None:
        """Put the seeded rows and the counters back, the data folder empty."""
        _empty(self.folder)
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()
        if self.keeper is None or self.keeper.closed:
            self.keeper = psycopg.connect(self.url, autocommit=True)
            # As a replica: the journal's triggers, which refuse to delete, do not fire.
            self.keeper.execute("SET lock_timeout = 10000; SET session_replication_role = replica")
        self.keeper.execute("SELECT seed.put_back()")

    def let_go(self) -> None:
        """Close the connection that puts rows back: a base that is copied has none."""
        if self.keeper:
            self.keeper.close()

    def close(self) -> None:
        """Drop the database."""
        with self.app.app_context():
            db.engine.dispose()
        self.let_go()
        with psycopg.connect(POSTGRES, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {self.names} WITH (FORCE)")


class PostgresRole(Postgres):
    """The same, the application under a role of its own: row-level security holds for it."""

    name = "postgresql-role"

    def settings(self, owner: Flask) -> Test:
        """Make the role, and return settings that use it."""
        url = make_url(self.url).set(username=self.names, password=uuid.uuid4().hex)
        application = url.render_as_string(hide_password=False)
        with owner.app_context():
            database_role.grant(application)
            db.engine.dispose()
        return settings(self.folder, application, DATABASE_OWNER_URL=self.url)

    def close(self) -> None:
        """Drop the database, then the role."""
        super().close()
        with psycopg.connect(POSTGRES, autocommit=True) as admin:
            admin.execute(f"DROP ROLE {self.names}")


def _sibling(name: str) -> str:
    """Return the address of another database of the same server."""
    return str(make_url(POSTGRES).set(database=name).render_as_string(hide_password=False))


def _template_app(folder: Path, database_url: str) -> Flask:
    app = create_app(settings(folder, database_url))
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        demonstration.load()
        db.session.remove()
        db.engine.dispose()
    return app


BACKENDS = {kind.name: kind for kind in (Sqlite, Postgres, PostgresRole)}
