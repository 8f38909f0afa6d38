"""The journal as it is told: what it is looked through by, what happened to a row. Everything is answered by an index."""

from __future__ import annotations

from datetime import datetime
from string import hexdigits

from sqlalchemy import ColumnElement, exists, false, select
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import JournalEntry, Person
from app.services.core import narrowing, trace
from app.services.core.dialect import found_first

J = JournalEntry


def by_person(text: str, *, broad: bool = False) -> ColumnElement[bool]:
    """Return the acts of the persons whose names or address begin so; these are found first."""
    if broad:
        return exists(Person.id).where(Person.id == J.actor_id, narrowing.accounts(text, broad=True))
    return found_first(J.actor_id, select(Person.id).where(narrowing.accounts(text)))


def by_number(text: str) -> ColumnElement[bool]:
    """Return the entries about the subject of this number."""
    return J.subject_id == text


def by_trace(text: str) -> ColumnElement[bool]:
    """Return the entries of the request, call or task whose number begins so, however its signs are parted."""
    asked = "".join(text.lower().split())
    if len(asked) < trace.ENOUGH or not set(asked) <= set(hexdigits):
        return false()
    # A range, which the index answers: no number has a sign beyond « f ».
    return (J.trace >= asked) & (J.trace < f"{asked}g")


def since(text: str) -> ColumnElement[bool] | None:
    """Return the entries of that day and after; None for a text that is no day."""
    return narrowing.since(J.at, text)


def until(text: str) -> ColumnElement[bool] | None:
    """Return the entries of that day and before; None for a text that is no day."""
    return narrowing.until(J.at, text)


def seen_actions(last: int = 2_000) -> list[str]:
    """Return the acts among the last entries, so that one may be asked for whose words nobody has listed."""
    newest = select(J.action).order_by(J.id.desc()).limit(last).subquery()
    return list(db.session.execute(select(newest.c.action).distinct()).scalars())


def history(kind: str, key: object) -> list[JournalEntry]:
    """Return what happened to one row, the first act first, with who did it."""
    query = (
        select(J).where(J.subject_type == kind, J.subject_id == str(key)).options(joinedload(J.actor)).order_by(J.id)
    )
    return list(db.session.execute(query).scalars())


def acts_of(person_id: int, last: int) -> list[tuple[datetime, str]]:
    """Return when and what for the last acts of a person, the newest first."""
    query = select(J.at, J.action).where(J.actor_id == person_id).order_by(J.id.desc()).limit(last)
    return list(db.session.execute(query).tuples())


def of_centre(centre_id: int, last: int) -> list[JournalEntry]:
    """Return the last acts at a centre and on its record, the newest first, with who did them; each answered by its index."""
    places = (J.centre_id == centre_id, (J.subject_type == "centre") & (J.subject_id == str(centre_id)))
    found: dict[int, JournalEntry] = {}
    for place in places:
        query = select(J).where(place).options(joinedload(J.actor)).order_by(J.id.desc()).limit(last)
        found |= {entry.id: entry for entry in db.session.execute(query).scalars()}
    return sorted(found.values(), key=lambda entry: entry.id, reverse=True)[:last]
