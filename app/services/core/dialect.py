"""SQLite or PostgreSQL: the one place that asks which base it is, and says what each writes in words of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from flask_appbuilder import Model
from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    Connection,
    Engine,
    Executable,
    Integer,
    Select,
    Table,
    any_,
    false,
    func,
    literal_column,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute

from app.extensions import db


def on_postgresql(base: Connection | Engine | None = None) -> bool:
    """Tell whether a connection, or an engine, leads to PostgreSQL; the session's base by default. Else it is SQLite."""
    return bool((base or db.session.get_bind()).dialect.name == "postgresql")


def length_of(column: InstrumentedAttribute[Any], name: str) -> ColumnElement[int]:
    """Return, as SQL, how long the list is that stands under a name in a column of JSON."""
    path = f"{column.class_.__tablename__}.{column.key}"
    said = f"jsonb_array_length({path}->'{name}')" if on_postgresql() else f"json_array_length({path}, '$.{name}')"
    return literal_column(said, Integer)


def found_first(key: Any, ids: Any) -> ColumnElement[bool]:
    """Return whether a key is one of the ids that a statement finds; these are found first, whatever else is asked.

    PostgreSQL judges `IN (SELECT …)` beside an OR row by row, and joins it otherwise, in an order of its own: it reads whole
    tables where the limit of a page makes that look short. An array of ids is looked up in the key's index.
    """
    if on_postgresql():
        return key == any_(func.array(ids.scalar_subquery()))  # type: ignore[no-any-return]
    return key.in_(ids)  # type: ignore[no-any-return]


class _Explained(Executable, ClauseElement):
    """A statement whose plan is asked for, not its rows."""

    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(_Explained, "postgresql")
def _explain(element: _Explained, compiler: Any, **words: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(element.statement, **words)}"


def expected_rows(statement: Select[Any]) -> int:
    """Return how many rows PostgreSQL believes a statement finds, by what it knows of the columns; 0 on SQLite.

    It may be far from true: what it leads to must be right either way.
    """
    return int(db.session.execute(_Explained(statement)).scalar_one()[0]["Plan"]["Plan Rows"]) if on_postgresql() else 0


@contextmanager
def plain_cursor(connection: Connection) -> Iterator[Any]:
    """Give a cursor of the driver itself, for what takes no statement of SQLAlchemy's.

    A base that is away, or goes meanwhile, is told as SQLAlchemy tells it of every other statement: whoever answers for
    it knows one kind. Raises `sqlalchemy.exc.OperationalError` then.
    """
    cursor: Any = None
    try:
        cursor = connection.connection.cursor()
        yield cursor
    except connection.dialect.loaded_dbapi.OperationalError as error:
        if connection.dialect.is_disconnect(error, cursor and cursor.connection, cursor):
            connection.invalidate(error)  # as SQLAlchemy does: there is nothing to roll back
        raise OperationalError(None, None, error) from error
    finally:
        if cursor is not None:
            cursor.close()


def be_the_writer(model: type[Model]) -> None:
    """On SQLite, be the only one who writes, from before anything is read to the end of the transaction: a write of no row
    takes its one lock. On PostgreSQL nothing: who needs a lock there takes its own.
    """
    if not on_postgresql():
        table = _table(model)
        db.session.execute(update(table).where(false()).values(id=table.c.id))


def insert_ignoring(table: Table) -> Any:
    """Return an INSERT into a table that leaves out the rows a unique constraint refuses."""
    return _insert(table).on_conflict_do_nothing()


def insert_or_change(table: Table, key: Iterable[str], changes: Mapping[str, Any]) -> Any:
    """Return an INSERT into a table that changes the row of the same key (columns, unique together) where one stands."""
    return _insert(table).on_conflict_do_update(index_elements=list(key), set_=dict(changes))


def insert_if_new(model: type[Model], values: Mapping[str, Any]) -> bool:
    """Insert a row in the caller's transaction, unless a unique constraint knows it already, and tell whether it was new.

    So two who write the same at once share the row, and neither fails.
    """
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


def _insert(table: Table) -> Any:
    return (postgresql if on_postgresql() else sqlite).insert(table)
