"""The mail that says what holds a centre's invoices: to who sees to them, once an invoice and reason, while it is true."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.extensions import db
from app.french.spaces import plain
from app.models import BillingProfile, Invoice, Mail, Registration, VatRegime
from app.services.billing import alerts, drafts, holding, profiles
from app.services.core import actor
from app.services.notifications import mail
from tests.bases import EVERY
from tests.support import MARIE, centre_id, drain, many, person_id, registered

BACKENDS = EVERY
JANUARY = date(2022, 1, 1)
AGENT = "agent@demo.example"


@pytest.fixture
def over(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give what ends the month: it is 1 February then."""
    return lambda: monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 1))


def all_drafts() -> list[Invoice]:
    db.session.expire_all()
    return list(db.session.execute(select(Invoice).order_by(Invoice.order_number)).scalars())


def held_mails() -> list[tuple[str, str]]:
    """Return recipient and text of the mails that say what holds invoices, once all are sent."""
    drain()
    sent = db.session.execute(select(Mail).where(Mail.kind == "invoice_held").order_by(Mail.id)).scalars()
    return [(one.recipient, plain(str(mail._message(one).body))) for one in sent if one.state == "sent"]


def test_who_sees_to_invoices_is_told_once_what_holds_them_and_where_to_fill_it_in(app: Flask, over: Any) -> None:
    registered(*(one | {"order_number": f"COM{at}"} for at, one in enumerate(many(12))))
    actor.be(actor.PROGRAM)
    db.session.execute(update(BillingProfile).values(e_address=""))
    db.session.commit()
    over()
    assert drafts.build(JANUARY).held == 12
    told = held_mails()
    assert {to for to, _ in told} == {*alerts.recipients(centre_id())}
    assert len(told) == len({to for to, _ in told}) > 1
    _, said = told[0]
    assert "12 factures sont retenues, faute de ce qui suit." in said
    assert "COM0, COM1, COM10, COM11, COM2, COM3, COM4, COM5, COM6, COM7 et 2 autres" in said
    assert "- Adresse de facturation électronique non renseignée\n" in said
    assert "/mon-centre/facturation/" in said
    drafts.build(JANUARY)
    assert len(held_mails()) == len(told), "built again, nobody is told again"
    registered(many(13)[12] | {"order_number": "COM12"}, end_date="07/01/2022")
    db.session.execute(update(Registration).values(registered_on=date(2022, 1, 10)))
    db.session.commit()
    drafts.build(JANUARY)
    assert len(held_mails()) == 2 * len(told), "another invoice"
    [one] = [draft for draft in all_drafts() if draft.order_number == "COM12"]
    holding.hold(one.id, person_id(AGENT), "Correction demandée sur une ligne")
    assert len(held_mails()) == 2 * len(told), "an agent's hold is the agent's to tell"
    holding.free(one.id, person_id(AGENT))
    assert len(held_mails()) == 3 * len(told)


def test_what_only_the_operator_can_fill_in_asks_nothing_of_the_centre(app: Flask, over: Any) -> None:
    registered(MARIE)
    db.session.execute(update(VatRegime).values(to_confirm=True))
    db.session.commit()
    over()
    drafts.build(JANUARY)
    _, said = held_mails()[0]
    assert "Une facture est retenue, faute de ce qui suit." in said
    assert "- TVA à confirmer par l’exploitant du registre" in said
    assert "vous n’avez rien à faire" in said
    assert "/mon-centre/facturation/" not in said


def test_what_was_filled_in_before_the_mail_leaves_is_not_told(app: Flask, over: Any) -> None:
    registered(MARIE)
    drain()
    db.session.execute(update(BillingProfile).values(e_address=""))
    db.session.commit()
    over()
    drafts.build(JANUARY)
    whole = profiles.values_of(all_drafts()[0].centre, profiles.of(all_drafts()[0].centre))
    profiles.save(centre_id(), replace(whole, e_address="123456782"), person_id(AGENT), agent=True)
    assert held_mails() == []
