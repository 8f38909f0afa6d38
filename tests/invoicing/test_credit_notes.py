"""Credit notes: to the cent whatever the order, one at a time an invoice; never credited without charge nor billed and free."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from app.extensions import db
from app.models import Cancellation, Invoice, InvoiceItem, Outbox, Registration, Trainer
from app.models.types import CENT
from app.services.amendments import acts, orders, trainer_rights
from app.services.amendments.acts import Who
from app.services.billing import ceilings, drafts, estimates
from app.services.core.reason import ReasonNeeded
from app.services.invoicing import assembling, credit_notes, invariants, issuing, running
from app.services.invoicing.content import Kind
from app.services.reference import amounts
from tests.bases import BOTH, on_both
from tests.billing.test_amounts import TABLE
from tests.support import MARIE, centre_id, many, person_id, registered, registered_trainer, training_id

from .making import JANUARY, Judge, all_issued, issued

D = Decimal
AGENT = "agent@demo.example"


@pytest.fixture
def over(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give what moves to another day: 3 February without a word."""

    def move(day: date = date(2022, 2, 3)) -> None:
        monkeypatch.setitem(app.config, "TODAY", day)

    return move


def broken() -> dict[str, list[str]]:
    """Return the invariants that do not hold."""
    db.session.expire_all()
    return {one.code: found for one in invariants.CHECKS if (found := one.breaches())}


def give_back(invoice: Invoice, *which: int, why: str = "Erreur de saisie") -> Invoice:
    """Issue the credit note of some of the charges of an invoice, by their place."""
    items = [one.id for one in credit_notes.charges(invoice.id)]
    credit = credit_notes.give_back(invoice.id, [items[at] for at in which], why, person_id(AGENT))
    issuing.issue(credit, Judge(), person_id(AGENT))
    return db.session.get_one(Invoice, credit, populate_existing=True)


def amounts_of(one: Invoice) -> tuple[Decimal, Decimal, Decimal]:
    return one.net, one.vat, one.total


@on_both
def test_three_credit_notes_add_up_to_the_invoice(app: Flask, over: Any) -> None:
    over()
    invoice = issued(*many(3))
    assert amounts_of(invoice) == (D("76.02"), D("15.20"), D("91.22"))
    first, second, last = (give_back(invoice, at) for at in (1, 0, 2))
    assert amounts_of(first) == (D("25.34"), D("5.07"), D("30.41"))
    assert amounts_of(second) == (D("25.34"), D("5.07"), D("30.41"))
    assert amounts_of(last) == (D("25.34"), D("5.06"), D("30.40"))
    assert [one.public_number for one in (first, second, last)] == ["A2022-000001", "A2022-000002", "A2022-000003"]
    said = assembling.of_issued(last)
    assert (said.kind, said.due_on, said.reference, said.reason) == (Kind.CREDIT_NOTE, None, "", "Erreur de saisie")
    assert said.corrects is not None
    assert (said.corrects.number, said.corrects.issued_on) == ("F2022-000001", date(2022, 2, 3))
    assert broken() == {}  # live, and to be billed again by the next run
    with pytest.raises(credit_notes.Credited):
        give_back(invoice, 0)
    over(date(2022, 3, 1))
    assert running.build(date(2022, 2, 1)).net == D("76.02")
    assert broken() == {}


@pytest.mark.parametrize(("lines", "net", "vat", "total"), TABLE)
def test_the_table_of_amounts_is_given_back_whole(
    lines: list[tuple[int, str, str]], net: str, vat: str, total: str
) -> None:
    found = amounts.totals((D(rate), D(price) * count) for count, price, rate in lines)
    back = sum((credit_notes.vat_of(one.base, one.rate, D(0), D(0)) for one in found.vats), D(0))
    assert (found.net, back, found.net + back) == (D(net), D(vat), D(total))


@settings(deadline=None, max_examples=300)
@given(
    items=st.lists(
        st.tuples(st.integers(1, 99_999), st.sampled_from([2000, 1000, 850, 550, 210, 0])), min_size=1, max_size=30
    ),
    seed=st.integers(0, 2**32),
)
def test_any_partition_into_credit_notes_adds_up(items: list[tuple[int, int]], seed: int) -> None:
    """The oracle counts in whole cents: half-up is floor((base × rate in basis points + 5000) / 10000)."""
    chance = random.Random(seed)
    shares: list[list[tuple[int, int]]] = [[] for _ in range(chance.randint(1, len(items)))]
    for item in items:
        chance.choice(shares).append(item)
    chance.shuffle(shares)
    done: dict[int, tuple[Decimal, Decimal]] = {}
    for share in shares:
        for rate in {rate for _, rate in share}:
            base = sum(cents for cents, own in share if own == rate)
            before = done.get(rate, (D("0.00"), D("0.00")))
            vat = credit_notes.vat_of(base * CENT, rate * CENT, *before)
            assert abs(int(vat * 100) - (base * rate + 5000) // 10000) <= 1
            assert vat >= 0
            done[rate] = before[0] + base * CENT, before[1] + vat
    for rate, (base_given, vat_given) in done.items():
        base = sum(cents for cents, own in items if own == rate)
        assert (int(base_given * 100), int(vat_given * 100)) == (base, (base * rate + 5000) // 10000)


def test_what_was_given_back_weighs_once_on_its_order_number(app: Flask, over: Any) -> None:
    over()
    invoice = issued(MARIE, *many(2))
    before = {use.order_number: use.spent for use in ceilings.uses(centre_id())}
    give_back(invoice, 0)
    db.session.expire_all()
    [use] = ceilings.uses(centre_id())
    assert (use.open, use.invoiced, use.spent) == (D("25.34"), D("50.68"), before[use.order_number])


def test_a_credit_note_says_why_and_waits_for_the_one_before(app: Flask, over: Any) -> None:
    over()
    invoice = issued(*many(3))
    items = [one.id for one in credit_notes.charges(invoice.id)]
    with pytest.raises(ReasonNeeded):
        credit_notes.give_back(invoice.id, items[:1], " ", person_id(AGENT))
    with pytest.raises(credit_notes.Credited):
        credit_notes.give_back(invoice.id, [], "Erreur", person_id(AGENT))
    first = credit_notes.give_back(invoice.id, items[:1], "Erreur", person_id(AGENT))
    with pytest.raises(credit_notes.Waits):
        credit_notes.give_back(invoice.id, items[1:], "Erreur", person_id(AGENT))
    with pytest.raises(credit_notes.Waits):
        credit_notes.bill_again(invoice.id, "Erreur", person_id(AGENT))
    due = db.session.execute(select(Outbox.payload).where(Outbox.kind == "issue")).scalars().all()
    assert due == [{"invoice": first, "agent": person_id(AGENT)}]
    assert drafts.of_month(date(2022, 1, 31)).drafts == 0  # a credit note is no draft of what is billed
    assert estimates.of_centre(centre_id()) == []  # and gives nothing back before it is issued


def test_an_invoice_undone_is_billed_again_at_once_in_the_next_round(app: Flask, over: Any) -> None:
    over()
    invoice = issued(MARIE, *many(2))
    credit = credit_notes.bill_again(invoice.id, "SIRET de l’acheteur faux", person_id(AGENT))
    assert drafts.of_month(date(2022, 1, 31)).drafts == 0
    issuing.issue(credit, Judge(), person_id(AGENT))
    row = db.session.get_one(Invoice, credit, populate_existing=True)
    assert (row.internal, row.total, row.public_number) == (True, invoice.total, "A2022-000001")
    assert drafts.of_month(date(2022, 1, 31)).net == invoice.net
    assert running.issue(JANUARY, Judge()).numbers == ["F2022-000002"]
    rounds = db.session.execute(
        select(InvoiceItem.round, func.count()).where(~InvoiceItem.credit).group_by(InvoiceItem.round)
    )
    assert dict(rounds.tuples().all()) == {1: 3, 2: 3}
    assert broken() == {}
    with pytest.raises(credit_notes.Credited):
        credit_notes.bill_again(invoice.id, "encore", person_id(AGENT))


def row_of(at: int = 0) -> Registration:
    """Return a registration by its place."""
    return db.session.execute(select(Registration).order_by(Registration.id)).scalars().all()[at]


def amend(row: Registration, code: str, *, credit: bool | None = None, agent: bool = True, **changes: str) -> None:
    """Cancel a registration, or put a corrected line in its place, as an agent or as the centre."""
    typed = {**orders.as_typed(row).values(), **changes} if changes else None
    who = Who(person_id(), person_id(AGENT) if agent else None, credit=credit)
    acts.amend(orders.order(row, code, "Erreur de saisie", typed), who)


def notes_issued() -> list[Invoice]:
    """Issue the credit notes that wait; return all."""
    running.issue_credits(Judge())
    return [one for one in all_issued() if one.kind == "credit_note"]


@pytest.mark.parametrize(
    ("code", "credit", "count"),
    [("duplicate", None, 1), ("duplicate", False, 0), ("not_attended", None, 0), ("not_attended", True, 1)],
)
def test_what_is_invoiced_and_cancelled_is_given_back_as_an_agent_decides(
    app: Flask, over: Any, code: str, credit: bool | None, count: int
) -> None:
    over()
    issued(MARIE, *many(2))
    with pytest.raises(acts.NeedsAgent):
        amend(row_of(), code, agent=False)
    amend(row_of(), code, credit=credit)
    found = notes_issued()
    assert [amounts_of(one) for one in found] == [(D("25.34"), D("5.07"), D("30.41"))] * count
    kept = db.session.execute(select(Cancellation.credit)).scalar_one()
    assert kept == ("note" if count else "none")
    assert broken() == {}
    assert estimates.of_centre(centre_id()) == []


def test_two_cancelled_one_after_the_other_share_the_credit_note_that_waits(app: Flask, over: Any) -> None:
    over()
    issued(MARIE, *many(2))
    amend(row_of(0), "duplicate")
    amend(row_of(1), "duplicate")
    [credit] = notes_issued()
    assert amounts_of(credit) == (D("50.68"), D("10.14"), D("60.82"))
    amend(row_of(2), "duplicate")
    assert [amounts_of(one)[1] for one in notes_issued()] == [D("10.14"), D("5.06")]
    assert broken() == {}


def test_a_replacement_at_the_same_price_moves_no_money(app: Flask, over: Any) -> None:
    over()
    issued(MARIE)
    amend(row_of(), "wrong_permit", permit_number="850492100999")
    assert notes_issued() == []
    assert db.session.execute(select(Cancellation.credit)).scalar_one() == "none"
    assert estimates.of_centre(centre_id()) == []
    assert broken() == {}
    amend(row_of(1), "duplicate")  # the chain's charge is given back, whichever of its rows ends
    [credit] = notes_issued()
    assert amounts_of(credit) == (D("25.34"), D("5.07"), D("30.41"))
    assert broken() == {}


def test_a_replacement_at_another_price_is_credited_and_charged_anew(app: Flask, over: Any) -> None:
    over()
    issued(MARIE)
    amend(
        row_of(),
        "wrong_training",
        training="Module FCO Marchandises",
        training_label="Module FCO",
        category="Marchandises",
    )
    [credit] = notes_issued()
    assert credit.net == D("25.34")
    [one] = estimates.of_centre(centre_id())
    assert (one.totals.net, one.count) == (D("5.07"), 1)
    over(date(2022, 3, 1))
    running.build(date(2022, 2, 1))
    assert running.issue(date(2022, 2, 1), Judge()).numbers == ["F2022-000002"]
    assert broken() == {}


def test_a_fee_is_given_back_as_well(app: Flask, over: Any) -> None:
    registered_trainer()
    db.session.execute(update(Trainer).values(registered_on=date(2022, 1, 28)))
    db.session.commit()
    over()
    invoice = issued()
    credit = give_back(invoice, 0)
    assert (credit.net, credit.lines[0].label) == (D("47.00"), invoice.lines[0].label)
    assert broken().keys() <= {"invoice.everything_billed"}
    assert training_id()
    assert BOTH
    assert registered


def end_right(row: Trainer, code: str) -> None:
    """Cancel a trainer's right, as an agent."""
    found = trainer_rights.look(row)
    trainer_rights.cancel(row.id, code, "Saisie deux fois", person_id(AGENT), shown=found.version, agent=True)


def test_the_fee_of_a_cancelled_right_leaves_its_draft_or_is_given_back(app: Flask, over: Any) -> None:
    first = registered_trainer().id
    second = registered_trainer(order="CMD 2", permit_number="800569210055", last_name="PETIT", email="p@exemple.fr").id
    db.session.execute(update(Trainer).values(registered_on=date(2022, 1, 28)))
    db.session.commit()
    over()
    running.build(JANUARY)
    end_right(db.session.get_one(Trainer, second), "duplicate")
    assert drafts.of_month(date(2022, 1, 31)).drafts == 1
    assert running.build(JANUARY).drafts == 1  # not billed again either
    assert running.issue(JANUARY, Judge()).numbers == ["F2022-000001"]
    assert trainer_rights.look(db.session.get_one(Trainer, first)).needs_agent
    end_right(db.session.get_one(Trainer, first), "duplicate")
    [credit] = notes_issued()
    assert credit.net == D("47.00")
    assert broken() == {}
