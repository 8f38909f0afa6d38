"""Counting without reading everything: beyond a limit, « more than » is all there is to say."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from app.extensions import db


class MoreThan(int):
    """A count that was given up: there are more rows than this."""


def up_to(limit: int, statement: Select[Any]) -> int:
    """Return how many rows a statement finds, :class:`MoreThan` the limit where there are more; one query."""
    found = db.session.scalar(select(func.count()).select_from(statement.limit(limit + 1).subquery())) or 0
    return MoreThan(limit) if found > limit else found
