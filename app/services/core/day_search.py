"""Lists narrowed to days, typed as people type days: an instant is of the day that it is in Paris."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, true

from app.validators.fields import loosen_date, parse_date

from .clock import PARIS


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
