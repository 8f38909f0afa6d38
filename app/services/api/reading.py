"""What the API answers when asked: the catalogue open to a centre, the state of its batches and registrations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from flask import current_app
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from app.extensions import db
from app.models import Batch, Cancellation, Document, Registration
from app.models.api import OF_BATCH, OF_REGISTRATION
from app.models.batch import REGISTERED
from app.models.registration import AVAILABLE, CERTIFICATE, PENDING, RECAP
from app.services.core import clock
from app.services.reference import pricing
from app.services.registration import drafts
from app.services.rights.access import Reach

from . import changes

#: Registrations of a batch answered at once; a batch by file may hold many more.
PAGE = 1000


def catalogue(centre_id: int, day: date, reach: Reach | None = None) -> list[dict[str, Any]]:
    """Return the trainings the centre is accredited for on that day, at the price in force today (excluding VAT, euros).

    With ``reach``, those only that this person may register.
    """
    prices = pricing.unit_prices(clock.today(), centre_id)
    return [
        {
            "label": entry.label,
            "category": entry.category.value,
            "family": entry.family,
            "minors_allowed": entry.minors_allowed,
            "price": str(prices[entry.id].amount) if entry.id in prices else None,
        }
        for entry in drafts.open_trainings(centre_id, day, reach)
    ]


def batch(centre_id: int, key: str, after: int = 0) -> dict[str, Any] | None:
    """Return the state of the centre's batch and a page of its registrations, those after a line; None where it has none.

    ``next`` is the line to ask for the following page after, None on the last one.
    """
    found = db.session.execute(select(Batch).where(Batch.key == key, Batch.centre_id == centre_id)).scalar_one_or_none()
    if found is None:
        return None
    query = _registrations().where(Registration.batch_id == found.id, Registration.line_number > after)
    rows = list(db.session.execute(query.order_by(Registration.line_number).limit(PAGE + 1)).scalars())
    shown = rows[:PAGE]
    return {
        **_head(found),
        "registrations": [_line(row) for row in shown],
        "documents": [document for row in shown for document in _documents(row)],
        "next": shown[-1].line_number if len(rows) > PAGE else None,
    }


def batches(centre_id: int, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return the states of the centre's batches of these ids, in their order, without their registrations; two queries."""
    query = select(Batch).where(Batch.id.in_(ids), Batch.centre_id == centre_id)
    rows = {row.id: row for row in db.session.execute(query).scalars()}
    changed = changes.instants(OF_BATCH, list(rows))
    return [
        {
            **_head(row),
            "count": (row.summary or {}).get("kept") if row.state == REGISTERED else 0,
            "updated_at": told(changed[id_]),
        }
        for id_ in ids
        if (row := rows.get(id_))
    ]


def _head(row: Batch) -> dict[str, Any]:
    """Return what is told of a batch wherever it is told of."""
    return {
        "id": row.key,
        "mode": row.mode,
        "state": row.state,
        "receipt_number": row.receipt_number,
        "registered_at": row.registered_at.isoformat(timespec="seconds") if row.registered_at else None,
    }


def registration(centre_id: int, registration_id: int) -> dict[str, Any] | None:
    """Return the state of the centre's registration and of its documents; None where it has none of that id."""
    found = registrations(centre_id, [registration_id])
    return found[0] if found else None


def registrations(centre_id: int, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return the states of the centre's registrations of these ids, in their order; those it has not are left out.

    As many queries whatever their number, up to a page.
    """
    r = Registration
    query = (
        _registrations()
        .join(r.batch)
        .join(r.driver)
        .join(r.training)
        .options(contains_eager(r.batch), contains_eager(r.driver), contains_eager(r.training))
        .options(joinedload(r.registered_as))
        .where(r.id.in_(ids), r.centre_id == centre_id)
    )
    rows = {row.id: row for row in db.session.execute(query).scalars()}
    replaced_by, replaces = _links(list(rows))
    changed = changes.instants(OF_REGISTRATION, list(rows))
    return [
        {
            **_line(row),
            "batch": row.batch.key,
            "state": "registered",
            "status": "active" if row.is_live else "replaced" if id_ in replaced_by else "cancelled",
            "registered_on": row.registered_on.isoformat(),
            "cancelled_on": row.cancelled_on.isoformat() if row.cancelled_on else None,
            "replaces": replaces.get(id_),
            "replaced_by": replaced_by.get(id_),
            "updated_at": told(changed[id_]),
            **_values(row),
            "documents": _documents(row),
        }
        for id_ in ids
        if (row := rows.get(id_))
    ]


def told(at: datetime) -> str:
    """Return an instant to the microsecond, in UTC: what « updated_since » takes, with nothing an address writes otherwise."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _links(ids: Sequence[int]) -> tuple[dict[int, int], dict[int, int]]:
    """Return registration → the one that replaces it, and registration → the one it replaces."""
    c = Cancellation
    query = select(c.registration_id, c.replaced_by_id).where(
        or_(c.registration_id.in_(ids), c.replaced_by_id.in_(ids))
    )
    links = [(before, after) for before, after in db.session.execute(query).tuples() if after is not None]
    return dict(links), {after: before for before, after in links}


def _values(row: Registration) -> dict[str, Any]:
    """Return the nine fields, as the register holds them."""
    return {
        "reference": row.reference,
        "order_number": row.order_number,
        "training_label": row.training.label,
        "category": row.training.category,
        "end_date": row.end_date.isoformat(),
        "first_name": row.first_name,
        "last_name": row.last_name,
        "birth_date": row.identity.birth_date.isoformat(),
        "permit_number": row.identity.permit_number,
    }


def _registrations() -> Select[Registration]:
    return select(Registration).options(selectinload(Registration.documents))


def _line(row: Registration) -> dict[str, Any]:
    certificate = row.live_documents.get(CERTIFICATE)
    number = certificate.number if certificate else None
    return {"id": row.id, "line": row.line_number, "certificate_number": number, "price": str(row.price)}


def _documents(row: Registration) -> list[dict[str, Any]]:
    """Return the documents, the récapitulatif first."""
    base: str = current_app.config["BASE_URL"]
    return [
        {
            "kind": document.kind,
            "state": _state(row, document),
            "number": document.number,
            "verify_url": f"{base}/verifier/{document.number}",
        }
        for document in sorted(row.documents, key=lambda document: document.kind != RECAP)
    ]


def _state(row: Registration, document: Document) -> str:
    """Return « pending » while the file is to be drawn, or while an agent is to decide whose it is."""
    return PENDING if row.withheld and document.state == AVAILABLE else document.state
