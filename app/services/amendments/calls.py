"""Cancelling and replacing by API: the same act, rehearsed for a sandbox key; the same call again, the same answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.models import Cancellation, CorrectionRequest, Document, Registration
from app.models.amendment import CANCELLED, REPLACED
from app.models.registration import CERTIFICATE, REVOKED
from app.services.api.gate import Caller
from app.services.core.refusal import Refusal

from . import acts, requests
from .acts import Who
from .effects import Effects
from .orders import Order

#: Answers by their HTTP status.
DONE, REPLACED_BY, ASKED = 200, 201, 202


class KeyReused(Refusal):
    """This idempotency key already served for another correction."""

    message = "Cette clé d’idempotence a déjà servi pour une autre correction : employez-en une nouvelle."


class AlreadyCancelled(Refusal):
    """It was cancelled before; ``first`` is what was answered then."""

    message = acts.AlreadyCancelled.message

    def __init__(self, first: dict[str, Any]) -> None:
        super().__init__()
        self.first = first


@dataclass(frozen=True, slots=True)
class Call:
    """What came with the order: the caller's idempotency key and the hash of the body."""

    key: str
    sent: str


def find(caller: Caller, registration_id: int) -> Registration | None:
    """Return a registration of the caller's centre; None for another's, like one that never was."""
    query = select(Registration).where(Registration.id == registration_id, Registration.centre_id == caller.centre_id)
    return db.session.execute(query).scalar_one_or_none()


def first_answer(caller: Caller, registration: Registration, call: Call) -> tuple[dict[str, Any], int] | None:
    """Return the answer given before under this key, None where it has not served.

    Raises :class:`KeyReused`, or :class:`AlreadyCancelled` for a registration cancelled otherwise.
    """
    query = (
        select(Cancellation)
        .join(Cancellation.registration)
        .where(Registration.centre_id == caller.centre_id, Cancellation.idempotency_key == call.key)
    )
    before = db.session.execute(query).scalar_one_or_none()
    if before is not None:
        if (before.registration_id, before.request_hash) != (registration.id, call.sent):
            raise KeyReused
        return _told(before)
    if not registration.is_live:
        query = select(Cancellation).where(Cancellation.registration_id == registration.id)
        raise AlreadyCancelled(_told(db.session.execute(query).scalar_one())[0])
    return None


def amend(caller: Caller, order: Order, call: Call) -> tuple[dict[str, Any], int]:
    """Cancel or replace, or ask an agent where the centre may not alone; return the answer and its HTTP status.

    Raises as `acts.amend`, but for `acts.NeedsAgent`; and :class:`AlreadyCancelled`.
    """
    who = Who(caller.person_id, None, caller.reach.rights[0], (call.key, call.sent))
    if caller.sandbox:
        return _rehearse(caller, order, who, call)
    try:
        acts.amend(order, who)
    except acts.NeedsAgent:
        return _ask(order, who)
    except acts.AlreadyCancelled:
        pass
    query = select(Cancellation).where(Cancellation.registration_id == order.registration_id)
    done = db.session.execute(query).scalar_one()
    answer = _told(done)
    if (done.idempotency_key, done.request_hash) != (call.key, call.sent):
        raise AlreadyCancelled(answer[0])
    return answer


def request_of(caller: Caller, key: str) -> dict[str, Any] | None:
    """Return the state of a request of the caller's centre, None where there is none of that key."""
    query = (
        select(CorrectionRequest)
        .join(CorrectionRequest.registration)
        .where(CorrectionRequest.key == key, Registration.centre_id == caller.centre_id)
    )
    row = db.session.execute(query).scalar_one_or_none()
    if row is None:
        return None
    return {"request": row.key, "registration": row.registration_id, "state": row.state, "answer": row.answer}


def _ask(order: Order, who: Who) -> tuple[dict[str, Any], int]:
    try:
        row = requests.ask(order, who)
    except requests.AlreadyAsked:
        waiting = requests.open_of(order.registration_id)
        if waiting is None:
            raise
        row = waiting
    return {"request": row.key}, ASKED


def _told(row: Cancellation) -> tuple[dict[str, Any], int]:
    if row.replaced_by is None:
        return {"registration": row.registration_id, "status": CANCELLED}, DONE
    new = row.replaced_by
    query = select(Document.number).where(
        Document.registration_id == new.id, Document.kind == CERTIFICATE, Document.state != REVOKED
    )
    by = {
        "id": new.id,
        "line": new.line_number,
        "certificate_number": db.session.scalar(query),
        "price": str(new.price),
    }
    return {"registration": row.registration_id, "status": REPLACED, "replaced_by": by}, REPLACED_BY


def _rehearse(caller: Caller, order: Order, who: Who, call: Call) -> tuple[dict[str, Any], int]:
    """Answer as if it had been done; nothing is written. The same call has the same answer."""
    registration = db.session.get_one(Registration, order.registration_id)
    effects = acts.look(registration, order, who)
    seed = sha256(json.dumps([caller.prefix, call.key, call.sent]).encode()).hexdigest()
    if effects.needs_agent:
        return {"sandbox": True, "request": seed[:16]}, ASKED
    if effects.new is None:
        return {"sandbox": True, "registration": registration.id, "status": CANCELLED}, DONE
    by = _specimen(effects, registration, seed)
    return {"sandbox": True, "registration": registration.id, "status": REPLACED, "replaced_by": by}, REPLACED_BY


def _specimen(effects: Effects, registration: Registration, seed: str) -> dict[str, Any]:
    number = f"SPECIMEN-{seed[:5].upper()}-00001" if effects.new and effects.new.certificate else None
    return {"id": registration.id, "line": 1, "certificate_number": number, "price": str(effects.price_after)}
