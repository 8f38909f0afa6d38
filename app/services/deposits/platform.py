"""What an invoicing platform does for us, whichever it is: takes files, says what becomes of them, is told of payments.

Modelled on the Flow Service of AFNOR XP Z12-013: a flow under a tracking id of ours, its acknowledgement, events by a cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from app.models.types import Labelled

#: By which rules a flow is handled: to a company, to a public body (Chorus Pro).
B2B, B2G = "B2B", "B2G"


class Unreachable(Exception):
    """The platform does not answer, or answers that it cannot now: the same call is made again later."""


class FlowRefused(Exception):
    """The platform refuses the flow itself, for a reason it says: trying again would change nothing."""


class Answer(Labelled):
    """What the platform says of a flow it has taken."""

    PENDING = "pending", "En attente"
    TAKEN = "taken", "Déposée"
    REFUSED = "refused", "Flux refusé"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What became of a flow, and why where it was refused."""

    answer: Answer
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """A status of an invoice, as the platform tells it; ``id`` is the platform's own, the same whenever it is told again."""

    id: str
    #: Of the invoice (BT-1).
    number: str
    code: str
    happened_at: datetime
    reason_code: str = ""
    text: str = ""


class EInvoicePlatform(Protocol):
    """An invoicing platform. Every call may raise :class:`Unreachable`; none changes anything when it is made twice."""

    #: Short name, kept with each deposit and event.
    name: str
    #: Whether nothing leaves this register: said wherever the platform is shown.
    is_simulated: bool

    def submit(self, tracking_id: str, pdf: bytes, sha256: str, rule: str) -> str:
        """Hand a file over and return the flow's id: the same one for the same tracking id. Raises :class:`FlowRefused`."""

    def acknowledgement(self, flow_id: str) -> Acknowledgement:
        """Return what became of a flow."""

    def events(self, cursor: str) -> tuple[Sequence[Event], str]:
        """Return the events after a cursor ('' is the beginning), some at a time, and the cursor after them."""

    def report_payment(self, number: str, day: date, amounts: Sequence[tuple[int, int]], reference: str) -> None:
        """Tell that so many cents were received at each rate (basis points); ``reference`` tells one report from another."""
