"""Many values at once, the quick way of each base: rows in by COPY or one prepared statement, lists as one parameter."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, JSON, ColumnElement, Integer, Select, Table, Text, any_, case, func, literal, select
from sqlalchemy.sql.selectable import FromClause

from app.extensions import db

from .dialect import on_postgresql, plain_cursor


def insert_rows(
    table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, skip_known: bool = False
) -> None:
    """Insert rows of plain values, as the base holds them, in the session's transaction; nothing is committed.

    Column types are not consulted: see :func:`plain`. ``skip_known`` leaves out rows that a unique constraint refuses.
    """
    connection = db.session.connection()
    names = ", ".join(f'"{column}"' for column in columns)
    with plain_cursor(connection) as cursor:
        if on_postgresql(connection):
            _copy(cursor, table.name, names, rows, skip_known)
        else:
            marks = ", ".join("?" * len(columns))
            known = " ON CONFLICT DO NOTHING" if skip_known else ""
            cursor.executemany(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks}){known}', rows)  # noqa: S608  our names


def _copy(cursor: Any, table: str, names: str, rows: Iterable[Sequence[Any]], skip_known: bool) -> None:
    """COPY into the table, or by way of a temporary one where known rows are skipped or policies hold: COPY itself cannot."""
    guarded = cursor.execute("SELECT row_security_active(%s::text)", [f'"{table}"']).fetchone()[0]
    target = f"new_{table}" if skip_known or guarded else table
    if target != table:
        cursor.execute(f'CREATE TEMP TABLE "{target}" ON COMMIT DROP AS SELECT {names} FROM "{table}" LIMIT 0')  # noqa: S608
    with cursor.copy(f'COPY "{target}" ({names}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(row)
    if target != table:
        known = " ON CONFLICT DO NOTHING" if skip_known else ""
        cursor.execute(f'INSERT INTO "{table}" ({names}) SELECT {names} FROM "{target}"{known}')  # noqa: S608
        cursor.execute(f'DROP TABLE "{target}"')


def update_rows(table: Table, key: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Set the columns of the rows of these keys, in the session's transaction; a row: values of the key, then of the columns.

    Plain values, as for :func:`insert_rows`; a key that the table does not have is passed over.
    """
    if not rows:  # SQLite would begin a transaction for nothing, and lose its turn to whoever writes meanwhile
        return
    connection = db.session.connection()
    with plain_cursor(connection) as cursor:
        if on_postgresql(connection):
            _copy_over(cursor, table.name, key, columns, rows)
        else:
            places = {name: f"?{at}" for at, name in enumerate((*key, *columns), 1)}
            values = ", ".join(f'"{name}" = {places[name]}' for name in columns)
            where = " AND ".join(f'"{name}" = {places[name]}' for name in key)
            cursor.executemany(f'UPDATE "{table.name}" SET {values} WHERE {where}', rows)  # noqa: S608  our names


def _copy_over(
    cursor: Any, table: str, key: Sequence[str], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Update by way of a temporary table: one statement whatever the number of rows."""
    names = ", ".join(f'"{name}"' for name in (*key, *columns))
    cursor.execute(f'CREATE TEMP TABLE "changed" ON COMMIT DROP AS SELECT {names} FROM "{table}" LIMIT 0')  # noqa: S608
    with cursor.copy(f'COPY "changed" ({names}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(row)
    cursor.execute('ANALYZE "changed"')
    values = ", ".join(f'"{name}" = c."{name}"' for name in columns)
    where = " AND ".join(f't."{name}" = c."{name}"' for name in key)
    cursor.execute(f'UPDATE "{table}" t SET {values} FROM "changed" c WHERE {where}')  # noqa: S608
    cursor.execute('DROP TABLE "changed"')


def plain(values: Iterable[Any]) -> list[Any]:
    """Return values as the base holds them: days as ISO text, amounts and rates in hundredths, true and false as 1 and 0."""
    return [value if type(value) in _PLAIN else _plainly(value) for value in values]


_PLAIN = frozenset({int, str, type(None)})
_PLAINLY: dict[type, Callable[[Any], Any]] = {
    date: cache(date.isoformat),
    bool: int,
    Decimal: cache(lambda amount: int(amount * 100)),
}


def _plainly(value: Any) -> Any:
    return str(value) if isinstance(value, StrEnum) else _PLAINLY[type(value)](value)


def text_table(values: Iterable[str]) -> FromClause:
    """Return the values as a table of one column, ``value``, passed as one JSON parameter whatever their number."""
    listed = sorted(values)
    if on_postgresql():
        return func.json_array_elements_text(literal(listed, JSON)).table_valued("value")
    return func.json_each(json.dumps(listed)).table_valued("value")


def among(key: Any, ids: Sequence[int]) -> ColumnElement[bool]:
    """Return whether a key is one of these ids, passed as one parameter whatever their number.

    On PostgreSQL an array: a number read out of a text may fail, so that below a policy no index would be asked for it.
    """
    if on_postgresql():
        return key == any_(literal(list(ids), ARRAY(Integer)))  # type: ignore[no-any-return]
    return key.in_(select(func.json_each(json.dumps(list(ids))).table_valued("value").c.value))  # type: ignore[no-any-return]


def ids_up_to(limit: int, statement: Select[Any]) -> list[int] | None:
    """Return the ids that a statement finds, None where there are more than so many.

    They come as one value: thousands of rows take longer on their way to Python than the base takes to find them.
    """
    found = statement.limit(limit + 1).subquery()
    id_ = found.c[0]
    together = func.array_agg(id_) if on_postgresql() else func.json_group_array(id_)
    count, ids = db.session.execute(
        select(func.count(), case((func.count() <= limit, together))).select_from(found)
    ).one()
    if count > limit:
        return None
    return list(ids or ()) if on_postgresql() else json.loads(ids)


def pairs(values: Iterable[tuple[str, str]]) -> Select[tuple[str, str]]:
    """Return a query of pairs, passed as one parameter (as two on PostgreSQL) whatever their number: for `tuple_(…).in_`."""
    listed = list(values)
    if on_postgresql():
        halves = [literal([pair[at] for pair in listed], ARRAY(Text)) for at in (0, 1)]
        rows = func.unnest(*halves).table_valued("one", "other").render_derived()
        return select(rows.c.one, rows.c.other)
    each = func.json_each(json.dumps(listed)).table_valued("value").c.value
    return select(func.json_extract(each, "$[0]"), func.json_extract(each, "$[1]"))
