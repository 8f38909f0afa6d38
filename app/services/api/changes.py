"""The order in which a centre's registrations and batches changed, by pages that lose and double nothing while others commit.

The base numbers changes as their transaction commits, under the centre's lock (migration 0020, decision 20): whoever sees one
sees all those before it, so a place in the order is never filled behind a reader's back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import ColumnElement, Select, delete, func, literal, literal_column, select, tuple_

from app.extensions import db
from app.models import LastChange
from app.services.core import vault
from app.services.core.dialect import on_postgresql
from app.services.core.refusal import Refusal

#: The lock under which a centre's changes are numbered, among the base's advisory locks (migration 0020).
_LOCK = 7_202
_SALT = "cursor of a list"
L = LastChange


class CursorRefused(Refusal):
    """It is none of ours, or belongs to another list."""

    message = (
        "« cursor » est la valeur « next » de la page précédente, rendue telle quelle, avec les mêmes filtres ou sans."
    )


class Place(NamedTuple):
    """A place in the order of changes: the instant, and the number that tells apart those of one instant."""

    at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended, and the question it answers: the filters as they were sent."""

    asked: Mapping[str, str]
    place: Place


def encode(kind: str, centre_id: int, cursor: Cursor) -> str:
    """Return a cursor as callers hold it: signed, good for this list of this centre alone."""
    place = [cursor.place.at.isoformat(), cursor.place.number]
    return str(_serializer(kind, centre_id).dumps([dict(cursor.asked), *place]))


def decode(kind: str, centre_id: int, text: str) -> Cursor:
    """Return what a cursor says; raise :class:`CursorRefused` for one that was not given for this list of this centre."""
    try:
        asked, at, number = _serializer(kind, centre_id).loads(text)
    except BadData:
        raise CursorRefused from None
    return Cursor(asked, Place(datetime.fromisoformat(at), number))


def _serializer(kind: str, centre_id: int) -> URLSafeSerializer:
    return URLSafeSerializer(vault.signing_keys(), salt=f"{_SALT}:{kind}:{centre_id}")


def settle(centre_id: int) -> None:
    """Wait for whoever is committing changes of the centre, and hold up the next ones, until the caller's transaction ends.

    What is read then is complete up to now: what changes later bears a later instant.
    """
    if on_postgresql():
        db.session.execute(select(func.pg_advisory_xact_lock_shared(_LOCK, centre_id)))
    else:
        db.session.execute(delete(L).where(L.number < 0))  # none: it takes SQLite's turn to write


def in_order(centre_id: int) -> Select[int, datetime, int]:
    """Return the statement for a centre's changes, the earliest first: subject, instant, number."""
    return select(L.subject_id, L.at, L.number).where(L.centre_id == centre_id).order_by(L.at, L.number)


def of_kind(kind: str) -> ColumnElement[bool]:
    """Return, as SQL, whether a change is of this kind; by a literal: it is no caller's."""
    return L.kind == literal_column(f"'{kind}'")


#: A registration that counts no more, or of an order: no batch is either, and a base that is not asked for the kind does not
#: choose the index of all changes.
IS_ENDED: ColumnElement[bool] = literal_column("NOT last_change.is_live")
HAS_ORDER: ColumnElement[bool] = literal_column("last_change.order_number <> ''")


def beyond(place: Place | None, since: datetime | None) -> Sequence[ColumnElement[bool]]:
    """Return the condition for what follows a place, or for what has changed since an instant; none where neither is given."""
    if place is not None:
        at, number = literal(place.at, L.at.type), literal(place.number, L.number.type)
        return [tuple_(L.at, L.number) > tuple_(at, number)]
    return [L.at >= since] if since is not None else []


def page(rows: Sequence[Any], size: int, limit: int) -> tuple[list[int], Place | None]:
    """Return the subjects of a page and, unless it is the last one, the place where it ends.

    ``rows``: at most ``limit`` of them, in order: subject, instant, number, and perhaps whether it fits the question.
    """
    found: list[int] = []
    last = None
    for subject, at, number, *fits in rows:
        if len(found) == size:
            return found, last
        last = Place(at, number)
        if all(fits):
            found.append(subject)
    return found, last if len(rows) == limit else None


def instants(kind: str, subject_ids: Sequence[int]) -> dict[int, datetime]:
    """Return subject → when it last changed."""
    query = select(L.subject_id, L.at).where(L.kind == kind, L.subject_id.in_(subject_ids))
    return dict(db.session.execute(query).tuples().all())
