"""A word looked for anywhere in a text, in tables that may be read through: accounts, centres, accreditations."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, or_

from app.validators.fields import bare_permit, fold

#: What may part the figures of a number.
_PARTS = " .-/"
_NUMBER = re.compile(r"(?<!\w)(?<!\d[ ./-])\d(?:[ ./-]?\d){8}(?:(?:[ ./-]?\d){5})?(?!\w|[ ./-]\d)")


def holds(column: Any, word: str) -> ColumnElement[bool]:
    """Return whether a column holds a word, as `validators.fields.fold` compares texts; a number, however it is parted."""
    found = _holds(column, fold(word) or word)
    bare = bare_permit(word)
    return or_(found, _holds(column, bare)) if bare.isdecimal() and bare != word else found


def bare_number(word: str) -> str:
    """Return a word of figures without what parts them (« 123.456 » is « 123456 »); another word as it stands."""
    bare = word.translate(str.maketrans("", "", _PARTS))
    return bare if bare.isdecimal() else word


def whole_numbers(text: str) -> str:
    """Return a text whose SIRETs and SIRENs (14 or 9 figures), however they are parted, are words of their own."""
    return _NUMBER.sub(lambda found: bare_number(found[0]), text)
