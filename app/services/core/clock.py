"""The legal day and instant. « Aujourd'hui » is the day in Europe/Paris; the setting TODAY may freeze it outside production."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from flask import current_app

PARIS = ZoneInfo("Europe/Paris")


def today() -> date:
    """Return the legal day."""
    frozen: date | None = current_app.config.get("TODAY")
    return frozen or datetime.now(PARIS).date()


def now() -> datetime:
    """Return the legal instant, in Paris: the hour is the real one, the day is :func:`today`."""
    return datetime.combine(today(), datetime.now(PARIS).time(), PARIS)


def machine_now() -> datetime:
    """Return the real instant in UTC, for leases and retries, which no frozen day may hold up."""
    return datetime.now(UTC)
