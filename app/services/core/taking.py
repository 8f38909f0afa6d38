"""Conditional updates: who changes the row has won; a rival that comes second finds nothing to change."""

from __future__ import annotations

from sqlalchemy import CursorResult, Delete, Update

from app.extensions import db


def changed(statement: Update | Delete) -> int:
    """Run a conditional update or delete and return how many rows it changed; what the session had read stays."""
    result = db.session.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount


def taken(statement: Update | Delete) -> bool:
    """Tell whether a conditional update found its row. It takes the row's lock: a twin waits, then finds nothing.

    Whatever the session had read is forgotten, as a rival may have written it in the meantime.
    """
    found = changed(statement.execution_options(synchronize_session=False)) > 0
    db.session.expire_all()
    return found
