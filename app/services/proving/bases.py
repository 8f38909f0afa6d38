"""The base as one file: SQLite by its online backup, PostgreSQL by its own tools; each taken in one view of the base while
people work, each put back whole or not at all.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from subprocess import Popen
from typing import IO, Any

from psycopg import pq
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.engine import URL

from app.extensions import db
from app.services.core.dialect import on_postgresql
from app.services.core.refusal import Refusal

SQLITE, POSTGRESQL = "sqlite", "postgresql"
FILES = {SQLITE: "base.sqlite", POSTGRESQL: "base.pgdump"}
#: Ends a transaction badly.
_STOP = "DO $stop$ BEGIN RAISE EXCEPTION 'The base of the backup could not be read to its end.'; END $stop$;\n"


class ToolFailed(Refusal):
    """A tool of the base is not there, or says why it could not do its work."""


class NotEmpty(Refusal):
    """The place holds something already: nothing is restored over it."""


class NotTheSame(Refusal):
    """What came out of the backup is not what went in; nothing is kept of it."""


def kind() -> str:
    """Return which base it is."""
    return POSTGRESQL if on_postgresql(db.engine) else SQLITE


@contextmanager
def taken(target: Path) -> Iterator[Connection]:
    """Write the base to a file, and give a connection on the very state that was written. Raises :class:`ToolFailed`.

    As the owner of the tables on PostgreSQL: of another role row-level security would leave rows out, so its tools refuse.
    """
    if kind() == SQLITE:
        with _sqlite_taken(target) as connection:
            yield connection
        return
    with db.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        words = ["pg_dump", "--format=custom", f"--snapshot={snapshot}", "--no-owner", "--no-privileges"]
        _tool([*words, f"--file={target}"], db.engine.url)
        yield connection


def counts(connection: Connection) -> dict[str, int]:
    """Return how many rows each table holds."""
    names = sorted(inspect(connection).get_table_names())
    return {name: int(connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()) for name in names}  # noqa: S608


def require_empty() -> None:
    """Raise :class:`NotEmpty` where the base has tables already."""
    path = db.engine.url.database or ""
    if kind() == SQLITE and not (Path(path).exists() and Path(path).stat().st_size):
        return
    with db.engine.connect() as connection:
        if inspect(connection).get_table_names():
            raise NotEmpty("The base holds tables already: a backup is restored into an empty one only.")
    db.engine.dispose()


def put_back(source: Path, expected: dict[str, int]) -> None:
    """Make the base what the file holds, whole or not at all. Raises :class:`ToolFailed` or :class:`NotTheSame`."""
    if kind() == SQLITE:
        _sqlite_put_back(source, expected)
    else:
        _postgresql_put_back(source, expected)


@contextmanager
def _sqlite_taken(target: Path) -> Iterator[Connection]:
    with (
        closing(sqlite3.connect(str(db.engine.url.database), timeout=30)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)  # in one step: writers go on meanwhile, and it is not begun anew by them
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
    _sync(target)
    engine = create_engine(f"sqlite:///{target}")
    event.listen(engine, "connect", lambda raw, _record: raw.execute("PRAGMA journal_mode = DELETE"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _sqlite_put_back(source: Path, expected: dict[str, int]) -> None:
    target = Path(str(db.engine.url.database))
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".restoring-")
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file, source.open("rb") as content:
            while piece := content.read(1024 * 1024):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        _judge(draft, expected)
        for beside in ("-wal", "-shm"):  # what an empty base that was looked at left
            target.with_name(target.name + beside).unlink(missing_ok=True)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _judge(base: Path, expected: dict[str, int]) -> None:
    """Raise :class:`NotTheSame` unless a file is a sound base with so many rows in each table."""
    try:
        with closing(sqlite3.connect(f"file:{base}?mode=ro&immutable=1", uri=True)) as copy:
            said = [row[0] for row in copy.execute("PRAGMA integrity_check(1)")]
            if said != ["ok"]:
                raise NotTheSame(f"The base of the backup is damaged: {said[0]}.")
            orphan = copy.execute("PRAGMA foreign_key_check").fetchone()
            if orphan is not None:
                raise NotTheSame(
                    f"The base of the backup is damaged: a row of {orphan[0]} leads to none of {orphan[2]}."
                )
            for table, count in expected.items():
                (found,) = copy.execute(f'SELECT count(*) FROM "{table}"').fetchone()  # noqa: S608  names of the manifest
                if found != count:
                    raise NotTheSame(f"The table {table} holds {found} rows, {count} were backed up.")
    except sqlite3.DatabaseError as error:
        raise NotTheSame(f"The base of the backup cannot be read: {error}.") from None


def _postgresql_put_back(source: Path, expected: dict[str, int]) -> None:
    """Restore in one transaction, which ends well only where the file was read to its end and each table holds as many rows as
    were backed up.
    """
    words = ["psql", "--no-psqlrc", "--quiet", "--output=/dev/null", "--single-transaction", "--set=ON_ERROR_STOP=1"]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as answered:
        from_file = ["pg_restore", "--no-owner", "--no-privileges", "--file=-", str(source)]
        reader = _started(from_file, said, {}, stdout=subprocess.PIPE)
        writer = _started([*words, "--file=-"], answered, _environment(db.engine.url), stdin=subprocess.PIPE)
        assert reader.stdout is not None
        assert writer.stdin is not None
        with suppress(BrokenPipeError), writer.stdin as into:  # psql stops at the first error, and says it
            shutil.copyfileobj(reader.stdout, into)
            judged = "SET search_path = public;\n" + "".join(_counted(*one) for one in expected.items())
            into.write((judged if reader.wait() == 0 else _STOP).encode())
        reader.stdout.close()
        reader.wait()
        if writer.wait():
            # Where the file is damaged psql only stops because of it.
            raise NotTheSame(_first_error(said) or _first_error(answered) or "The base could not be restored.")


def _counted(table: str, count: int) -> str:
    said = f"The table {table} holds % rows, {count} were backed up."
    return (
        f'DO $judge$ DECLARE found bigint; BEGIN SELECT count(*) INTO found FROM "{table}"; '  # noqa: S608
        f"IF found <> {int(count)} THEN RAISE EXCEPTION '{said}', found; END IF; END $judge$;\n"
    )


def _tool(words: list[str], url: URL) -> None:
    """Run a tool of PostgreSQL to its end. Raises :class:`ToolFailed`."""
    with tempfile.TemporaryFile() as said:
        if status := _started(words, said, _environment(url)).wait():
            raise ToolFailed(f"{words[0]} failed: {_first_error(said) or f'status {status}'}")


def _started(
    words: list[str],
    said: IO[bytes],
    settings: dict[str, str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
) -> Popen[bytes]:
    """Start a tool of PostgreSQL. The password travels by the environment: what stands in a command all of the machine sees."""
    env = {**os.environ, **settings, "PGCONNECT_TIMEOUT": "10", "LC_ALL": "C"}
    try:
        return Popen(words, env=env, stdin=stdin, stdout=stdout, stderr=said)
    except FileNotFoundError:
        raise ToolFailed(f"{words[0]} is not installed here: the client tools of PostgreSQL are needed.") from None


def _first_error(said: IO[bytes]) -> str:
    """Return the first error that a tool wrote, without the place in the file."""
    said.seek(0)
    lines = said.read(64 * 1024).decode(errors="replace").splitlines()
    line = next((one for one in lines if "error:" in one.lower()), "")
    return line.rpartition("ERROR:")[2].strip() if "ERROR:" in line else line


def _environment(url: URL) -> dict[str, str]:
    """Return the address of a base as the variables that PostgreSQL's tools read."""
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    said: dict[str, Any] = conninfo_to_dict(plain)
    names = {one.keyword.decode(): one.envvar.decode() for one in pq.Conninfo.get_defaults() if one.envvar}
    return {names[key]: str(value) for key, value in said.items() if key in names}


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
