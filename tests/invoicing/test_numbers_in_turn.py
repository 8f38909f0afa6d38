"""Who takes a number while another transaction has taken one waits for its end, and takes the next, or the one given back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import text

from app.extensions import db
from app.models.billing.invoices import INVOICE
from app.services.core import actor
from app.services.invoicing import numbering

#: On SQLite one writes at a time, whatever is written.
BACKENDS = ("postgresql",)
EACH_VALUE = True
SIREN, DAY = "800000002", date(2022, 2, 3)


def take() -> int:
    """Take a number in the transaction that is open."""
    return numbering.take(SIREN, INVOICE, DAY)


def taken_meanwhile(app: Flask, end: Callable[[], None]) -> int:
    """Return the number that another takes while this transaction has one, and ends so once the other waits."""
    found: list[int] = []

    def other() -> None:
        with app.app_context():
            actor.be(actor.PROGRAM)
            found.append(take())
            db.session.commit()
            db.session.remove()

    thread = threading.Thread(target=other)
    thread.start()
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with db.engine.connect() as beside:
        while thread.is_alive() and not beside.scalar(waiting):
            beside.rollback()
    end()
    thread.join()
    return found[0]


@pytest.mark.parametrize("is_kept", [True, False])
def test_the_next_number_waits_for_the_one_before(app: Flask, is_kept: bool) -> None:
    assert take() == 1
    db.session.commit()
    assert take() == 2
    end = db.session.commit if is_kept else db.session.rollback
    assert taken_meanwhile(app, end) == (3 if is_kept else 2)
