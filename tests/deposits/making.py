"""Invoices on their way, as tests of several files need them: issued, deposited, read again when time has passed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import Deposit, Invoice, InvoiceEvent, InvoiceItem
from app.services.core import clock
from app.services.core.transaction import transaction
from app.services.deposits import depositing, platforms, polling, statuses
from app.services.deposits.platform import Acknowledgement, Answer, Event, FlowRefused, Unreachable
from tests.billing import making as billing
from tests.invoicing.making import issue_draft
from tests.support import drain

AGENT = "agent@demo.example"


def deposited(order: str = "ENG 1", permit: str = "990000000002") -> Invoice:
    """Return an invoice of December under an order number, issued today and handed to the platform."""
    drafted = billing.draft(order, permit=permit)
    for item in db.session.execute(select(InvoiceItem).where(InvoiceItem.invoice_id == drafted.id)).scalars():
        assert item.registration is not None
        item.registered_on = item.registration.registered_on = drafted.period_end
    db.session.commit()
    invoice = issue_draft(drafted)
    drain()
    return db.session.get_one(Invoice, invoice.id, populate_existing=True)


def read(after: timedelta = timedelta()) -> None:
    """Read what the platform has to tell, so long from now."""
    with clock.moved(clock.machine_now() + after), transaction():
        polling.read()
    db.session.expire_all()


def deposit_of(invoice: Invoice) -> Deposit:
    """Return the last attempt to deposit an invoice."""
    db.session.expire_all()
    return depositing.of_invoice(invoice.id)[0]


def codes_of(invoice: Invoice) -> list[str]:
    """Return what was said of an invoice, in the order of what happened."""
    db.session.expire_all()
    return [one.code for one in reversed(statuses.history(invoice.id))]


def events() -> list[InvoiceEvent]:
    """Return every event kept."""
    return list(db.session.execute(select(InvoiceEvent).order_by(InvoiceEvent.id)).scalars())


class Fake:
    """A platform that does as a test says: its memory is its own, whatever becomes of the base."""

    name = "fake"
    is_simulated = False

    def __init__(self) -> None:
        self.flows: dict[str, tuple[str, str]] = {}
        self.calls: list[tuple[str, str]] = []
        self.told: list[tuple[str, date, list[tuple[int, int]], str]] = []
        self.pages: dict[str, tuple[list[Event], str]] = {}
        self.answer = Acknowledgement(Answer.TAKEN)
        self.is_away, self.refusal = False, ""

    def submit(self, tracking_id: str, pdf: bytes, sha256: str, rule: str) -> str:
        """Take a file, once a tracking id."""
        self.calls.append((tracking_id, rule))
        if self.is_away:
            raise Unreachable("Pas de réponse.")
        if self.refusal:
            raise FlowRefused(self.refusal)
        assert pdf.startswith(b"%PDF")
        return self.flows.setdefault(tracking_id, (f"flow-{len(self.flows)}", sha256))[0]

    def acknowledgement(self, flow_id: str) -> Acknowledgement:
        """Say what a test says."""
        if self.is_away:
            raise Unreachable("Pas de réponse.")
        return self.answer

    def events(self, cursor: str) -> tuple[Sequence[Event], str]:
        """Tell the page that stands after a cursor."""
        if self.is_away:
            raise Unreachable("Pas de réponse.")
        return self.pages.get(cursor, ([], cursor))

    def report_payment(self, number: str, day: date, amounts: Sequence[tuple[int, int]], reference: str) -> None:
        """Keep what is told."""
        if self.is_away:
            raise Unreachable("Pas de réponse.")
        self.told.append((number, day, list(amounts), reference))


def use(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Put a fake platform in the place of the one that the settings name."""
    fake = Fake()
    monkeypatch.setattr(platforms, "current", lambda: fake)
    return fake


def said(invoice: Invoice, code: str, id_: str, at: datetime, **more: str) -> Event:
    """Return an event of an invoice."""
    return Event(id_, invoice.public_number or "", code, at, **more)
