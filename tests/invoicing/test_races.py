"""A cancellation and the issue of its invoice at once: never billed and free, never credited without charge, in any order."""

from __future__ import annotations

import os
import threading
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.extensions import db
from app.models import Invoice, InvoiceItem, Registration
from app.services.amendments import acts, orders
from app.services.amendments.acts import Who
from app.services.core import actor
from app.services.core.refusal import Refusal
from app.services.invoicing import invariants, issuing, running
from tests.bases import BOTH
from tests.support import many, person_id, registered

from .making import JANUARY, Judge

BACKENDS = BOTH
#: 200 with `INVOICE_KILLS=long`.
ROUNDS = 200 if os.environ.get("INVOICE_KILLS") == "long" else 8
AGENT = "agent@demo.example"


def test_cancelled_while_it_is_issued(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for at, row in enumerate(many(ROUNDS)):
        registered({**row, "order_number": f"CMD {at:03d}"})
    ids = list(db.session.execute(select(Registration.id).order_by(Registration.id)).scalars())
    db.session.execute(update(Registration).values(registered_on=date(2022, 1, 28)))
    db.session.commit()
    monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 3))
    running.build(JANUARY)
    found = select(InvoiceItem.registration_id, InvoiceItem.invoice_id)
    drafts = dict(db.session.execute(found).tuples().all())
    manager, agent = person_id(), person_id(AGENT)
    db.session.remove()
    for at, id_ in enumerate(ids):
        both(
            app,
            at,
            (lambda id_=id_: cancel(id_, manager, agent)),
            (lambda id_=id_: issuing.issue(drafts[id_], Judge())),
        )
    with app.app_context():
        actor.be(actor.PROGRAM)
        running.issue_credits(Judge())
        assert {one.code: rows for one in invariants.CHECKS if (rows := one.breaches())} == {}
        live = db.session.scalars(select(Registration.id).where(Registration.cancelled_on.is_(None))).all()
        issued = db.session.scalars(
            select(Invoice.id).where(Invoice.state == "issued", Invoice.kind == "invoice")
        ).all()
        notes = db.session.scalars(select(Invoice.id).where(Invoice.kind == "credit_note")).all()
        assert len(issued) - len(notes) == len(live) or not live
        db.session.remove()


def cancel(id_: int, manager: int, agent: int) -> None:
    """Cancel a registration as an agent, as a double; begin again where it was issued meanwhile."""
    for _ in range(3):
        row = db.session.get_one(Registration, id_)
        try:
            acts.amend(orders.order(row, "duplicate", "Ligne en double", None), Who(manager, agent))
        except acts.Changed:
            db.session.rollback()
            continue
        return


def both(app: Flask, at: int, *doings: Any) -> None:
    """Do both at once, each in a thread of its own; every other time the second begins first."""
    start, told = threading.Barrier(2), []

    def run(do: Any) -> None:
        with app.app_context():
            actor.be(actor.PROGRAM)
            start.wait()
            try:
                do()
            except Refusal:
                pass
            except Exception as error:
                told.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(do,)) for do in (doings if at % 2 else doings[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not told, told
