"""A platform that is none: it keeps what it is handed in rows of its own and tells, from there, what a real one would.

What it tells follows from the order number it reads in the electronic invoice (`SCENARIOS`) and from the time gone by: the same
after a restart. A rejection or a refusal strikes the first invoice of an order number, so that the next one shows the way out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256 as sha256_of

from sqlalchemy import func, select, update

from app.extensions import db
from app.models import SimulatedEvent, SimulatedFlow
from app.services.core import clock
from app.services.core.dialect import insert_if_new
from app.services.core.taking import changed
from app.services.invoicing import files, xml

from .codes import Code
from .platform import Acknowledgement, Answer, Event, FlowRefused, Unreachable

NAME = "simulated"
#: Said wherever it is shown.
NOTICE = "Plateforme simulée : aucune facture ne quitte ce registre."
#: Events told at once.
PAGE = 200
#: Flows whose story goes on at one call.
FLOWS = 500
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a flow's story: so long after it was taken, this status, with this reason."""

    after: timedelta
    code: str
    reason_code: str = ""
    text: str = ""


_RECEIVED = (Step(0 * _MINUTE, Code.DEPOSITED), Step(_MINUTE, Code.RECEIVED), Step(2 * _MINUTE, Code.AVAILABLE))
USUAL = (*_RECEIVED, Step(5 * _MINUTE, Code.APPROVED))
_REFUSED = "Le numéro de commande n’est pas connu de l’acheteur."
_REJECTED = "L’adresse électronique de l’acheteur n’est pas dans l’annuaire."
_RECYCLED = "Le service indiqué n’est pas actif : la facture est à recycler."
#: How an order number begins → what its invoices go through.
SCENARIOS: dict[str, tuple[Step, ...]] = {
    "SIMU-REFUS": (*_RECEIVED, Step(5 * _MINUTE, Code.REFUSED, "CMD_ERR", _REFUSED)),
    "SIMU-LITIGE": (*_RECEIVED, Step(5 * _MINUTE, Code.DISPUTED, "QTE_ERR", "La quantité facturée est contestée.")),
    "SIMU-SUSPENS": (*_RECEIVED, Step(5 * _MINUTE, Code.SUSPENDED, "JUSTIF_ABS", "Une pièce justificative manque.")),
    "SIMU-REJET": (_RECEIVED[0], Step(_MINUTE, Code.REJECTED, "DEST_ERR", _REJECTED)),
    "SIMU-RECYCLER": (_RECEIVED[0], Step(_MINUTE, Code.TO_RECYCLE, "SERVICE_ERR", _RECYCLED)),
    "SIMU-LENT": (
        Step(_HOUR, Code.DEPOSITED),
        Step(_DAY, Code.RECEIVED),
        Step(2 * _DAY, Code.AVAILABLE),
        Step(5 * _DAY, Code.APPROVED),
    ),
    "SIMU-COUPURE": USUAL,
}
#: Those that strike once an order number.
_ONCE = ("SIMU-REFUS", "SIMU-REJET")
#: Calls that an outage leaves without an answer.
OUTAGE = 2


class Simulated:
    """`EInvoicePlatform`, without a network. It writes in its caller's transaction."""

    name = NAME
    is_simulated = True

    def submit(self, tracking_id: str, pdf: bytes, sha256: str, rule: str) -> str:
        """Take a file: the same tracking id again is the same flow, whatever happened in between."""
        if sha256_of(pdf).hexdigest() != sha256:
            raise FlowRefused("L’empreinte annoncée n’est pas celle du fichier.")
        flow = self._flow(tracking_id)
        if flow is not None and flow.sha256 != sha256:
            raise FlowRefused("Un autre fichier est déjà déposé sous ce numéro de suivi.")
        if flow is None:
            flow = self._take(tracking_id, pdf, sha256, rule)
        if flow.order_number.startswith("SIMU-COUPURE") and flow.calls < OUTAGE:
            _note(flow, calls=flow.calls + 1)
            raise Unreachable("La plateforme simulée est coupée.")
        if flow.next_at is None and not flow.told:
            now = clock.machine_now()
            story = self._story(flow)
            _note(flow, received_at=clock.now(), taken_at=now, next_at=now + story[0].after)
        return str(flow.id)

    def acknowledgement(self, flow_id: str) -> Acknowledgement:
        """Say that a flow is taken, once its first status is due."""
        flow = db.session.get(SimulatedFlow, int(flow_id), populate_existing=True)
        if flow is None:
            return Acknowledgement(Answer.REFUSED, "La plateforme simulée ne connaît pas ce flux.")
        is_taken = flow.told > 0 or (flow.next_at is not None and flow.next_at <= clock.machine_now())
        return Acknowledgement(Answer.TAKEN if is_taken else Answer.PENDING)

    def events(self, cursor: str) -> tuple[Sequence[Event], str]:
        """Let the stories go on to this instant, then tell what comes after the cursor."""
        self._go_on()
        after = int(cursor or 0)
        query = (
            select(SimulatedEvent, SimulatedFlow.number)
            .join(SimulatedFlow, SimulatedFlow.id == SimulatedEvent.flow_id)
            .where(SimulatedEvent.id > after)
            .order_by(SimulatedEvent.id)
            .limit(PAGE)
        )
        rows = db.session.execute(query).tuples().all()
        told = [
            Event(f"S{row.id}", number, row.code, row.happened_at, row.reason_code, row.text) for row, number in rows
        ]
        return told, str(rows[-1][0].id) if rows else cursor

    def report_payment(self, number: str, day: date, amounts: Sequence[tuple[int, int]], reference: str) -> None:
        """Take note of a payment; it must be of an invoice that was deposited here."""
        if db.session.scalar(select(SimulatedFlow.id).where(SimulatedFlow.number == number).limit(1)) is None:
            raise FlowRefused(f"La plateforme simulée ne connaît pas la facture {number}.")

    def _take(self, tracking_id: str, pdf: bytes, sha256: str, rule: str) -> SimulatedFlow:
        try:
            written = files.attached(pdf)
            number, order = xml.said(written).number, xml.order_of(written)
        except ValueError:
            raise FlowRefused("Le fichier ne contient pas de facture électronique lisible.") from None
        now = clock.machine_now()
        values = {"tracking_id": tracking_id, "sha256": sha256, "rule": rule, "number": number, "order_number": order}
        counts = {"calls": 0, "told": 0, "next_at": None, "received_at": clock.now(), "taken_at": now}
        insert_if_new(SimulatedFlow, {**values, **counts})
        flow = self._flow(tracking_id)
        assert flow is not None
        return flow

    def _flow(self, tracking_id: str) -> SimulatedFlow | None:
        query = select(SimulatedFlow).where(SimulatedFlow.tracking_id == tracking_id)
        return db.session.execute(query.execution_options(populate_existing=True)).scalar_one_or_none()

    def _story(self, flow: SimulatedFlow) -> tuple[Step, ...]:
        name = next((one for one in SCENARIOS if flow.order_number.startswith(one)), "")
        if not name or not flow.number.startswith("F"):
            return USUAL
        if name in _ONCE:
            before = select(func.count()).select_from(SimulatedFlow)
            same = (SimulatedFlow.order_number == flow.order_number, SimulatedFlow.number.like("F%"))
            if db.session.scalar(before.where(*same, SimulatedFlow.id < flow.id)):
                return USUAL
        return SCENARIOS[name]

    def _go_on(self) -> None:
        """Write the events that are due by now of the flows whose story is not told to its end."""
        now = clock.machine_now()
        query = select(SimulatedFlow).where(SimulatedFlow.next_at <= now).order_by(SimulatedFlow.next_at).limit(FLOWS)
        for flow in db.session.execute(query).scalars().all():
            story = self._story(flow)
            due = [step for step in story[flow.told :] if flow.taken_at + step.after <= now]
            for at, step in enumerate(due, flow.told):
                _tell(flow, at, step)
            told = flow.told + len(due)
            _note(flow, told=told, next_at=flow.taken_at + story[told].after if told < len(story) else None)


def _tell(flow: SimulatedFlow, at: int, step: Step) -> None:
    values = {"code": str(step.code), "reason_code": step.reason_code, "text": step.text}
    happened = {"happened_at": flow.received_at + step.after}
    insert_if_new(SimulatedEvent, {"flow_id": flow.id, "step": at, **values, **happened})


def _note(flow: SimulatedFlow, **values: object) -> None:
    changed(update(SimulatedFlow).where(SimulatedFlow.id == flow.id).values(values))
    db.session.refresh(flow)
