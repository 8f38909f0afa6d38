"""On whose behalf the base is asked: each transaction names its actor, and PostgreSQL shows the rows that are theirs.

The services' own filters decide what a person sees; the policies of the base (migration 0009) close what a forgotten filter
would open. They hold for the application's role, not for the owner of the tables, and not on SQLite. An actor nobody named
sees no row of any centre.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from flask import g, has_app_context
from psycopg import Error as PostgresError
from sqlalchemy import Connection, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, SessionTransaction

from app.extensions import db

from .dialect import on_postgresql, plain_cursor


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. ``kind``: agent, worker, centre, driver, public, or empty, which sees nothing."""

    kind: str
    #: Their own rows, whatever the centre: places at centres, trainings as a driver.
    person_id: int | None = None
    #: The centre one acts for: its rows.
    centre_id: int | None = None
    #: What the holder of a document shows: its number, or the SHA-256 of its file.
    code: str = ""


NOBODY = Actor("")
#: The program itself: the worker, a command, or a step of a service that has to look at every centre's rows.
PROGRAM = Actor("worker")

_TELL = (
    "SELECT set_config('registre.actor', %s, true), set_config('registre.person', %s, true), "
    "set_config('registre.centre', %s, true), set_config('registre.code', %s, true)"
)


def agent(person_id: int) -> Actor:
    """Return an agent of the operator, who sees everything."""
    return Actor("agent", person_id)


def centre(person_id: int, centre_id: int) -> Actor:
    """Return a person, or a program with a key, who acts for a centre."""
    return Actor("centre", person_id, centre_id)


def person(person_id: int) -> Actor:
    """Return a signed-in person who acts for no centre: their own rows."""
    return Actor("driver", person_id)


def public(code: str = "") -> Actor:
    """Return anybody; with the code of a document, who may know what its verification page tells."""
    return Actor("public", code=code)


def current() -> Actor:
    """Return who was named in this request, job or command."""
    return g.get("actor", NOBODY) if has_app_context() else NOBODY


def be(actor: Actor) -> None:
    """Name the actor from here on, in the transaction that is open as well."""
    g.actor = actor
    session = db.session()
    if session.in_transaction():
        _tell(session.connection())


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Name another actor for a step, then the one before again."""
    before = current()
    be(actor)
    try:
        yield
        db.session.flush()  # what was made under this actor is written under it
    except BaseException:
        # A transaction that has failed, or lost its connection, takes no more orders, nor needs any.
        with suppress(SQLAlchemyError, PostgresError):
            be(before)
        raise
    be(before)


def _tell(connection: Connection) -> None:
    """Tell the base who asks, for the transaction that runs; by a plain cursor: it is no statement of the program's."""
    if not on_postgresql(connection):
        return
    actor = current()
    values = [actor.kind, str(actor.person_id or ""), str(actor.centre_id or ""), actor.code]
    with plain_cursor(connection) as cursor:
        cursor.execute(_TELL, values)


@event.listens_for(db.session, "after_begin")
def _on_begin(_session: Session, _transaction: SessionTransaction, connection: Connection, **_: Any) -> None:
    _tell(connection)
