"""Two agents who choose the same account at once: it is chosen once, and nobody meets an error."""

from __future__ import annotations

from functools import partial

from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import AccountMap
from app.services.accounting import accounts
from app.services.core import actor
from tests.bases import BOTH
from tests.invoicing.test_races import both
from tests.support import person_id

BACKENDS = BOTH
AGENT = "agent@demo.example"
CODES = {
    "customer": "411",
    "sales": "706",
    "vat_due": "4457",
    "vat_waiting": "4458",
    "journal_sales": "V",
    "journal_vat": "O",
}


def test_the_same_account_twice_at_once(app: Flask) -> None:
    who = person_id(AGENT)
    db.session.remove()
    for at, (role, code) in enumerate(CODES.items()):
        both(app, at, *(partial(accounts.choose, role, None, f"{code}{of}", "Choisi", who) for of in (1, 2)))
    with app.app_context():
        actor.be(actor.PROGRAM)
        chosen = db.session.execute(select(AccountMap.role)).scalars().all()
        assert sorted(chosen) == sorted(CODES)
        db.session.remove()
