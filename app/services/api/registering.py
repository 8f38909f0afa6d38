"""Registering by API: lines in, registrations out, in one call and one transaction; sent again, the first answer again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.models import Batch
from app.models.batch import API, REGISTERING, new_key
from app.services.billing import ceilings
from app.services.core import clock, dialect, outbox
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.notifications import webhook_events
from app.services.reference import pricing
from app.services.registration import analysis, announced, batches, confirm
from app.services.registration.rows import DriverMoved
from app.services.rights import access, asking
from app.validators.batch import Report
from app.validators.line import RawLine
from app.validators.remark import Code

from .gate import Caller


class LinesRefused(Refusal):
    """Nothing was registered, because of lines: ``report`` is the analysis."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


class LinesInError(LinesRefused):
    """A line has an error."""

    message = "Au moins une ligne est en erreur : rien n’a été enregistré. Corrigez les lignes signalées."


class AlreadyRegistered(LinesRefused):
    """This centre registered a line before, and the call does not say that it knows."""

    message = (
        "Au moins une ligne est déjà enregistrée par votre centre et serait facturée de nouveau : rien n’a été enregistré. "
        'Retirez ces lignes, ou renvoyez l’appel avec « "accept_duplicates": true ».'
    )


class KeyReused(Refusal):
    """This idempotency key already served for other lines."""

    message = "Cette clé d’idempotence a déjà servi pour d’autres lignes : employez-en une nouvelle."


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked: the lines, under a key the caller chose, with a hash of the body.

    ``accept_duplicates``: the caller knows that lines registered before are registered and billed again.
    """

    idempotency_key: str
    request_hash: str
    lines: list[RawLine]
    accept_duplicates: bool = False


def register(caller: Caller, demand: Demand) -> dict[str, Any]:
    """Register the lines, all or none, and return the answer of the call; a twin waits for the first and gets its answer.

    A refusal leaves nothing under the key, which serves for the corrected or accepted call. Raises `access.NotAllowed` (no
    contract in force), :class:`KeyReused`, :class:`LinesInError`, :class:`AlreadyRegistered`, `pricing.NoTariff`,
    `ceilings.OverCeiling`, or, of a trial key, as :func:`analyse`.
    """
    if not caller.has_contract:
        raise access.NotAllowed(access.NO_CONTRACT)
    if caller.sandbox:
        return _rehearse(caller, demand)
    try:
        try:
            answer = _write(caller, demand)
        except DriverMoved:  # nothing was written; the facts are asked again
            answer = _write(caller, demand)
    except LinesRefused as refusal:
        with transaction():
            told = analysis.analyse_lines(caller.centre_id, demand.lines, caller.reach)  # without being paid for
            if isinstance(refusal, LinesInError):
                webhook_events.refused_call(caller.centre_id, told.report, demand.idempotency_key)
        outbox.ring()
        raise type(refusal)(told.report) from None
    outbox.ring()
    return answer


def _first_answer(centre_id: int, demand: Demand) -> dict[str, Any]:
    """Return the answer already given under this key; raise :class:`KeyReused` where it was given to other lines."""
    query = select(Batch.request_hash, Batch.answer).where(
        Batch.centre_id == centre_id, Batch.idempotency_key == demand.idempotency_key
    )
    row = db.session.execute(query).one()
    if row.request_hash != demand.request_hash:
        raise KeyReused
    return dict(row.answer)


def _write(caller: Caller, demand: Demand) -> dict[str, Any]:
    """Write the batch, its lines and all that follows, unless the key has served; nothing stands when the call is refused."""
    with transaction(durable=True):
        # The key comes first: a twin waits here, and on SQLite nobody else writes from here on. Then the facts are asked.
        key = new_key()
        batch_id = _add_batch(caller, demand, key)
        if batch_id is None:
            return _first_answer(caller.centre_id, demand)
        announced.hold(caller.centre_id)
        found = analysis.analyse_lines(caller.centre_id, demand.lines, caller.reach, asked=False, alike=False)
        _require_acceptable(found, demand)
        batches.insert_lines(batch_id, found.report.rows)
        written = confirm.write_lines(batch_id, caller.centre_id, found)
        ceilings.hold(caller.centre_id, {row.line.order_number for row in found.report.rows})
        answer = _answer(key, written)
        confirm.conclude(
            batch_id,
            caller.centre_id,
            found,
            caller.person_id,
            len(written),
            origin={"api_key": caller.prefix},
            tells=caller.has_webhooks,
            answer=answer,
        )
    return answer


def analyse(caller: Caller, lines: list[RawLine]) -> analysis.Analysis:
    """Return the analysis of lines that are not registered; raise `asking.TooManyStrangers` beyond the limit of the day."""
    with transaction():
        found = analysis.analyse_lines(caller.centre_id, lines, caller.reach)
    if found.facts.untold:
        raise asking.TooManyStrangers
    return found


def _require_acceptable(found: analysis.Analysis, demand: Demand) -> None:
    """Raise :class:`LinesInError` or, unless the call accepts it, :class:`AlreadyRegistered`."""
    if not found.report.importable:
        raise LinesInError(found.report)
    if not demand.accept_duplicates and found.report.kinds.get(Code.ALREADY_REGISTERED):
        raise AlreadyRegistered(found.report)


def _add_batch(caller: Caller, demand: Demand, key: str) -> int | None:
    """Write the batch's row, which takes the idempotency key: of two twins the second waits here.

    Return its id, None where the idempotency key has served.
    """
    now = clock.machine_now()
    values = {
        "key": key,
        "centre_id": caller.centre_id,
        "created_by_id": caller.person_id,
        "mode": API,
        "state": REGISTERING,
        "created_at": now,
        "updated_at": now,
        "version": 0,
        "next_number": 1,
        "idempotency_key": demand.idempotency_key,
        "request_hash": demand.request_hash,
        "checked_version": 0,
        "checked_at": clock.now(),
    }
    return dialect.id_if_new(Batch, values)


def _answer(key: str, written: list[confirm.Written]) -> dict[str, Any]:
    return {
        "batch": key,
        "registrations": [
            {"id": one.id, "line": one.line, "certificate_number": one.certificate_number, "price": str(one.price)}
            for one in written
        ],
    }


def _rehearse(caller: Caller, demand: Demand) -> dict[str, Any]:
    """Answer as if the lines had been registered; nothing is written. The same call has the same answer."""
    found = analyse(caller, demand.lines)
    _require_acceptable(found, demand)
    prices = pricing.unit_prices(clock.today(), caller.centre_id)
    seed = sha256(json.dumps([caller.prefix, demand.idempotency_key, demand.request_hash]).encode()).hexdigest().upper()
    kept = sorted((row.line for row in found.report.rows if row.is_kept), key=lambda line: line.number)
    written = []
    for line in kept:
        assert line.training is not None, "the check found one"
        if line.training.id not in prices:
            raise pricing.NoTariff
        number = None if line.training.is_module else f"SPECIMEN-{seed[:5]}-{line.number:05d}"
        written.append(confirm.Written(line.number, line.number, prices[line.training.id].amount, number))
    return {"sandbox": True, **_answer(seed[:16].lower(), written)}
