"""Drafts: what is shown is what is billed; built twice, billed once; what a cancellation and a replacement do to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, event, func, select, text

from app.extensions import db
from app.models import BillingProfile, Invoice, InvoiceItem, InvoiceLine, OrderOverride, Registration, Seller
from app.services.amendments import acts, orders
from app.services.amendments.acts import Who
from app.services.billing import drafts, estimates, holding, profiles
from app.services.core import actor, clock
from tests.bases import EVERY
from tests.support import MARIE, PIERRE, centre_id, many, person_id, registered, registered_trainer, training_id

BACKENDS = EVERY
EACH_VALUE = True
D = Decimal
JANUARY = date(2022, 1, 1)
AGENT = "agent@demo.example"


@pytest.fixture
def over(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give what ends the month: it is 1 February then."""
    return lambda: monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 1))


def all_drafts() -> list[Invoice]:
    """Return the drafts by order number."""
    db.session.expire_all()
    return list(db.session.execute(select(Invoice).order_by(Invoice.order_number)).scalars())


def rows() -> list[Registration]:
    """Return the registrations, the first one first."""
    return list(db.session.execute(select(Registration).order_by(Registration.id)).scalars())


def test_what_was_estimated_is_what_is_drafted_to_the_cent(app: Flask, over: Any) -> None:
    registered(MARIE, PIERRE)
    registered(*many(3), training=training_id("Module FCO", "Voyageurs"))
    registered({**PIERRE, "order_number": "CMD 2"})
    registered_trainer(order="CMD 2")
    shown = {
        one.order_number: (one.totals.net, one.totals.vat, one.totals.gross, one.count)
        for one in estimates.of_centre(centre_id())
    }
    lines = {
        one.order_number: [(r.label, r.count, r.amount) for r in one.rows()] for one in estimates.of_centre(centre_id())
    }
    assert shown["COM1"] == (D("65.89"), D("13.18"), D("79.07"), 5)
    over()
    built = drafts.build(JANUARY)
    assert (built.drafts, built.lines, built.net) == (2, 7, D("138.23"))
    for draft in all_drafts():
        count = sum(line.quantity for line in draft.lines)
        assert (draft.net, draft.vat, draft.total, count) == shown[draft.order_number]
        assert [(line.label, line.quantity, line.amount) for line in draft.lines] == lines[draft.order_number]
        assert sum((vat.vat for vat in draft.vats), D(0)) == draft.vat
    assert estimates.of_centre(centre_id()) == []


def test_built_again_nothing_is_billed_twice_and_what_came_late_is_added(app: Flask, over: Any) -> None:
    registered(MARIE)
    over()
    first = drafts.build(JANUARY)
    assert drafts.build(JANUARY) == first
    assert [draft.key for draft in all_drafts()] == [draft.key for draft in all_drafts()]
    late = registered(PIERRE)
    db.session.get_one(Registration, rows()[-1].id).registered_on = date(2022, 1, 31)
    db.session.commit()
    assert late.id
    built = drafts.build(JANUARY)
    assert (built.drafts, built.lines, built.net) == (1, 2, D("50.68"))
    assert db.session.scalar(select(func.count()).select_from(InvoiceItem)) == 2


def test_a_line_that_missed_its_month_says_it_on_the_next(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(MARIE)
    monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 10))
    registered(PIERRE)
    monkeypatch.setitem(app.config, "TODAY", date(2022, 3, 1))
    drafts.build(date(2022, 2, 1))
    [draft] = all_drafts()
    assert sorted(line.label for line in draft.lines) == ["FIMO Marchandises", "FIMO Marchandises (janvier 2022)"]
    assert (draft.net, draft.vat) == (D("50.68"), D("10.14"))


def test_a_month_that_is_not_over_is_not_drafted(app: Flask, over: Any) -> None:
    with pytest.raises(drafts.NotYet):
        drafts.build(JANUARY)
    over()
    db.session.execute(delete(Seller))
    db.session.commit()
    with pytest.raises(drafts.NoSeller):
        drafts.build(JANUARY)


def test_what_was_registered_before_anybody_sold_is_not_billed(app: Flask) -> None:
    registered(MARIE)
    db.session.execute(select(Seller)).scalar_one().valid_from = date(2022, 1, 11)
    db.session.commit()
    assert estimates.of_centre(centre_id()) == []


def amend(row: Registration, code: str, **changes: str) -> None:
    """Cancel a registration, or put a corrected line in its place."""
    typed = {**orders.as_typed(row).values(), **changes} if changes else None
    agent = person_id(AGENT)
    acts.amend(orders.order(row, code, "Erreur de saisie", typed), Who(person_id(), agent))


def test_a_cancelled_registration_leaves_its_draft(app: Flask, over: Any) -> None:
    registered(MARIE, PIERRE)
    over()
    drafts.build(JANUARY)
    amend(rows()[0], "duplicate")
    [draft] = all_drafts()
    assert (draft.net, draft.vat, draft.total) == (D("25.34"), D("5.07"), D("30.41"))
    assert [line.quantity for line in draft.lines] == [1]
    amend(rows()[1], "duplicate")
    assert all_drafts() == []
    assert db.session.scalar(select(func.count()).select_from(InvoiceLine)) == 0
    assert drafts.build(JANUARY).drafts == 0


def test_a_replacement_takes_the_place_of_the_old_one_once(app: Flask, over: Any) -> None:
    registered(MARIE)
    over()
    drafts.build(JANUARY)
    amend(rows()[0], "wrong_permit", permit_number="850492100999")
    [item] = db.session.execute(select(InvoiceItem)).scalars()
    assert (item.registration_id, item.root_id) == (rows()[1].id, rows()[0].id)
    [draft] = all_drafts()
    assert (draft.net, [line.quantity for line in draft.lines]) == (D("25.34"), [1])
    assert estimates.of_centre(centre_id()) == []
    assert drafts.build(JANUARY).lines == 1


def test_a_replacement_under_another_order_number_is_billed_there(app: Flask, over: Any) -> None:
    registered(MARIE)
    over()
    drafts.build(JANUARY)
    amend(rows()[0], "wrong_permit", permit_number="850492100999", order_number="CMD 9")
    assert all_drafts() == []
    [one] = estimates.of_centre(centre_id())
    assert (one.order_number, one.totals.net) == ("CMD 9", D("25.34"))


def test_a_cancelled_registration_is_not_estimated(app: Flask) -> None:
    registered(MARIE, PIERRE)
    amend(rows()[0], "duplicate")
    [one] = estimates.of_centre(centre_id())
    assert one.count == 1


def test_an_order_number_that_stands_in_for_another_is_the_one_billed(app: Flask) -> None:
    registered(MARIE)
    db.session.add(OrderOverride(registration_id=rows()[0].id, order_number="ENG 1", by_id=person_id(), at=clock.now()))
    db.session.commit()
    assert [one.order_number for one in estimates.of_centre(centre_id())] == ["ENG 1"]
    amend(rows()[0], "wrong_permit", permit_number="850492100999")
    assert [one.order_number for one in estimates.of_centre(centre_id())] == ["ENG 1"]


def test_numbers_nearly_the_same_are_told(app: Flask) -> None:
    assert estimates.alike(["CMD-77", "CMD 77", "cmd77", "CMD78"]) == [["CMD 77", "CMD-77", "cmd77"]]


def test_what_is_missing_holds_the_drafts_and_frees_them_once_filled_in(app: Flask, over: Any) -> None:
    registered(MARIE)
    over()
    assert drafts.build(JANUARY).held == 0
    whole = profiles.values_of(all_drafts()[0].centre, profiles.of(all_drafts()[0].centre))
    agent = person_id(AGENT)
    profiles.save(centre_id(), replace(whole, e_address=""), agent, agent=True)
    [draft] = all_drafts()
    assert draft.held_reason == "Adresse de facturation électronique non renseignée"
    assert drafts.build(JANUARY).held == 1
    profiles.save(centre_id(), whole, agent, agent=True)
    assert all_drafts()[0].held_reason == ""
    db.session.execute(delete(BillingProfile))
    db.session.commit()
    assert drafts.build(JANUARY).held == 1


def test_an_agent_holds_and_frees(app: Flask, over: Any) -> None:
    registered(MARIE)
    over()
    drafts.build(JANUARY)
    [draft] = all_drafts()
    holding.hold(draft.id, person_id(AGENT), "Correction demandée sur une ligne")
    with pytest.raises(holding.Moved):
        holding.hold(draft.id, person_id(AGENT), "encore")
    drafts.build(JANUARY)
    assert all_drafts()[0].held_reason == "Correction demandée sur une ligne"
    holding.free(draft.id, person_id(AGENT))
    assert all_drafts()[0].held_reason == ""


@pytest.mark.bases("postgresql-role")
def test_a_line_looks_up_its_charges_however_many_there_are(over: Any) -> None:
    """Below the policies each line read all charges again: among millions no month came to its end."""
    registered(MARIE, PIERRE)
    over()
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        seen.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        drafts.build(JANUARY)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    charging = [(asked, values) for asked, values in seen if asked.startswith("INSERT INTO invoice_item")]
    assert len(charging) == 2  # of registrations, of fees
    actor.be(actor.PROGRAM)
    for way in ("seqscan", "hashjoin", "mergejoin"):  # as among many
        db.session.execute(text(f"SET LOCAL enable_{way} = off"))
    for asked, values in charging:
        rows = db.session.connection().exec_driver_sql(f"EXPLAIN {asked}", values).scalars().all()
        judged = [row for row in rows if "Filter:" in row and ("root_id = " in row or "trainer_id = " in row)]
        assert not [row for row in judged if "CASE" in row or "COALESCE" in row], "\n".join(rows)
        assert [row for row in rows if "Index Cond: ((root_id = " in row or "Index Cond: ((trainer_id = " in row]
