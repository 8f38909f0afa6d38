"""« Importer » of a clean file, beside the bare writing of the very rows it writes: COPY on PostgreSQL, else executemany."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Table

from app.extensions import db
from app.models import Document, Driver, Outbox, Registration
from app.services.core.transaction import transaction
from app.services.registration import confirm
from tests.support import person_id

from . import bases
from .bases import Base, title
from .imports import analysed
from .table import Row, Seconds, medians, timed, told

TIMES_BARE_WRITE = 4.0
#: What an import writes in bulk, parents first.
WRITTEN: tuple[Table, ...] = (Driver.__table__, Registration.__table__, Document.__table__, Outbox.__table__)
Rows = dict[Table, list[tuple[Any, ...]]]


def rows(bases_: list[Base], content: bytes, count: int, rounds: int) -> Iterator[Row]:
    """Yield a row a base: registering the lines of a file without faults."""
    for base in bases_:
        times = measure(base, content, count, rounds)
        yield Row(
            f"import of {count:,} clean lines, {title(base)}",
            f"{told(times['ours'])}, {times['ours'] / count * 1e6:.1f} µs a line",
            f"{'COPY' if base.name == 'postgresql' else 'executemany'} of the same rows {told(times['bare'])}",
            times["ours"] / times["bare"],
            limit=TIMES_BARE_WRITE,
        )


def measure(base: Base, content: bytes, count: int, rounds: int) -> dict[str, Seconds]:
    """Return the median times of the import and of the bare writing, each on the base as the analysis left it."""
    _, _, batch_id = analysed(base, content, count, faults=0)
    with base.app.app_context():
        before = {table: {row[0] for row in _read(table)} for table in WRITTEN}
    written: Rows = {}

    def ours() -> Seconds:
        kept.put_back()
        with base.app.app_context():
            person = person_id()
            seconds = timed(lambda: confirm.register(batch_id, person))
            written.update({table: [row for row in _read(table) if row[0] not in before[table]] for table in WRITTEN})
        assert len(written[Registration.__table__]) == count
        return seconds

    def bare() -> Seconds:
        kept.put_back()
        with base.app.app_context():
            return timed(lambda: _write(written))

    with bases.snapshot(base) as kept:
        return medians({"ours": ours, "bare": bare}, rounds)


def _names(table: Table) -> list[str]:
    return [f'"{column.name}"' for column in table.columns]  # the id comes first


def _read(table: Table) -> list[tuple[Any, ...]]:
    """Return the rows as the base holds them (PostgreSQL: as text, which COPY takes as it is)."""
    connection = db.session.connection()
    cast = "::text" if connection.dialect.name == "postgresql" else ""
    names = ", ".join(f"{name}{cast}" for name in _names(table))
    cursor: Any = connection.connection.cursor()
    try:
        return list(cursor.execute(f"SELECT {names} FROM {table.name} ORDER BY id").fetchall())
    finally:
        cursor.close()
        db.session.rollback()


def _write(written: Rows) -> None:
    """Write the rows in one transaction, as durable as an import: nothing else is done."""
    with transaction(durable=True):
        connection = db.session.connection()
        cursor: Any = connection.connection.cursor()
        for table, values in written.items():
            names = ", ".join(_names(table))
            if connection.dialect.name == "postgresql":
                with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
                    for row in values:
                        copy.write_row(row)
            else:
                marks = ", ".join("?" * len(table.columns))
                cursor.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", values)
        cursor.close()
