"""A centre's registrations and batches by pages, in the order of their last change, for software that reconciles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, select

from app.extensions import db
from app.models import Cancellation, Driver, LastChange, Registration, Training
from app.models.amendment import CANCELLED, REPLACED
from app.models.api import OF_BATCH, OF_REGISTRATION
from app.services.core.transaction import transaction
from app.services.registration import search
from app.validators.fields import fold

from . import changes, reading
from .changes import Cursor, Place
from .reading import PAGE

#: Registrations looked at for a page where a filter is judged row by row: a page may then be short without being the last.
LOOKED_AT = 5_000
ACTIVE = "active"
STATUSES = (ACTIVE, CANCELLED, REPLACED)
Statement = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Question:
    """What a list is narrowed to; what is empty or None narrows nothing.

    ``trainings``: ids, any of which will do.
    """

    updated_since: datetime | None = None
    order_number: str = ""
    permit_number: str = ""
    birth_date: date | None = None
    trainings: Sequence[int] = ()
    status: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page begins, and what it answers: the filters as they were sent, and what they mean."""

    centre_id: int
    asked: Mapping[str, str]
    question: Question
    after: Place | None = None


def trainings_named(label: str) -> list[int]:
    """Return the ids of the trainings of this label, whatever its case and accents; with its category, of that one alone."""
    wanted = fold(label)
    rows = db.session.execute(select(Training)).scalars()
    return [row.id for row in rows if wanted in (fold(row.label), fold(row.full_label))]


def registrations(page: Page) -> dict[str, Any]:
    """Return a page of the centre's registrations, and the cursor of the following one, None on the last."""
    return _answer(OF_REGISTRATION, page, _narrow, reading.registrations)


def statement(page: Page) -> Statement:
    """Return the statement that chooses the registrations of a page, for whoever looks at how the base does it."""
    return _narrow(_beyond(page), page)[0]


def batches(page: Page) -> dict[str, Any]:
    """Return a page of the centre's batches, likewise, without their registrations."""
    return _answer(OF_BATCH, page, _all, reading.batches)


def _answer(
    kind: str,
    page: Page,
    narrow: Callable[[Statement, Page], tuple[Statement, int]],
    describe: Callable[[int, Sequence[int]], list[dict[str, Any]]],
) -> dict[str, Any]:
    with transaction():
        # Everything that chooses the rows is asked from here on: what is committed meanwhile comes after them.
        changes.settle(page.centre_id)
        query, limit = narrow(_beyond(page), page)
        rows = db.session.execute(query).tuples().all()
    ids, end = changes.page(rows, PAGE, limit)
    following = changes.encode(kind, page.centre_id, Cursor(page.asked, end)) if end else None
    return {"items": describe(page.centre_id, ids), "next": following}


def _beyond(page: Page) -> Statement:
    return changes.in_order(page.centre_id).where(*changes.beyond(page.after, page.question.updated_since))


def _all(query: Statement, _page: Page) -> tuple[Statement, int]:
    return query.where(changes.of_kind(OF_BATCH)).limit(PAGE + 1), PAGE + 1


def _narrow(query: Statement, page: Page) -> tuple[Statement, int]:
    """Return the statement for the question, and up to how many rows it gives.

    An order, a driver, the cancelled have indexes of their own; the rest is judged among the rows that come next.
    """
    asked = page.question
    is_ended = asked.status in (CANCELLED, REPLACED)
    if asked.order_number:
        query = query.where(LastChange.order_number == asked.order_number, changes.HAS_ORDER)
    if is_ended:
        query = query.where(changes.IS_ENDED)
    if not asked.order_number and not is_ended:
        query = query.where(changes.of_kind(OF_REGISTRATION))
    if asked.permit_number or asked.birth_date:
        query = query.where(LastChange.subject_id.in_(_of_driver(page.centre_id, asked)))
    fits = _judged(asked)
    if not fits:
        return query.limit(PAGE + 1), PAGE + 1
    looked_at = query.limit(LOOKED_AT).subquery()
    columns = (looked_at.c.subject_id, looked_at.c.at, looked_at.c.number)
    judged = select(*columns, and_(*fits)).join(Registration, Registration.id == looked_at.c.subject_id)
    return judged.order_by(looked_at.c.at, looked_at.c.number), LOOKED_AT


def _judged(asked: Question) -> list[ColumnElement[bool]]:
    """Return what is judged row by row."""
    fits: list[ColumnElement[bool]] = []
    if asked.trainings:
        fits.append(Registration.training_id.in_(asked.trainings))
    if asked.status == ACTIVE:
        fits.append(Registration.live())
    elif asked.status:
        fits.append(exists().where(Cancellation.registration_id == Registration.id, Cancellation.kind == asked.status))
    return fits


def _of_driver(centre_id: int, asked: Question) -> list[int]:
    """Return the centre's registrations under this permit number, this birth date, or both."""
    borne = []
    if asked.permit_number:
        borne.append(Driver.permit_number == asked.permit_number)
    if asked.birth_date:
        borne.append(Driver.birth_date == asked.birth_date)
    own = select(Registration.id).where(Registration.centre_id == centre_id)
    either = (own.where(under) for under in search.registered_under(and_(*borne)))
    return [id_ for query in either for id_ in db.session.execute(query).scalars()]
