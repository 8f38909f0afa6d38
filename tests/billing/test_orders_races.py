"""Billing under another order number while one cancels, replaces, or makes drafts: whoever comes first, every line is billed
once, under the number it is billed under, and nothing of a cancelled one is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.extensions import db
from app.models import Invoice, InvoiceItem, OrderOverride, Registration
from app.services.amendments import acts, several
from app.services.amendments import orders as corrections
from app.services.billing import billed, drafts, orders
from app.services.billing.billed import REGISTRATION, Ref
from app.services.billing.orders import Chosen
from tests.amendments.test_races import at_once
from tests.bases import EVERY
from tests.support import LEGAL, MARIE, PIERRE, centre_id, many, person_id, registered

BACKENDS = EVERY
#: RACE_ROUNDS=200 for a long run.
ROUNDS = int(os.environ.get("RACE_ROUNDS", "3"))
JANUARY = date(2022, 1, 1)


@pytest.fixture(autouse=True)
def _in_february(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Give what ends the month."""
    return lambda: monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 1))


@pytest.fixture
def over(_in_february: Callable[[], None]) -> Callable[[], None]:
    return _in_february


def refs() -> list[Ref]:
    ids = db.session.execute(select(Registration.id).order_by(Registration.id)).scalars()
    return [Ref(REGISTRATION, id_) for id_ in ids]


def under(number: str, *lines: Ref) -> Callable[[], object]:
    """Return what bills lines, as they stand now, under a number."""
    centre, who = centre_id(), person_id(LEGAL)
    chosen = Chosen(shown={line.ref: line.mark for line in billed.of_refs(lines)})
    return lambda: orders.bill_under(centre, chosen, number, who)


def amending(ref: Ref, code: str, **changes: str) -> Callable[[], object]:
    """Return what an agent cancels, or replaces, a line by."""
    row = db.session.get_one(Registration, ref.id)
    typed = {**corrections.as_typed(row).values(), **changes} if changes else None
    order, who = corrections.order(row, code, "relu", typed), acts.Who(person_id(), person_id("agent@demo.example"))
    return lambda: acts.amend(order, who)


def all_is_billed_once(month: date = JANUARY) -> None:
    """Each live line is charged once, on the draft of the number it is billed under; totals are those of the charges."""
    drafts.build(month)
    db.session.expire_all()
    live = [Ref(REGISTRATION, row) for row in db.session.scalars(select(Registration.id).where(Registration.live()))]
    numbers = {line.ref.id: line.number for line in billed.of_refs(live)}
    query = select(InvoiceItem.registration_id, Invoice.order_number).join(Invoice)
    charged = db.session.execute(query).tuples().all()
    assert sorted(charged) == sorted(numbers.items())  # type: ignore[type-var]
    for draft in db.session.scalars(select(Invoice)):
        amounts = select(func.sum(InvoiceItem.amount)).where(InvoiceItem.invoice_id == draft.id)
        assert draft.net == db.session.scalar(amounts) == sum((line.amount for line in draft.lines), Decimal(0))
        assert draft.total == draft.net + draft.vat


@pytest.mark.parametrize("at", range(ROUNDS))
def test_billing_otherwise_and_cancelling(app: Flask, over: Callable[[], None], at: int) -> None:
    registered(MARIE, PIERRE)
    over()
    if at % 2:
        drafts.build(JANUARY)
    raised = at_once(app, under("ENG 1", *refs()), amending(refs()[0], "duplicate"))
    assert raised in ([], ["NotBilled"])
    all_is_billed_once()
    assert db.session.scalar(select(func.count()).select_from(InvoiceItem)) == 1
    assert [line.number for line in billed.of_refs(refs())[1:]] == ["COM1" if raised else "ENG 1"]


@pytest.mark.parametrize("at", range(ROUNDS))
def test_billing_otherwise_and_replacing(app: Flask, over: Callable[[], None], at: int) -> None:
    registered(MARIE)
    over()
    if at % 2:
        drafts.build(JANUARY)
    replaces = amending(refs()[0], "wrong_permit", permit_number="850492100999")
    raised = at_once(app, under("ENG 1", *refs()), replaces)
    assert raised in ([], ["NotBilled"])
    app.config["TODAY"] = date(2022, 3, 1)  # the replacement is of February
    all_is_billed_once(date(2022, 2, 1))
    new = billed.of_refs(refs())[-1]
    assert (new.is_live, new.number) == (True, "COM1" if raised else "ENG 1")


@pytest.mark.parametrize("at", range(ROUNDS))
def test_billing_otherwise_and_making_the_drafts(app: Flask, over: Callable[[], None], at: int) -> None:
    registered(MARIE, PIERRE, *many(3))
    over()
    raised = at_once(app, lambda: drafts.build(JANUARY), under("ENG 1", *refs()[at % 3 :]))
    assert raised == []
    all_is_billed_once()


@pytest.mark.parametrize("at", range(ROUNDS))
def test_all_three_at_once_and_several_lines_cancelled(app: Flask, over: Callable[[], None], at: int) -> None:
    batch = registered(MARIE, PIERRE, *many(4))
    lines, who = refs(), acts.Who(person_id())
    shown = several.look(batch, [ref.id for ref in lines[:3]], "duplicate", "", who).version
    ids, batch_id = [ref.id for ref in lines[:3]], batch.id

    def cancels() -> None:
        again = db.session.get_one(type(batch), batch_id)
        several.cancel(again, ids, "duplicate", "", who, shown=shown)

    if at % 2:
        over()
        drafts.build(JANUARY)
        app.config["TODAY"] = date(2022, 1, 10)
    one, other = under("ENG 1", *lines[2:]), under("ENG 2", *lines[1:4])
    raised = at_once(app, cancels, one, other)
    assert set(raised) <= {"NotBilled", "Moved"}
    over()
    all_is_billed_once()
    assert db.session.scalar(select(func.count()).select_from(InvoiceItem)) == 3


@pytest.mark.parametrize("at", range(ROUNDS))
def test_two_tabs_at_once_do_it_once(app: Flask, over: Callable[[], None], at: int) -> None:
    registered(MARIE, PIERRE)
    over()
    drafts.build(JANUARY)
    same = [under("ENG 1", *refs()) for _ in range(2)]
    other = under("ENG 2", *refs())
    raised = at_once(app, *same, other)
    assert set(raised) == {"Moved"}
    assert len(raised) <= 2
    all_is_billed_once()
    assert db.session.scalar(select(func.count()).select_from(OrderOverride)) == 2
    assert len(set(db.session.scalars(select(OrderOverride.order_number)))) == 1
