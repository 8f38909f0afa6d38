"""The legal day and instant. « Aujourd'hui » is the day in Europe/Paris; the setting TODAY may freeze it outside production."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import BindParameter, bindparam

PARIS = ZoneInfo("Europe/Paris")
#: The instant at which the demonstration's past happens, while it is written; None in all of the program's life otherwise.
_past: ContextVar[datetime | None] = ContextVar("past", default=None)


@contextmanager
def moved(instant: datetime) -> Iterator[None]:
    """Live at another instant, in Paris, for a step: the demonstration's year is made by acts on their days."""
    before = _past.set(instant.astimezone(PARIS))
    try:
        yield
    finally:
        _past.reset(before)


def today() -> date:
    """Return the legal day."""
    if past := _past.get():
        return past.date()
    frozen: date | None = current_app.config.get("TODAY")
    return frozen or datetime.now(PARIS).date()


def now() -> datetime:
    """Return the legal instant, in Paris: the hour is the real one, the day is :func:`today`."""
    if past := _past.get():
        return past
    return datetime.combine(today(), datetime.now(PARIS).time(), PARIS)


def machine_now() -> datetime:
    """Return the real instant in UTC, for leases and retries, which no frozen day may hold up."""
    return (_past.get() or datetime.now(UTC)).astimezone(UTC)


def ago(delay: timedelta, instant: Callable[[], datetime] = machine_now) -> BindParameter[datetime]:
    """Return, as SQL, the instant that lies so long before one of the above, read each time a statement is asked.

    So a statement may be kept and asked again: « for ten minutes » never means the day it was first put together.
    """
    return bindparam(None, callable_=lambda: instant() - delay, unique=True)
