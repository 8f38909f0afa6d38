"""The one entry point of the queue: an outbox id in, the service it calls for, marked done with its result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from app.models.outbox import ANALYSIS, DOCUMENTS, MAIL, RESET
from app.services import documents, imports, mail, outbox, password_change
from app.services.transaction import transaction

log = structlog.get_logger()

#: What each kind of row calls; every service here may run twice.
HANDLERS: dict[str, Callable[[dict[str, Any]], None]] = {
    DOCUMENTS: lambda payload: documents.draw(payload["registrations"]),
    MAIL: lambda payload: mail.send(payload["mail"]),
    RESET: lambda payload: password_change.prepare(payload["link"]),
    ANALYSIS: lambda payload: imports.analyse(payload["batch"]),
}
#: After so many failures of an analysis, the person is told.
ANALYSIS_TRIES = 3


def run(outbox_id: int) -> None:
    """Do the work of one outbox row; a failure is noted on the row and tried again later by the relay."""
    row = outbox.claim(outbox_id)
    if row is None:
        return
    kind, payload, attempt = row.kind, row.payload, row.attempts
    try:
        with transaction():
            HANDLERS[kind](payload)
            outbox.finish(outbox_id)
    except Exception as error:
        outbox.fail(outbox_id, error)
        if kind == ANALYSIS and attempt >= ANALYSIS_TRIES:
            with transaction():
                imports.give_up(payload["batch"])
        log.warning("work put off", outbox_id=outbox_id, kind=kind, error=type(error).__name__)
        return
    outbox.ring()
