"""Billing lines under another order number, or reference, until issue: the row « order number or reference wrong » of §8."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.extensions import db
from app.models import Cancellation, Invoice, InvoiceItem, JournalEntry, Mail, OrderBudget, OrderOverride, Registration
from app.services.amendments import acts
from app.services.amendments import orders as corrections
from app.services.billing import billed, ceilings, drafts, estimates, holding, near, orders
from app.services.billing.billed import FEE, REGISTRATION, Ref
from app.services.billing.orders import Chosen
from app.services.invoicing import credit_notes
from app.services.rights import access
from tests.bases import EVERY
from tests.invoicing.making import issue
from tests.support import LEGAL, MARIE, PIERRE, centre_id, many, person_id, registered, registered_trainer

BACKENDS = EVERY
D = Decimal
JANUARY = date(2022, 1, 1)
AGENT = "agent@demo.example"
NEIGHBOUR = "98765432400019"


@pytest.fixture
def over(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[], drafts.Built]:
    """Give what ends the month and makes its drafts."""

    def act() -> drafts.Built:
        monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 1))
        return drafts.build(JANUARY)

    return act


def rows() -> list[Ref]:
    """Return the registrations, the first one first."""
    ids = db.session.execute(select(Registration.id).order_by(Registration.id)).scalars()
    return [Ref(REGISTRATION, id_) for id_ in ids]


def shown(*refs: Ref) -> Chosen:
    """Return a choice of lines, as they stand now."""
    db.session.expire_all()
    return Chosen(shown={line.ref: line.mark for line in billed.of_refs(refs)})


def bill(number: str, *refs: Ref, **options: Any) -> int:
    return orders.bill_under(centre_id(), shown(*refs), number, person_id(LEGAL), **options)


def restore(*refs: Ref) -> int:
    return orders.restore(centre_id(), shown(*refs), person_id(LEGAL))


def drafted() -> dict[str, tuple[Decimal, int]]:
    """Return order number → net and lines of its draft."""
    db.session.expire_all()
    made = db.session.execute(select(Invoice)).scalars()
    return {one.order_number: (one.net, sum(line.quantity for line in one.lines)) for one in made}


def estimated() -> dict[str, int]:
    return {one.order_number: one.count for one in estimates.of_centre(centre_id())}


def own_numbers() -> set[str]:
    return set(db.session.execute(select(Registration.order_number)).scalars())


def test_before_the_month_is_over_the_estimate_and_the_consumption_follow(app: Flask) -> None:
    registered(MARIE, PIERRE)
    assert bill("ENG 1", rows()[0]) == 1
    assert estimated() == {"COM1": 1, "ENG 1": 1}
    assert {use.order_number: use.spent for use in ceilings.uses(centre_id())} == {
        "COM1": D("25.34"),
        "ENG 1": D("25.34"),
    }
    assert own_numbers() == {"COM1"}
    assert db.session.scalar(select(func.count()).select_from(Cancellation)) == 0


def test_one_line_of_a_draft_goes_to_a_draft_of_its_own_to_the_cent(app: Flask, over: Any) -> None:
    registered(MARIE, PIERRE, *many(3))
    over()
    bill("ENG 1", rows()[0])
    assert drafted() == {"COM1": (D("101.36"), 4), "ENG 1": (D("25.34"), 1)}
    [made] = db.session.execute(select(Invoice).where(Invoice.order_number == "ENG 1")).scalars()
    assert (made.vat, made.total, made.period_end) == (D("5.07"), D("30.41"), date(2022, 1, 31))
    assert drafts.build(JANUARY).drafts == 2
    assert drafted()["ENG 1"] == (D("25.34"), 1)


def test_several_and_all_and_the_empty_draft_goes(app: Flask, over: Any) -> None:
    registered(MARIE, PIERRE, *many(1))
    over()
    assert bill("ENG 1", *rows()[:2]) == 2
    assert drafted() == {"COM1": (D("25.34"), 1), "ENG 1": (D("50.68"), 2)}
    [key] = db.session.execute(select(Invoice.key).where(Invoice.order_number == "COM1")).scalars()
    assert orders.bill_under(centre_id(), Chosen(draft=key), "ENG 1", person_id(LEGAL)) == 1
    assert drafted() == {"ENG 1": (D("76.02"), 3)}
    with pytest.raises(orders.Gone):
        orders.bill_under(centre_id(), Chosen(draft=key), "ENG 2", person_id(LEGAL))


def test_undone_each_line_comes_back_under_its_own(app: Flask, over: Any) -> None:
    registered(MARIE, {**PIERRE, "order_number": "CMD 2"})
    over()
    bill("ENG 1", *rows())
    assert drafted() == {"ENG 1": (D("50.68"), 2)}
    assert restore(*rows()) == 2
    assert drafted() == {"COM1": (D("25.34"), 1), "CMD 2": (D("25.34"), 1)}
    assert db.session.scalar(select(func.count()).select_from(OrderOverride)) == 0
    assert restore(*rows()) == 0


def test_a_borne_fee_likewise(app: Flask, over: Any) -> None:
    registered(MARIE)
    fee = Ref(FEE, registered_trainer().id)
    assert bill("ENG 1", fee) == 1
    assert estimated() == {"COM1": 1, "ENG 1": 1}
    over()
    assert drafted() == {"COM1": (D("25.34"), 1), "ENG 1": (D("47.00"), 1)}
    restore(fee)
    assert drafted() == {"COM1": (D("72.34"), 2)}
    entry = db.session.execute(select(JournalEntry).where(JournalEntry.action == "order.restored")).scalar_one()
    assert (entry.subject_type, entry.subject_id) == ("trainer", str(fee.id))


def test_it_is_journalled_for_each_line_with_what_it_was_billed_under(app: Flask) -> None:
    registered(MARIE, PIERRE)
    bill("ENG 1", *rows(), reference="REF9")
    entries = db.session.execute(select(JournalEntry).where(JournalEntry.action == "order.overridden")).scalars().all()
    assert {(one.subject_type, one.subject_id) for one in entries} == {("registration", str(ref.id)) for ref in rows()}
    assert entries[0].before == {"order_number": "COM1"}
    assert entries[0].after == {"order_number": "ENG 1", "reference": "REF9"}
    assert entries[0].actor_id == person_id(LEGAL)


def test_asked_for_twice_it_is_done_once(app: Flask, over: Any) -> None:
    registered(MARIE)
    over()
    before = shown(*rows())
    for count in (1, 0):
        assert orders.bill_under(centre_id(), before, "ENG 1", person_id(LEGAL)) == count
    assert drafted() == {"ENG 1": (D("25.34"), 1)}
    acts_ = select(func.count()).select_from(JournalEntry).where(JournalEntry.action == "order.overridden")
    assert db.session.scalar(acts_) == 1


def test_a_second_tab_that_shows_what_is_no_more_changes_nothing(app: Flask) -> None:
    registered(MARIE)
    old = shown(*rows())
    bill("ENG 1", *rows())
    with pytest.raises(orders.Moved):
        orders.bill_under(centre_id(), old, "ENG 2", person_id(LEGAL))
    with pytest.raises(orders.Moved):
        orders.restore(centre_id(), old, person_id(LEGAL))
    assert estimated() == {"ENG 1": 1}


def test_on_an_issued_invoice_nothing_moves_and_it_is_all_or_none(app: Flask, over: Any) -> None:
    registered(MARIE)
    over()
    issue()
    registered(PIERRE)
    with pytest.raises(orders.Issued, match="avoir"):
        bill("ENG 1", *rows())
    with pytest.raises(orders.Issued):
        bill("ENG 1", rows()[0])
    assert db.session.scalar(select(func.count()).select_from(OrderOverride)) == 0
    assert billed.standing(billed.of_refs([rows()[0]])[0]) == (billed.Standing.INVOICED, "")


def test_a_cancelled_or_free_line_is_not_billed(app: Flask) -> None:
    registered(MARIE, PIERRE)
    first, second = rows()
    row = db.session.get_one(Registration, first.id)
    acts.amend(corrections.order(row, "duplicate", "", None), acts.Who(person_id()))
    db.session.execute(update(Registration).where(Registration.id == second.id).values(price=D("0.00")))
    db.session.commit()
    for ref in (first, second):
        with pytest.raises(orders.NotBilled):
            bill("ENG 1", ref)


def test_a_replacement_is_billed_as_the_one_it_replaces_but_for_what_it_says_itself(app: Flask, over: Any) -> None:
    registered(MARIE)
    over()
    bill("ENG 1", *rows(), reference="REF9")

    def mend(code: str, **changes: str) -> Ref:
        row = db.session.get_one(Registration, rows()[-1].id)
        typed = {**corrections.as_typed(row).values(), **changes}
        who = acts.Who(person_id(), person_id(AGENT))
        acts.amend(corrections.order(row, code, "relu", typed), who)
        return rows()[-1]

    new = mend("wrong_permit", permit_number="850492100999")
    assert drafted() == {"ENG 1": (D("25.34"), 1)}
    [line] = billed.of_refs([new])
    assert (line.own_number, line.number, line.own_reference, line.reference) == ("COM1", "ENG 1", "REF1", "REF9")
    [line] = billed.of_refs([mend("wrong_permit", permit_number="850492100132", reference="REF2")])
    assert (line.number, line.reference) == ("ENG 1", "REF2")
    restore(line.ref)
    assert drafted() == {"COM1": (D("25.34"), 1)}


@pytest.mark.parametrize("number", ["", "  ", "x" * 51, "#REF!"])
def test_what_is_no_order_number_is_said(app: Flask, number: str) -> None:
    registered(MARIE)
    with pytest.raises(orders.BadNumber) as refused:
        bill(number, *rows())
    assert refused.value.field == "order_number"
    with pytest.raises(orders.BadNumber) as refused:
        bill("ENG 1", *rows(), reference="x" * 51)
    assert refused.value.field == "reference"
    with pytest.raises(orders.NoneChosen):
        bill("ENG 1")


def test_the_reference_alone(app: Flask) -> None:
    registered(MARIE)
    assert bill("COM1", *rows(), reference="SESSION 7") == 1
    [line] = billed.of_refs(rows())
    assert (line.is_elsewhere, line.is_changed, line.reference, line.own_reference) == (
        False,
        True,
        "SESSION 7",
        "REF1",
    )
    assert estimated() == {"COM1": 1}
    assert bill("COM1", *rows(), reference="REF1") == 1
    assert db.session.scalar(select(func.count()).select_from(OrderOverride)) == 0


def test_who_may(app: Flask) -> None:
    registered(MARIE)
    for email in ("gestionnaire@demo.example", "sansdroit@demo.example", "voisin@demo.example", AGENT):
        for act in (orders.bill_under, orders.restore):
            with pytest.raises(access.NotAllowed):
                act(centre_id(), shown(*rows()), *(["ENG 1"] if act is orders.bill_under else []), person_id(email))  # type: ignore[operator]
    assert estimated() == {"COM1": 1}


def test_another_centre_s_line_is_not_found_and_stops_all(app: Flask) -> None:
    registered(MARIE, PIERRE)
    db.session.execute(
        update(Registration).where(Registration.id == rows()[1].id).values(centre_id=centre_id(NEIGHBOUR))
    )
    db.session.commit()
    for refs in (rows(), [Ref(REGISTRATION, 999_999)], [Ref(FEE, 999_999)]):
        chosen = Chosen(shown=dict.fromkeys(refs, ""))
        with pytest.raises(LookupError):
            orders.bill_under(centre_id(), chosen, "ENG 1", person_id(LEGAL))
    assert db.session.scalar(select(func.count()).select_from(OrderOverride)) == 0
    assert billed.one(centre_id(), rows()[1]) is None


def test_a_blocking_ceiling_refuses_and_nothing_is_half_done(app: Flask, over: Any) -> None:
    registered(MARIE, PIERRE)
    over()
    ceilings.set_ceiling(centre_id(), "ENG 1", D("30.00"), True, person_id(LEGAL))
    with pytest.raises(orders.TooMuch, match="ENG 1 est bloquant"):
        bill("ENG 1", *rows())
    assert drafted() == {"COM1": (D("50.68"), 2)}
    assert bill("ENG 1", rows()[0]) == 1


def test_people_are_told_of_the_number_that_costs_more_and_again_where_it_cost_less(app: Flask) -> None:
    for number in ("COM1", "ENG 1"):
        ceilings.set_ceiling(centre_id(), number, D("30.00"), False, person_id(LEGAL))
    registered(MARIE)  # 84 %
    bill("ENG 1", *rows())
    told = db.session.execute(select(Mail).where(Mail.kind == "budget").order_by(Mail.id)).scalars()
    assert list(dict.fromkeys(mail.values["order"] for mail in told)) == ["COM1", "ENG 1"]
    levels = dict(db.session.execute(select(OrderBudget.order_number, OrderBudget.told)).tuples().all())
    assert levels == {"COM1": 0, "ENG 1": 80}


def test_an_agent_s_hold_follows_the_lines(app: Flask, over: Any) -> None:
    registered(MARIE, PIERRE)
    over()
    [draft] = db.session.execute(select(Invoice)).scalars()
    holding.hold(draft.id, person_id(AGENT), "Une ligne est contestée")
    bill("ENG 1", rows()[0])
    held = db.session.execute(select(Invoice.order_number, Invoice.held_reason, Invoice.held_by_id)).tuples().all()
    assert set(held) == {(number, "Une ligne est contestée", person_id(AGENT)) for number in ("COM1", "ENG 1")}


def test_numbers_nearly_the_same_are_billed_as_one(app: Flask, over: Any) -> None:
    registered(MARIE, PIERRE)
    registered({**many(1)[0], "order_number": "com-1"})
    assert near.to_come(centre_id(), "com-1") == ["COM1", "com-1"]
    over()
    drafts_ = {one.order_number: one for one in db.session.execute(select(Invoice)).scalars()}
    assert set(near.of_draft(drafts_["COM1"])) == {"COM1", "com-1"}
    key = drafts_["com-1"].key
    with pytest.raises(orders.Moved):
        orders.bill_under(centre_id(), Chosen(draft=key, together=True), "AUTRE", person_id(LEGAL))
    assert orders.bill_under(centre_id(), Chosen(draft=key, together=True), "COM1", person_id(LEGAL)) == 1
    assert drafted() == {"COM1": (D("76.02"), 3)}
    [draft] = db.session.execute(select(Invoice)).scalars()
    assert near.of_draft(draft) == {}
    assert own_numbers() == {"COM1", "com-1"}


def test_a_waiting_credit_note_is_no_draft_of_the_bills(app: Flask, over: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the centre, the month and the order number of a draft: lines go to the bill, and its number is not like one."""
    registered(MARIE, {**PIERRE, "order_number": "com-1"})
    registered({**many(1)[0], "order_number": "ENG 1"})
    over()
    issue()
    monkeypatch.setitem(app.config, "TODAY", date(2022, 1, 31))
    registered(*many(4)[1:])
    over()
    late = rows()[3:]
    bill("ENG 1", late[0])
    for one in db.session.execute(select(Invoice).where(Invoice.state == "issued")).scalars().all():
        items = [charge.id for charge in credit_notes.charges(one.id)]
        credit_notes.give_back(one.id, items, "Erreur de saisie", person_id(AGENT))
    bill("ENG 1", late[1])
    held = select(Invoice.kind, func.count(InvoiceItem.id)).join(InvoiceItem).where(Invoice.state == "draft")
    held = held.where(Invoice.order_number == "ENG 1").group_by(Invoice.kind)
    assert dict(db.session.execute(held).tuples().all()) == {"credit_note": 1, "invoice": 2}
    own = (Invoice.kind == "invoice", Invoice.state == "draft", Invoice.order_number == "COM1")
    [draft] = db.session.execute(select(Invoice).where(*own)).scalars()
    assert near.of_draft(draft) == {}


def test_numbers_nearly_the_same_of_the_running_month(app: Flask) -> None:
    registered(MARIE)
    registered({**PIERRE, "order_number": "com 1"})
    chosen = Chosen(to_come="COM1", together=True)
    assert orders.bill_under(centre_id(), chosen, "com 1", person_id(LEGAL)) == 1
    assert estimated() == {"com 1": 2}


def test_a_whole_receipt(app: Flask) -> None:
    first, second = registered(MARIE, PIERRE), registered(*many(1))
    assert orders.bill_under(centre_id(), Chosen(batch_id=first.id), "ENG 1", person_id(LEGAL)) == 2
    assert estimated() == {"COM1": 1, "ENG 1": 2}
    assert billed.of_receipt(second, 1).total == 1


def test_many_lines_in_few_statements(app: Flask, over: Any) -> None:
    from tests.support import statements

    registered(*many(60))
    over()
    [key] = db.session.execute(select(Invoice.key)).scalars()
    with statements() as asked:
        orders.bill_under(centre_id(), Chosen(draft=key), "ENG 1", person_id(LEGAL))
    assert len(asked) < 50
    assert drafted() == {"ENG 1": (D("1520.40"), 60)}
    assert db.session.scalar(select(func.count()).select_from(InvoiceItem)) == 60
