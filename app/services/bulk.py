"""Many values at once, the quick way of each base: rows in by COPY or one prepared statement, lists as one parameter."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import JSON, Table, func, literal
from sqlalchemy.sql.selectable import FromClause

from app.extensions import db


def insert_rows(table: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows of plain values, as the base holds them, in the session's transaction; nothing is committed.

    Column types are not consulted: amounts come in cents, instants in UTC.
    """
    connection = db.session.connection()
    names = ", ".join(f'"{column}"' for column in columns)
    cursor: Any = connection.connection.cursor()
    try:
        if connection.dialect.name == "postgresql":
            with cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join("?" * len(columns))
            cursor.executemany(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', rows)  # noqa: S608  our names
    finally:
        cursor.close()


def text_table(values: Iterable[str]) -> FromClause:
    """Return the values as a table of one column, ``value``, passed as one JSON parameter whatever their number."""
    listed = sorted(values)
    if db.session.get_bind().dialect.name == "postgresql":
        return func.json_array_elements_text(literal(listed, JSON)).table_valued("value")
    return func.json_each(json.dumps(listed)).table_valued("value")
