"""A word looked for anywhere in a text, in tables that may be read through: accounts, centres, accreditations."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, and_, func

from app.extensions import db

#: What may part the figures of a number.
_PARTS = " .-/"
_NUMBER = re.compile(r"(?<!\w)(?<!\d[ ./-])\d(?:[ ./-]?\d){8}(?:(?:[ ./-]?\d){5})?(?!\w|[ ./-]\d)")
_PLAIN = re.compile(r"[ -~]+")


def holds(column: Any, word: str) -> ColumnElement[bool]:
    """Return whether a column holds a word, whatever its case.

    SQLite's LIKE forgives the case of plain letters by itself; its ``lower`` is ours, called for each row and slow: it is
    asked only of a word with other letters, after its plain parts.
    """
    lowered: ColumnElement[bool] = func.lower(column).contains(word.lower(), autoescape=True)
    if db.session.get_bind().dialect.name != "sqlite":
        return lowered
    plain = [column.contains(part, autoescape=True) for part in _PLAIN.findall(word)]
    return and_(*plain) if word.isascii() else and_(*plain, lowered)


def bare_number(word: str) -> str:
    """Return a word of figures without what parts them (« 123.456 » is « 123456 »); another word as it stands."""
    bare = word.translate(str.maketrans("", "", _PARTS))
    return bare if bare.isdecimal() else word


def whole_numbers(text: str) -> str:
    """Return a text whose SIRETs and SIRENs (14 or 9 figures), however they are parted, are words of their own."""
    return _NUMBER.sub(lambda found: bare_number(found[0]), text)
