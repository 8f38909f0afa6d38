"""The one entry point of the queue: an outbox id in, the service it calls for, marked done with its result."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import select

from app.extensions import db
from app.models import Outbox
from app.models.outbox import (
    ANALYSIS,
    CHECK,
    CONTRACT,
    DEMONSTRATION,
    DEPOSIT,
    DOCUMENTS,
    DUNNING,
    EXPORT,
    INVITATIONS,
    INVOICE_FILE,
    INVOICES,
    ISSUE,
    LISTING,
    LOOK_ALIKES,
    MAIL,
    MATCH,
    NIGHTLY,
    PAYMENT_TOLD,
    PLATFORM_EVENTS,
    PURGE,
    REGISTRATION,
    REMINDERS,
    RESET,
    REVOCATIONS,
    VERIFY,
    VOLUMES,
    WEBHOOK,
)
from app.services.accounts import password_change
from app.services.amendments import look_alikes
from app.services.api import webhook_delivery
from app.services.contracts import acts as contract_acts
from app.services.core import actor, clock, outbox, trace
from app.services.core.transaction import transaction
from app.services.demonstration import money as demonstration_money
from app.services.deposits import depositing, payments_told, polling
from app.services.documents import drawing, integrity, revocations
from app.services.drivers import data_copy, line_invitations
from app.services.imports import analysing
from app.services.imports import confirmation as import_confirmation
from app.services.invoicing import asked, running
from app.services.notifications import mail
from app.services.operations import service_levels
from app.services.payments import dunning, matching
from app.services.proving import check
from app.services.reminders import mails as _reminder_mails  # noqa: F401  what they say
from app.services.reminders import nightly as reminders
from app.services.reporting import exports, volumes
from app.services.retention import purge

log = structlog.get_logger()


def _behind_the_year(act: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    """Put an act of money off while the demonstration's invoices are being made: these are of days before."""

    def later(payload: dict[str, Any]) -> object:
        if outbox.waits(DEMONSTRATION):
            raise outbox.Later
        return act(payload)

    return later


def _bill() -> None:
    """Do what this night bills; deposit what was issued before deposits were."""
    running.nightly()
    depositing.catch_up()


#: What is due once a day.
TASKS: dict[str, Callable[[dict[str, Any]], object]] = {
    REVOCATIONS: lambda _payload: revocations.make(),
    VERIFY: integrity.verify_in_turn,
    PURGE: lambda _payload: purge.purge(by_owner=False),
    REMINDERS: reminders.make_due_in_turn,
    LOOK_ALIKES: lambda _payload: look_alikes.look(),
    INVOICES: _behind_the_year(lambda _payload: _bill()),
    DUNNING: _behind_the_year(lambda _payload: dunning.nightly()),
    VOLUMES: lambda _payload: volumes.count_days(),
    CHECK: check.note_in_turn,
}
#: What each kind of row calls; every service here may run twice.
HANDLERS: dict[str, Callable[[dict[str, Any]], object]] = {
    DOCUMENTS: lambda payload: drawing.draw(payload["registrations"]),
    MAIL: lambda payload: mail.send(payload["mail"]),
    RESET: lambda payload: password_change.prepare(payload["link"]),
    WEBHOOK: lambda payload: webhook_delivery.send(payload["delivery"], payload["ticket"]),
    CONTRACT: lambda payload: contract_acts.draw(payload["contract"]),
    EXPORT: lambda payload: data_copy.make(payload["export"]),
    INVITATIONS: lambda payload: line_invitations.invite(payload["batch"]),
    LISTING: lambda payload: exports.build(payload["export"]),
    ANALYSIS: lambda payload: analysing.analyse(payload["batch"]),
    NIGHTLY: lambda payload: TASKS[payload["task"]](payload),
    MATCH: lambda _payload: matching.run(),
    INVOICE_FILE: lambda payload: depositing.file_and_deposit(payload["invoice"]),
    DEPOSIT: lambda payload: depositing.send(payload["deposit"]),
    PLATFORM_EVENTS: lambda _payload: polling.read(),
    PAYMENT_TOLD: lambda payload: payments_told.carry_out(payload),
    ISSUE: _behind_the_year(lambda payload: asked.carry_out(payload)),
    DEMONSTRATION: lambda _payload: demonstration_money.carry_out(),
    REGISTRATION: lambda payload: import_confirmation.carry_out(payload["batch"], payload["person"]),
}
#: What somebody waits for: after so many failures the person is told.
TRIES = 3
GIVE_UP: dict[str, Callable[[int], None]] = {ANALYSIS: analysing.give_up, REGISTRATION: import_confirmation.give_up}


def run(outbox_id: int) -> None:
    """Do the work of one outbox row, under the number of what it follows from; a failure is noted on the row and tried again
    later by the relay.
    """
    actor.be(actor.PROGRAM)
    row = outbox.claim(outbox_id)
    if row is None:
        return
    with trace.stretch("work", row.kind, number=row.trace) as stretch:
        stretch.failed = not _done(row.id, row.kind, row.payload, row.late_after, row.attempts)
        if not stretch.failed:
            outbox.ring()


def _done(outbox_id: int, kind: str, payload: dict[str, Any], late_after: datetime | None, attempt: int) -> bool:
    began = time.perf_counter()
    try:
        with transaction():
            HANDLERS[kind](payload)
            outbox.finish(outbox_id)
            service_levels.note(kind, payload, late_after)
    except Exception as error:
        outbox.fail(outbox_id, error)
        if kind in GIVE_UP and attempt >= TRIES:
            with transaction():
                GIVE_UP[kind](payload["batch"])
        log.warning("work put off", outbox_id=outbox_id, kind=kind, error=type(error).__name__)
        return False
    if current_app.config["METRICS_PORT"]:  # somebody watches
        log.info("work done", outbox_id=outbox_id, kind=kind, seconds=round(time.perf_counter() - began, 3))
    return True


def run_due(patience: float = 60.0) -> bool:
    """Do here what is due, wait for what a worker has in hand, and tell whether all was done within ``patience`` seconds."""
    until = time.monotonic() + patience
    waiting = select(Outbox.id, Outbox.due_at).where(Outbox.done_at.is_(None)).order_by(Outbox.id)
    while rows := db.session.execute(waiting).all():
        if time.monotonic() > until:
            return False
        for outbox_id, due_at in rows:
            if due_at <= clock.machine_now():
                run(outbox_id)
        time.sleep(0.1)
        db.session.rollback()
    return True
