"""Texts as lists are searched and sorted by them: folded as names are compared, compared byte by byte on every base.

A search is « begins with », which an index answers whatever the number of rows; « contains » would read them all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, String, and_, event, false, func, or_
from sqlalchemy.engine import Engine
from sqlalchemy.orm import MappedColumn, mapped_column

from app.validators.fields import fold, name_words

#: Longer keys are cut: nobody types as much.
LONGEST = 80
#: Above whatever may follow a prefix.
_LAST = "\U0010ffff"


@lru_cache(maxsize=65_536)
def search_key(text: str) -> str:
    """Return a text as it is searched: « Lefèvre-d'Œuvre » is « lefevredoeuvre », as « EL HADJ » and « Elhadj » are one."""
    return "".join(name_words(text))[:LONGEST]


def byte_order(length: int) -> Any:
    """Return the type of a text that PostgreSQL too compares byte by byte, so that its index knows beginnings."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def searched(source: str) -> MappedColumn[str]:
    """Return the column that holds the search key of another; written with the row, wherever the row is written."""
    return mapped_column(byte_order(LONGEST), default=_key_of(source), server_default="")


def begins(column: Any, prefix: str) -> ColumnElement[bool]:
    """Return whether a column in byte order begins with a text."""
    return and_(column >= prefix, column < prefix + _LAST)


def plain(column: Any, broad: bool) -> Any:
    """Return a column that no index is asked for, where rows are to be read in the order of the list."""
    return func.coalesce(column, "") if broad else column


def by_names(model: Any, text: str, *, broad: bool = False) -> ColumnElement[bool]:
    """Return the rows (drivers, registrations, accounts) whose names begin so: last name, first name, or both in either
    order.
    """
    return or_(*name_ways(model, text, broad=broad))


def name_ways(model: Any, text: str, *, broad: bool = False) -> list[ColumnElement[bool]]:
    """Return the conditions of :func:`by_names`, of which one is met."""
    words = name_words(text)
    whole = "".join(words)
    if not whole:  # signs alone begin no name
        return [false()]
    last, first = plain(model.search_last, broad), plain(model.search_first, broad)
    found = [begins(last, whole), begins(first, whole)]
    for at in range(1, len(words)):
        one, other = "".join(words[:at]), "".join(words[at:])
        found += [begins(last, one) & begins(first, other), begins(first, one) & begins(last, other)]
    return found


def _key_of(source: str) -> Callable[[Any], str]:
    return lambda context: search_key(context.get_current_parameters()[source])


@event.listens_for(Engine, "connect")
def _teach_sqlite(connection: Any, _record: Any) -> None:
    """Let SQLite compare texts as the rules do: `fold_text`, which migration 0011 makes on PostgreSQL."""
    if isinstance(connection, sqlite3.Connection):
        connection.create_function("fold_text", 1, _fold, deterministic=True)


@lru_cache(maxsize=65_536)
def _fold(text: Any) -> Any:
    return fold(text) if isinstance(text, str) else text
