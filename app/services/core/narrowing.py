"""What lists are narrowed by: a word anywhere in a text, accounts, days as people type them; counting without reading all;
pages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true

from app.extensions import db
from app.models import Person
from app.models.search import begins, name_ways, plain, search_key
from app.validators.fields import bare_permit, fold, loosen_date, parse_date

from .clock import PARIS
from .dialect import found_first, on_postgresql

#: A day typed with spaces is one word, unless it stands among other figures.
_SPACED_DAY = re.compile(r"(?<!\S)(?<!\d )(\d{1,2}) (\d{1,2}) (\d{4})(?!\S)(?! \d)")
#: What may part the figures of a number.
_PARTS = " .-/"
_NUMBER = re.compile(r"(?<!\w)(?<!\d[ ./-])\d(?:[ ./-]?\d){8}(?:(?:[ ./-]?\d){5})?(?!\w|[ ./-]\d)")


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person typed to find somebody: names, parts of numbers, and days, each as typed and in that order."""

    names: tuple[str, ...]
    numbers: tuple[str, ...]
    days: tuple[date, ...]

    @property
    def name(self) -> str:
        """Return the names as one text."""
        return " ".join(self.names)

    @property
    def number(self) -> str:
        """Return the parts of numbers as one."""
        return "".join(self.numbers)


def typed(text: str) -> Typed:
    """Return what a text is made of: words with a figure are days (« 12/04/1985 », « 12 04 1985 ») or parts of a number.

    Eight figures without a sign between them are a number; :func:`day_of` says which day they may be as well.
    """
    parts = whole_days(text).split()
    coded = [part for part in parts if any(c.isdigit() for c in part)]
    days = {part: day for part in coded if not part.isdigit() and (day := day_of(part))}
    return Typed(
        tuple(part for part in parts if part not in coded),
        tuple(part for part in coded if part not in days),
        tuple(days.values()),
    )


def whole_days(text: str) -> str:
    """Return a text whose days typed with spaces (« 12 04 1985 ») are words of their own."""
    return _SPACED_DAY.sub(lambda found: "/".join(found.groups()), text)


def day_of(text: str) -> date | None:
    """Return the day that a text is, in any form a person types days; None for any other text."""
    return parse_date(loosen_date(text))


def holds(column: Any, word: str) -> ColumnElement[bool]:
    """Return whether a column holds a word, as `validators.fields.fold` compares texts; a number, however it is parted."""
    found = _holds(column, fold(word) or word)
    bare = bare_permit(word)
    return or_(found, _holds(column, bare)) if bare.isdecimal() and bare != word else found


def _holds(column: Any, folded: str) -> ColumnElement[bool]:
    """Ask plain texts in the base's own way; those few that hold another sign are folded, which is slow."""
    odd = func.fold_text(column).contains(folded, autoescape=True)
    if not on_postgresql():  # its LIKE forgives the case of plain letters by itself
        return or_(column.contains(folded, autoescape=True), and_(column.op("GLOB")("*[^ -~]*"), odd))
    is_odd = func.octet_length(column) != func.char_length(column)
    return or_(func.lower(column).contains(folded, autoescape=True), and_(is_odd, odd))


def accounts(text: str, *, broad: bool = False) -> ColumnElement[bool]:
    """Return the accounts whose last name, first name, both in either order, or mail address begin so; an address may stand
    beside a name. ``broad``: for rows that are read in the order of a list.
    """
    named, addressed = _accounts(text, broad)
    return or_(*named, *addressed)


def account_ways(text: str) -> list[ColumnElement[bool]]:
    """Return the conditions of :func:`accounts`, each with an index of its own, of which one is met.

    Who is found by the address alone is found first: addresses follow names, so that those alike stand together in the order
    of names too, and reading in it would pass all who stand before. They are few: nearly all answer by their names.
    """
    named, addressed = _accounts(text, broad=False)
    by_address = (select(Person.id).where(one, *(~way for way in named)) for one in addressed)
    return [*named, *(found_first(Person.id, ids) for ids in by_address)]


def _accounts(text: str, broad: bool) -> tuple[list[ColumnElement[bool]], list[ColumnElement[bool]]]:
    """Return the conditions of :func:`accounts`: those that ask for a name, and those that ask for an address alone."""
    words = text.split()
    named = " ".join(word for word in words if "@" not in word)
    address = plain(Person.search_email, broad)
    addresses = [begins(address, search_key(word)) for word in words if "@" in word]
    if not named:
        return [], [and_(true(), *addresses)]
    found = name_ways(Person, named, broad=broad)
    if addresses or not (key := search_key(named)):
        return [and_(way, *addresses) for way in found], []
    return found, [begins(address, key)]


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


def since(instant: Any, text: str) -> ColumnElement[bool] | None:
    """Return what is of that day and after; None for a text that is no day."""
    day = parse_date(loosen_date(text))
    return None if day is None else true() if day == date.min else instant >= _midnight(day)


def until(instant: Any, text: str) -> ColumnElement[bool] | None:
    """Return what is of that day and before; None for a text that is no day."""
    day = parse_date(loosen_date(text))
    return None if day is None else true() if day == date.max else instant < _midnight(day + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, PARIS)


class MoreThan(int):
    """A count that was given up: there are more rows than this."""


def up_to(limit: int, statement: Select[Any]) -> int:
    """Return how many rows a statement finds, :class:`MoreThan` the limit where there are more; one query."""
    found = db.session.scalar(select(func.count()).select_from(statement.limit(limit + 1).subquery())) or 0
    return MoreThan(limit) if found > limit else found


def page_at(asked: int, total: int, size: int) -> tuple[int, int]:
    """Return the page to show, the nearest to the one asked for, and how many there are, of so many rows each; at least one."""
    count = max(1, -(-total // size))
    return min(max(asked, 1), count), count
