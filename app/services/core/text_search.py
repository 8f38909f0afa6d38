"""A word looked for anywhere in a text, in tables that may be read through: accounts, centres, accreditations."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_

from app.extensions import db
from app.validators.fields import bare_permit, fold

#: What may part the figures of a number.
_PARTS = " .-/"
_NUMBER = re.compile(r"(?<!\w)(?<!\d[ ./-])\d(?:[ ./-]?\d){8}(?:(?:[ ./-]?\d){5})?(?!\w|[ ./-]\d)")


def holds(column: Any, word: str) -> ColumnElement[bool]:
    """Return whether a column holds a word, as `validators.fields.fold` compares texts; a number, however it is parted."""
    found = _holds(column, fold(word) or word)
    bare = bare_permit(word)
    return or_(found, _holds(column, bare)) if bare.isdecimal() and bare != word else found


def _holds(column: Any, folded: str) -> ColumnElement[bool]:
    """Ask plain texts in the base's own way; those few that hold another sign are folded, which is slow."""
    odd = func.fold_text(column).contains(folded, autoescape=True)
    if db.session.get_bind().dialect.name == "sqlite":  # its LIKE forgives the case of plain letters by itself
        return or_(column.contains(folded, autoescape=True), and_(column.op("GLOB")("*[^ -~]*"), odd))
    is_odd = func.octet_length(column) != func.char_length(column)
    return or_(func.lower(column).contains(folded, autoescape=True), and_(is_odd, odd))


def escaped(text: str) -> str:
    """Return a text as a pattern of LIKE that means it alone, with « / » to escape."""
    return "".join(f"/{sign}" if sign in "/%_" else sign for sign in text)


def bare_number(word: str) -> str:
    """Return a word of figures without what parts them (« 123.456 » is « 123456 »); another word as it stands."""
    bare = word.translate(str.maketrans("", "", _PARTS))
    return bare if bare.isdecimal() else word


def whole_numbers(text: str) -> str:
    """Return a text whose SIRETs and SIRENs (14 or 9 figures), however they are parted, are words of their own."""
    return _NUMBER.sub(lambda found: bare_number(found[0]), text)
