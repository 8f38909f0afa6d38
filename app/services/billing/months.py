"""Months: their names in French, the first and the last day."""

from __future__ import annotations

from datetime import date, timedelta

MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
)  # fmt: skip
#: No month before this year is one of this register.
FIRST_YEAR = 1990


def first_of(day: date) -> date:
    """Return the first day of a day's month."""
    return day.replace(day=1)


def last_of(day: date) -> date:
    """Return the last day of a day's month."""
    return after(day) - timedelta(days=1)


def after(day: date) -> date:
    """Return the first day of the month after."""
    return (first_of(day) + timedelta(days=31)).replace(day=1)


def before(day: date) -> date:
    """Return the first day of the month before."""
    return first_of(first_of(day) - timedelta(days=1))


def name_of(day: date) -> str:
    """Return « janvier 2022 »."""
    return f"{MONTHS[day.month - 1]} {day.year}"


def read(text: str) -> date | None:
    """Return the first day of a month written « AAAA-MM », None for anything else, or one long before this register."""
    year, dash, month = text.partition("-")
    if not (dash and len(year) == 4 and len(month) == 2 and (year + month).isascii() and (year + month).isdigit()):
        return None
    try:
        found = date(int(year), int(month), 1)
    except ValueError:
        return None
    return found if found.year >= FIRST_YEAR else None
