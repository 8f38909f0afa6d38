"""Two agents at once: an invoice never receives more than it owes, a transfer never gives more than it holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial

from flask import Flask
from sqlalchemy import func, select

from app.extensions import db
from app.models import Allocation, BankEntry, Invoice
from app.services.core import actor
from app.services.payments import allocating, importing, matching, settlement
from app.services.payments.allocating import Part
from tests.bases import BOTH
from tests.invoicing.making import issued
from tests.invoicing.test_races import both
from tests.support import many, person_id

from .making import D, entry
from .statements import Move, statement
from .test_matching import AGENT, FIRST, broken

BACKENDS = BOTH
ROUNDS = 6


def test_two_transfers_for_one_invoice_and_one_transfer_for_two(app: Flask, over: Callable[..., None]) -> None:
    over()
    issued(*({**row, "order_number": f"CMD {at:03d}"} for at, row in enumerate(many(2 * ROUNDS))))
    ids = list(db.session.execute(select(Invoice.id).order_by(Invoice.id)).scalars())
    transfers = [entry("30.41").id for _ in range(2 * ROUNDS)]
    agent = person_id(AGENT)
    db.session.remove()
    for at in range(ROUNDS):
        one, other = ids[2 * at : 2 * at + 2]
        first, second = transfers[2 * at : 2 * at + 2]
        part, rest = Part(one, D("30.41")), Part(other, D("30.41"))
        # Every other time two transfers for one invoice, else one transfer for two invoices.
        rival = (second, [part]) if at % 2 else (first, [rest])
        both(app, at, partial(allocating.allocate, first, [part], agent), partial(allocating.allocate, *rival, agent))
    with app.app_context():
        actor.be(actor.PROGRAM)
        assert db.session.scalar(select(func.count()).select_from(Allocation)) == ROUNDS
        assert {one.due for one in settlement.of(ids).values()} == {D("30.41"), D("0.00")}
        assert broken() == {}
        db.session.remove()


def test_the_same_statement_from_two_sides_and_an_undo_twice(invoice: Invoice, app: Flask) -> None:
    data, agent, invoice_id = statement(Move("91.22", structured=FIRST)), person_id(AGENT), invoice.id
    db.session.remove()

    def read() -> None:
        importing.read_in(data, "releve.xml", None)
        matching.run()

    both(app, 0, read, read)
    with app.app_context():
        actor.be(actor.PROGRAM)
        assert db.session.scalar(select(func.count()).select_from(BankEntry)) == 1
        assert db.session.scalar(select(func.count()).select_from(Allocation)) == 1
        made = db.session.execute(select(Allocation.id)).scalar_one()
        db.session.remove()
    both(app, 1, lambda: allocating.undo(made, agent), lambda: allocating.undo(made, agent))
    with app.app_context():
        actor.be(actor.PROGRAM)
        assert settlement.one(invoice_id, date(2022, 2, 3)).due == D("91.22")
        assert broken() == {}
        db.session.remove()
