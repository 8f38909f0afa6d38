"""What an agent asks to be issued: one invoice or credit note, or all that is ready of a month; done by the worker."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import Any

import structlog

from app.models.outbox import ISSUE
from app.services.core import outbox
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction

from . import issuing, proving, running

log = structlog.get_logger()
#: Seconds that a job issues for: it leaves room for the proof in hand before its time is up (`core.queue_job.JOB_TIMEOUT`).
A_JOB = 25.0


def ask(agent_id: int, *, invoice_id: int | None = None, month: date | None = None) -> None:
    """Make due the issue of an invoice, or of a month, on behalf of an agent."""
    about = {"invoice": invoice_id} if month is None else {"month": month.isoformat()}
    with transaction():
        outbox.add(ISSUE, [{**about, "agent": agent_id}], first_turn=-1)
    outbox.ring()


def make_due(invoice_id: int, agent_id: int) -> None:
    """Make due the issue of a credit note, in the caller's transaction."""
    outbox.add(ISSUE, [{"invoice": invoice_id, "agent": agent_id}], first_turn=-1)


def carry_out(payload: dict[str, Any]) -> None:
    """Issue what was asked for: an invoice, or a share of a month or of the credit notes, whose rest is made due in the
    caller's transaction. What is refused stands on the draft, with why: trying again at once would change nothing.
    """
    with proving.judge() as by:
        if "invoice" in payload:
            with suppress(Refusal):
                issuing.issue(payload["invoice"], by, payload["agent"])
            return
        share = {"after": payload.get("after", ()), "seconds": A_JOB}
        if "month" in payload:
            done = running.issue(date.fromisoformat(payload["month"]), by, payload["agent"], **share)
        else:
            done = running.issue_credits(by, **share)
    log.info("invoices issued", issued=len(done.numbers), refused=sum(done.refused.values()), rest=bool(done.after))
    if done.after:
        outbox.add(
            ISSUE, [{**payload, "after": list(done.after)}]
        )  # behind what waits: nobody waits for all of a month
