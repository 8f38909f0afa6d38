"""A trainer's right that is cancelled: its fee leaves the estimate, or the draft; on an issued invoice it stays."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import Invoice, InvoiceItem, Trainer
from app.services.amendments import acts, trainer_rights
from app.services.billing import ceilings, drafts, estimates
from tests.bases import EVERY
from tests.invoicing.making import issue
from tests.support import LEGAL, MARIE, centre_id, person_id, registered, registered_trainer

BACKENDS = EVERY
D = Decimal
JANUARY = date(2022, 1, 1)


def cancel(row: Trainer, agent: bool = False) -> None:
    shown = trainer_rights.look(db.session.get_one(Trainer, row.id)).version
    who = person_id("agent@demo.example" if agent else LEGAL)
    trainer_rights.cancel(row.id, "duplicate", "", who, shown=shown, agent=agent)


def test_it_leaves_the_estimate_and_the_consumption(app: Flask) -> None:
    row = registered_trainer()
    assert [one.order_number for one in estimates.of_centre(centre_id())] == ["COM1"]
    cancel(row)
    assert estimates.of_centre(centre_id()) == []
    assert ceilings.uses(centre_id()) == []


def test_it_leaves_its_draft_and_an_empty_one_goes(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(MARIE)
    row, alone = registered_trainer(), registered_trainer(order="SEULE", permit_number="800569210043")
    monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 1))
    drafts.build(JANUARY)
    monkeypatch.setitem(app.config, "TODAY", date(2022, 1, 11))
    for one in (row, alone):
        cancel(one)
    db.session.expire_all()
    [draft] = db.session.execute(select(Invoice)).scalars()
    assert (draft.order_number, draft.net, draft.total) == ("COM1", D("25.34"), D("30.41"))
    monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 1))
    assert drafts.build(JANUARY).lines == 1


def test_on_an_issued_invoice_it_stays_and_an_agent_decides(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    row = registered_trainer()
    monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 1))
    drafts.build(JANUARY)
    issue()
    monkeypatch.setitem(app.config, "TODAY", date(2022, 1, 11))
    with pytest.raises(acts.NeedsAgent):
        cancel(row)
    cancel(row, agent=True)
    charged, given_back = db.session.execute(select(InvoiceItem.credit).order_by(InvoiceItem.id)).scalars()
    assert (charged, given_back) == (False, True)
