"""What an agent asks to be issued: one invoice or credit note, or all that is ready of a month; done by the worker."""

from __future__ import annotations

from datetime import date
from typing import Any

from app.models.outbox import ISSUE
from app.services.core import outbox
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction

from . import issuing, proving, running


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
    """Issue what was asked for. What is refused stands on the draft, with why: trying again would change nothing."""
    with proving.judge() as by:
        if "month" in payload:
            running.issue(date.fromisoformat(payload["month"]), by, payload["agent"])
            return
        try:
            issuing.issue(payload["invoice"], by, payload["agent"])
        except Refusal:
            return
