"""What centres' software is told of: written with the act itself, in its transaction; a centre without address costs one read.

Messages hold ids and states: who was trained is asked of the API, with a key.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from flask import json
from sqlalchemy import ColumnElement, Exists, exists, insert, select
from sqlalchemy.orm import InstrumentedAttribute

from app.extensions import db
from app.models import Batch, Registration, WebhookDelivery, WebhookEndpoint
from app.models.api import AVAILABLE, CANCELLED, CONFIRMED, INVOICED, PENDING, REFUSED, REVOKED, STATUS, TRIAL
from app.models.batch import API
from app.models.outbox import WEBHOOK
from app.services.core import actor, clock, outbox, trace
from app.validators.batch import Report

Data = dict[str, Any]


def confirmed(batch_id: int, centre_id: int, count: int) -> None:
    """Tell that a batch is registered, by whichever door."""

    def data() -> Data:
        batch = db.session.get_one(Batch, batch_id, populate_existing=True)
        return {
            "batch": batch.key,
            "mode": batch.mode,
            "receipt_number": batch.receipt_number,
            "registrations": count,
            "idempotency_key": batch.idempotency_key,
        }

    emit(centre_id, CONFIRMED, data)


def refused(batch: Batch, report: Report) -> None:
    """Tell that a batch confirmed on screen was refused by its last check."""
    emit(batch.centre_id, REFUSED, lambda: _refusal(report, batch.key, batch.mode, None))


def refused_call(centre_id: int, report: Report, idempotency_key: str) -> None:
    """Tell that a call was refused for its lines; it left no batch, the caller's own key says which it was."""
    emit(centre_id, REFUSED, lambda: _refusal(report, None, API, idempotency_key))


def available(registrations: Iterable[Registration]) -> None:
    """Tell that the documents of these registrations are there, a message a batch; those withheld are not spoken of yet."""
    handed = sorted(
        (one for one in registrations if not one.withheld and one.is_live),
        key=lambda one: (one.batch_id, one.line_number),
    )
    for batch_id, group in groupby(handed, lambda one: one.batch_id):
        rows = list(group)

        def data(batch_id: int = batch_id, rows: list[Registration] = rows) -> Data:
            key = db.session.scalar(select(Batch.key).where(Batch.id == batch_id))
            return {"batch": key, "registrations": [{"id": one.id, "line": one.line_number} for one in rows]}

        emit(rows[0].centre_id, AVAILABLE, data)


def cancelled(centre_id: int, registration_id: int, reason_code: str, replaced_by: int | None) -> None:
    """Tell that a registration was cancelled, or replaced by another."""
    data = {"registration": registration_id, "reason_code": reason_code, "replaced_by": replaced_by}
    emit(centre_id, CANCELLED, lambda: data)


def revoked(registration_ids: list[int]) -> None:
    """Tell each centre concerned that documents of its registrations hold no more, a message a centre."""
    query = select(Registration.centre_id, Registration.id).where(Registration.id.in_(registration_ids))
    with actor.acting(actor.PROGRAM):
        rows = db.session.execute(query.order_by(Registration.centre_id, Registration.id)).tuples().all()
        for centre_id, group in groupby(rows, lambda row: row[0]):
            ids = [{"id": id_} for _, id_ in group]
            emit(centre_id, REVOKED, lambda ids=ids: {"registrations": ids})  # type: ignore[misc]


def issued(centre_id: int, number: str, kind: str, corrects: str | None) -> None:
    """Tell that an invoice, or a credit note, was issued."""
    emit(centre_id, INVOICED, lambda: {"number": number, "kind": kind, "corrects": corrects})


def statuses(told: Sequence[tuple[int, str, str, datetime]]) -> None:
    """Tell what the platform said of invoices: centre, number, code and instant of each; centres that listen to nothing cost
    one read in all.
    """
    listening = select(WebhookEndpoint.centre_id).where(
        WebhookEndpoint.centre_id.in_({centre_id for centre_id, *_ in told}), *_listens(WebhookEndpoint.centre_id)
    )
    centres = set(db.session.execute(listening).scalars()) if told else set()
    for centre_id, number, code, at in told:
        if centre_id in centres:
            data = {"number": number, "status": code, "happened_at": at.isoformat(timespec="seconds")}
            emit(centre_id, STATUS, lambda data=data: data)  # type: ignore[misc]


def listens_clause(centre_id: InstrumentedAttribute[int]) -> Exists:
    """Return, as SQL, whether a centre (by a column) is told of anything at all."""
    return exists().where(*_listens(centre_id))


def trial(endpoint: WebhookEndpoint) -> int:
    """Write a message that says it is a trial, for one address, and return its id."""
    return _write(endpoint.centre_id, [endpoint.id], TRIAL, {"test": True})[0]


def emit(centre_id: int, event: str, data: Callable[[], Data]) -> None:
    """Write a message to each address of the centre that asked for the event, in the caller's transaction."""
    e = WebhookEndpoint
    query = select(e.id, e.events).where(*_listens(centre_id))
    asked = [id_ for id_, events in db.session.execute(query) if event in events.split(",")]
    if asked:
        _write(centre_id, asked, event, data())


def _listens(centre_id: int | InstrumentedAttribute[int]) -> tuple[ColumnElement[bool], ...]:
    e = WebhookEndpoint
    return e.centre_id == centre_id, e.active.is_(True), e.removed_at.is_(None)


def _write(centre_id: int, endpoint_ids: list[int], event: str, data: Data) -> list[int]:
    now = clock.machine_now()
    told = {"type": event, "timestamp": clock.now().isoformat(timespec="seconds"), "data": data}
    body = json.dumps(told, ensure_ascii=False, sort_keys=False)
    rows = [
        {
            "centre_id": centre_id,
            "endpoint_id": endpoint_id,
            "message_id": f"msg_{secrets.token_hex(14)}",
            "event": event,
            "body": body,
            "created_at": now,
            "started_at": now,
            "next_at": now,
            "state": PENDING,
            "attempts": 0,
            "ticket": 1,
            "trace": trace.current() or None,
        }
        for endpoint_id in endpoint_ids
    ]
    ids = list(db.session.execute(insert(WebhookDelivery).returning(WebhookDelivery.id), rows).scalars())
    outbox.add(WEBHOOK, ({"delivery": id_, "ticket": 1} for id_ in ids))
    return ids


def _refusal(report: Report, batch: str | None, mode: str, idempotency_key: str | None) -> Data:
    return {
        "batch": batch,
        "mode": mode,
        "code": "lines_in_error",
        "lines": report.lines,
        "errors": report.errors,
        "idempotency_key": idempotency_key,
    }
