"""Column types and expressions that keep the same meaning on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

from flask_appbuilder import Model
from sqlalchemy import JSON, BigInteger, ColumnElement, DateTime, Dialect, Integer, String, case
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

CENT = Decimal("0.01")


class Labelled(StrEnum):
    """A closed list of codes, each kept in the base as it stands and shown to people by its French label."""

    _label: str

    def __new__(cls, code: str, label: str) -> Self:
        """Make a member: a text like any other, that knows its label."""
        member = str.__new__(cls, code)
        member._value_ = code
        member._label = label
        return member

    @property
    def label(self) -> str:
        """Return what people read."""
        return self._label

    @classmethod
    def labels(cls) -> dict[str, str]:
        """Return code → label, in the order of the list."""
        return {member.value: member.label for member in cls}


def holds_on(day: date, end: Any, start: Any = None) -> ColumnElement[bool]:
    """Return, as SQL, whether a period holds on a day: from ``start`` (if any) to ``end`` (open when NULL), both included."""
    until: ColumnElement[bool] = end.is_(None) | (end >= day)
    return until if start is None else (start <= day) & until


#: JSON that PostgreSQL can index; text on SQLite.
Json = JSON().with_variant(JSONB(), "postgresql")


class Money(TypeDecorator[Decimal]):
    """An amount in euros, a ``Decimal`` with two places; the base holds whole cents, so that SQL sums are exact."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Return the amount in cents; raise ``ValueError`` when it is finer than a cent."""
        if value is None:
            return None
        cents = Decimal(value) * 100
        if cents != cents.to_integral_value():
            raise ValueError(f"an amount has at most two decimals: {value}")
        return int(cents)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:
        """Return the amount in euros."""
        return None if value is None else (Decimal(value) * CENT).quantize(CENT)


class BigMoney(Money):
    """An amount of any size: a bank's balance may go beyond what fits into 32 bits of cents."""

    impl = BigInteger
    cache_ok = True


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant, always handed back in UTC (SQLite itself forgets the zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant in UTC; raise ``ValueError`` on a naive one, which would be stored an hour off."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs its time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Percent(Money):
    """A rate in per cent, a ``Decimal`` with two places (20.00 is 20 %)."""

    cache_ok = True


class _Secret(FunctionElement[str]):
    """A column of a person's secrets, as it is read: on PostgreSQL by the function that judges who asks (migration 0016)."""

    inherit_cache = True


@compiles(_Secret)
def _plain(element: _Secret, compiler: Any, **options: Any) -> str:
    column, _key = element.clauses
    return str(compiler.process(column, **options))


@compiles(_Secret, "postgresql")
def _asked_for(element: _Secret, compiler: Any, **options: Any) -> str:
    column, key = element.clauses
    return f"registre_secret({compiler.process(key, **options)}, '{column.name}')"


class Secret(TypeDecorator[str]):
    """A secret of the row's person, hidden by the column's rights: the application's role writes it, never selects it."""

    impl = String
    cache_ok = True

    def column_expression(self, column: Any) -> _Secret:
        """Return how the column is read."""
        return _Secret(column, column.table.c.id)


#: Names for constraints, set before any table of ours is defined: a migration can only change what has a name.
Model.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def first_known(first: Any, other: Any) -> ColumnElement[Any]:
    """Return, as SQL, a column's value, or the other's where it has none.

    Not by COALESCE: below the policies of rows PostgreSQL takes that for a function that may tell, and asks no index of what is
    compared with it. All drivers were read for one permit number.
    """
    return case((first.is_(None), other), else_=first)
