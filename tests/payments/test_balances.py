"""What is left in a centre's favour stays visible until an agent allocates it or notes a refund; VAT follows, rate by rate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.extensions import db
from app.models import Allocation, AllocationVat, BankEntry, Invoice
from app.services.core import clock
from app.services.core.reason import ReasonNeeded
from app.services.payments import allocating, balances, settlement, shares
from app.services.payments.allocating import Part
from app.services.payments.settlement import State
from tests.bases import on_both
from tests.invoicing.making import issued
from tests.invoicing.test_credit_notes import give_back
from tests.support import many, person_id

from .making import D, paid
from .statements import Move
from .test_matching import AGENT, FIRST, broken, entries, read_in, told


def left(centre_id: int) -> list[tuple[str, Decimal]]:
    """Return what is in a centre's favour: of which credit note, or bank entry, how much."""
    db.session.expire_all()
    found = balances.of_centre(centre_id).rows
    total = dict(db.session.execute(balances.sums()).tuples().all())
    assert total.get(centre_id, D(0)) == sum((one.amount for one in found), D(0))
    return [(one.note.public_number or "" if one.note else "virement", one.amount) for one in found]


@on_both
def test_what_was_overpaid_stays_with_the_centre(invoice: Invoice, over: Callable[..., None]) -> None:
    read_in(Move("100.00", structured=FIRST))
    [entry], agent = entries(), person_id(AGENT)
    assert left(invoice.centre_id) == []  # nobody has said whose it is
    allocating.allocate(entry.id, [Part(invoice.id, D("91.22"))], agent)
    assert left(invoice.centre_id) == [("virement", D("8.78"))]
    assert settlement.one(invoice.id).state == State.PAID
    with pytest.raises(ReasonNeeded):
        balances.refund(D("3.00"), clock.today(), " ", agent, entry_id=entry.id)
    with pytest.raises(allocating.TooMuch, match="Il reste 8,78"):
        balances.refund(D("8.79"), clock.today(), "Virement du jour", agent, entry_id=entry.id)
    with pytest.raises(allocating.Moved, match="à venir"):
        balances.refund(D("3.00"), date(2022, 3, 1), "Virement du jour", agent, entry_id=entry.id)
    balances.refund(D("3.00"), clock.today(), "Virement du jour", agent, entry_id=entry.id)
    assert left(invoice.centre_id) == [("virement", D("5.78"))]
    read_in(Move("-5.78", said="solde rendu", day=date(2022, 2, 12)), name="2022-043")
    assert left(invoice.centre_id) == [("virement", D("5.78"))]
    assert broken() == {}


@on_both
def test_a_credit_note_of_what_was_paid_is_allocated_to_another_invoice(
    invoice: Invoice, over: Callable[..., None]
) -> None:
    paid(invoice)
    second = issued(*[{**one, "order_number": "COM2"} for one in many(5)[3:]])
    assert left(invoice.centre_id) == []
    note, agent = give_back(invoice, 0), person_id(AGENT)
    assert settlement.one(invoice.id).state == State.OVERPAID
    assert left(invoice.centre_id) == [("A2022-000001", D("30.41"))]
    assert settlement.one(second.id).due == D("60.82")  # never netted silently
    with pytest.raises(allocating.TooMuch, match="Il reste 30,41"):
        balances.allocate(note.id, [Part(second.id, D("30.42"))], agent)
    with pytest.raises(allocating.Moved):
        balances.allocate(note.id, [Part(invoice.id, D("1.00"))], agent)
    [made] = balances.allocate(note.id, [Part(second.id, D("20.41"))], agent)
    assert left(invoice.centre_id) == [("A2022-000001", D("10.00"))]
    assert settlement.one(second.id).due == D("40.41")
    balances.refund(D("10.00"), clock.today(), "Virement VIR-9 du 3 février", agent, note_id=note.id)
    assert left(invoice.centre_id) == []
    assert settlement.one(invoice.id).state == State.PAID
    assert [cents for _, [[_, cents]] in told()] == [9122, -2041, 2041, -1000]
    allocating.undo(made, agent)
    assert left(invoice.centre_id) == [("A2022-000001", D("20.41"))]
    assert settlement.one(second.id).due == D("60.82")
    assert broken() == {}


def test_two_credit_notes_of_one_invoice_do_not_give_one_balance_twice(invoice: Invoice) -> None:
    give_back(invoice, 0)
    read_in(Move("60.81", structured=FIRST))
    last = give_back(invoice, 1)
    assert left(invoice.centre_id) == [("A2022-000002", last.total)]
    balances.refund(last.total, clock.today(), "Virement", person_id(AGENT), note_id=last.id)
    assert left(invoice.centre_id) == []


def test_a_transfer_that_paid_too_much_and_came_back_leaves_nothing(invoice: Invoice) -> None:
    read_in(Move("100.00", structured=FIRST, ref="A"))
    agent = person_id(AGENT)
    [made] = allocating.allocate(entries()[0].id, [Part(invoice.id, D("91.22"))], agent)
    read_in(Move("-100.00", structured=FIRST, ref="B", back="AC04"), name="2022-042")
    back = entries()[1]
    allocating.give_back(back.id, made, agent)
    assert settlement.one(invoice.id).due == D("91.22")
    assert left(invoice.centre_id) == [("virement", D("8.78")), ("virement", D("-8.78"))]
    with pytest.raises(allocating.Moved):
        allocating.give_back(back.id, made, agent)
    assert broken() == {}


def test_refunds_and_undone_allocations_are_no_payment(invoice: Invoice) -> None:
    paid(invoice)
    note = give_back(invoice, 0, 1, 2)
    assert settlement.one(invoice.id).state == State.OVERPAID
    balances.refund(D("91.22"), clock.today(), "Virement", person_id(AGENT), note_id=note.id)
    assert settlement.one(invoice.id).due == D("0.00")
    received = select(func.sum(AllocationVat.amount)).where(AllocationVat.invoice_id == invoice.id)
    assert db.session.scalar(received) == D("0.00")
    assert db.session.scalar(select(func.count()).select_from(Allocation)) == 2
    assert db.session.scalar(select(func.count()).select_from(BankEntry)) == 1


RATES = (D("20.00"), D("10.00"), D("8.50"), D("5.50"), D("2.10"), D("0.00"))


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(RATES), st.integers(1, 10**7), min_size=1, max_size=4),
    st.lists(st.integers(1, 10**7), max_size=6),
)
def test_parts_of_an_invoice_add_up_to_each_rate_to_the_cent(billed: dict[Decimal, int], parts: list[int]) -> None:
    left = {}
    for rate, base in billed.items():
        vat = (base * int(rate * 100) + 5000) // 10000
        left[rate] = (D(base + vat) / 100, D(vat) / 100)
    owed = dict(left)
    for cents in [*parts, 10**12]:
        total = sum((gross for gross, _ in owed.values()), D(0))
        part = min(D(cents) / 100, total)
        found = shares.split(owed, part)
        assert sum((gross for gross, _ in found.values()), D(0)) == part
        for rate, (gross, vat) in found.items():
            assert 0 <= gross <= owed[rate][0]
            owed[rate] = (owed[rate][0] - gross, owed[rate][1] - vat)
            assert abs(owed[rate][1] - owed[rate][0] * rate / (100 + rate)) <= D("0.05")
    assert set(owed.values()) == {(D(0), D(0))}
