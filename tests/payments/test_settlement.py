"""What is left to pay of an invoice, and its state in words: from credit notes and live allocations alone."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from app.extensions import db
from app.models import Allocation
from app.models.billing.invoices import Invoice
from app.services.core import clock
from app.services.payments import settlement
from app.services.payments.settlement import State
from tests.bases import BOTH
from tests.invoicing.test_credit_notes import give_back

from .making import D, allocation, entry

BACKENDS = BOTH
LATE = date(2022, 4, 30)


def seen(invoice: Invoice, today: date | None = None) -> tuple[Any, State]:
    one = settlement.one(invoice.id, today)
    return one.due, one.state


def test_an_invoice_is_open_partly_paid_paid_and_late(invoice: Invoice) -> None:
    assert seen(invoice) == (D("91.22"), State.OPEN)
    assert invoice.due_on is not None
    assert seen(invoice, invoice.due_on) == (D("91.22"), State.OPEN)
    assert seen(invoice, LATE) == (D("91.22"), State.OVERDUE)
    first = allocation("91.21", invoice.id, entry=entry("91.21"))
    assert seen(invoice) == (D("0.01"), State.PARTLY_PAID)
    assert seen(invoice, LATE) == (D("0.01"), State.OVERDUE)
    allocation("0.01", invoice.id, entry=entry("0.01"))
    assert seen(invoice, LATE) == (D("0.00"), State.PAID)
    first.undone_at = clock.now()
    db.session.commit()
    assert seen(invoice) == (D("91.21"), State.PARTLY_PAID)


def test_credit_notes_lower_what_is_left_and_a_balance_stays_visible(invoice: Invoice) -> None:
    give_back(invoice, 0)
    assert seen(invoice) == (D("60.81"), State.OPEN)
    allocation("60.81", invoice.id, entry=entry("60.81"))
    assert seen(invoice) == (D("0.00"), State.PAID)
    note = give_back(invoice, 1)
    assert seen(invoice) == (D("-30.41"), State.OVERPAID)
    refund = allocation("30.41", None, credit_note_id=note.id, reason="Virement du 3 mars")
    assert seen(invoice) == (D("0.00"), State.PAID)
    assert settlement.one(invoice.id).moved == D("30.41")
    refund.undone_at = clock.now()
    db.session.commit()
    assert seen(invoice) == (D("-30.41"), State.OVERPAID)


def test_an_invoice_that_was_wholly_credited_is_not_said_to_be_paid(invoice: Invoice) -> None:
    give_back(invoice, 0, 1, 2)
    assert seen(invoice, LATE) == (D("0.00"), State.CREDITED)
    assert settlement.of([]) == {}
    with pytest.raises(KeyError):
        settlement.one(0)


def test_a_returned_transfer_makes_it_due_again(invoice: Invoice) -> None:
    paid = allocation("91.22", invoice.id, entry=entry("91.22"))
    allocation("-91.22", invoice.id, entry=entry("-91.22"), returns_id=paid.id)
    assert seen(invoice, LATE) == (D("91.22"), State.OVERDUE)


def test_the_base_keeps_an_allocation_but_for_its_undoing(invoice: Invoice) -> None:
    made = allocation("91.22", invoice.id, entry=entry("91.22"))
    made_id = made.id
    changes: list[Any] = [
        update(Allocation).values(amount=D("1.00")),
        update(Allocation).values(invoice_id=None, reason="x"),
        delete(Allocation),
    ]
    for change in changes:
        with pytest.raises(DBAPIError, match="never changed"), db.session.begin_nested():
            db.session.execute(change)
    db.session.execute(update(Allocation).values(undone_at=clock.now()))
    with pytest.raises(DBAPIError, match="never changed"), db.session.begin_nested():
        db.session.execute(update(Allocation).values(undone_at=None))
    db.session.commit()
    assert db.session.get_one(Allocation, made_id).amount == D("91.22")
