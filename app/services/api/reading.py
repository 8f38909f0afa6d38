"""What the API answers when asked: the catalogue open to a centre, the state of its batches and registrations."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import current_app
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import selectinload

from app.extensions import db
from app.models import Batch, Cancellation, Document, Registration
from app.models.registration import AVAILABLE, CERTIFICATE, PENDING, RECAP
from app.services.core import clock
from app.services.reference import pricing
from app.services.registration import drafts
from app.services.rights.access import Reach

#: Registrations of a batch answered at once; a batch by file may hold many more.
PAGE = 1000


def catalogue(centre_id: int, day: date, reach: Reach | None = None) -> list[dict[str, Any]]:
    """Return the trainings the centre is accredited for on that day, at the price in force today (excluding VAT, euros).

    With ``reach``, those only that this person may register.
    """
    prices = pricing.unit_prices(clock.today())
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
        "id": found.key,
        "mode": found.mode,
        "state": found.state,
        "receipt_number": found.receipt_number,
        "registered_at": found.registered_at.isoformat(timespec="seconds") if found.registered_at else None,
        "registrations": [_line(row) for row in shown],
        "documents": [document for row in shown for document in _documents(row)],
        "next": shown[-1].line_number if len(rows) > PAGE else None,
    }


def registration(centre_id: int, registration_id: int) -> dict[str, Any] | None:
    """Return the state of the centre's registration and of its documents; None where it has none of that id."""
    query = _registrations().where(Registration.id == registration_id, Registration.centre_id == centre_id)
    row = db.session.execute(query).scalar_one_or_none()
    if row is None:
        return None
    key = db.session.scalar(select(Batch.key).where(Batch.id == row.batch_id))
    return {
        **_line(row),
        "batch": key,
        "state": "registered",
        **_status(row),
        "registered_on": row.registered_on.isoformat(),
        "documents": _documents(row),
    }


def _status(row: Registration) -> dict[str, Any]:
    """Return whether a registration counts, and its links to those before and after it."""
    c = Cancellation
    query = select(c.registration_id, c.replaced_by_id).where(
        or_(c.registration_id == row.id, c.replaced_by_id == row.id)
    )
    links = db.session.execute(query).tuples().all()
    by = next((after for before, after in links if before == row.id), None)
    status = "active" if row.is_live else "replaced" if by else "cancelled"
    return {
        "status": status,
        "cancelled_on": row.cancelled_on.isoformat() if row.cancelled_on else None,
        "replaces": next((before for before, after in links if after == row.id), None),
        "replaced_by": by,
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
