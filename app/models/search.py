"""Texts as lists are searched and sorted by them: without case, accents or hyphens, compared byte by byte on every base.

A search is « begins with », which an index answers whatever the number of rows; « contains » would read them all.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, String, and_
from sqlalchemy.orm import MappedColumn, mapped_column

_SPELLING = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", **dict.fromkeys("-'’.", " ")})
#: Longer keys are cut: nobody types as much.
LONGEST = 80
#: Above whatever may follow a prefix.
_LAST = "\U0010ffff"


@lru_cache(maxsize=65_536)
def search_key(text: str) -> str:
    """Return a text as it is searched: « Lefèvre-d'Œuvre » is « lefevre d oeuvre »."""
    folded = text.casefold().translate(_SPELLING)
    if not folded.isascii():
        folded = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    return " ".join(folded.split())[:LONGEST]


def byte_order(length: int) -> Any:
    """Return the type of a text that PostgreSQL too compares byte by byte, so that its index knows beginnings."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def searched(source: str) -> MappedColumn[str]:
    """Return the column that holds the search key of another; written with the row, wherever the row is written."""
    return mapped_column(byte_order(LONGEST), default=_key_of(source), server_default="")


def begins(column: Any, prefix: str) -> ColumnElement[bool]:
    """Return whether a column in byte order begins with a text."""
    return and_(column >= prefix, column < prefix + _LAST)


def _key_of(source: str) -> Callable[[Any], str]:
    return lambda context: search_key(context.get_current_parameters()[source])
