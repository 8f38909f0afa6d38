"""The shown status of an invoice: the latest by its own instant, a refusal until somebody answers; what it stops."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from app.extensions import db
from app.models import Invoice, InvoiceEvent
from app.services.deposits import codes, statuses
from app.services.deposits.codes import Act
from tests.bases import EVERY
from tests.invoicing.making import december

BACKENDS = EVERY
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def say(invoice: Invoice, code: str, hour: int) -> None:
    """Write what the platform said of an invoice at an hour of the day."""
    at = NOON.replace(hour=hour)
    count = len(db.session.execute(select(InvoiceEvent)).scalars().all())
    db.session.add(
        InvoiceEvent(
            invoice_id=invoice.id,
            code=code,
            happened_at=at,
            received_at=NOON + timedelta(minutes=count),
            platform="test",
            platform_event_id=str(count),
        )
    )
    db.session.commit()


def shown(invoice: Invoice) -> str | None:
    """Return the code that is shown, the same by each way of asking."""
    event = statuses.shown(invoice.id)
    assert db.session.scalar(select(statuses.shown_code(Invoice.id)).where(Invoice.id == invoice.id)) == (
        event and event.code
    )
    return event.code if event else None


def stopped(invoice: Invoice) -> bool:
    """Tell whether nobody is to be reminded of the invoice."""
    found = db.session.execute(select(Invoice.id).where(statuses.stops_dunning(Invoice.id))).scalars().all()
    left = db.session.execute(select(Invoice.id).where(~statuses.stops_dunning(Invoice.id))).scalars().all()
    assert (invoice.id in found) != (invoice.id in left)
    return invoice.id in found


@pytest.mark.parametrize(
    ("said", "expected", "stops"),
    [
        ([], None, False),
        ([("200", 8), ("202", 9), ("203", 10), ("205", 11)], "205", False),
        ([("205", 11), ("203", 10), ("200", 8)], "205", False),
        ([("207", 9)], "207", True),
        ([("207", 9), ("205", 10)], "205", False),
        ([("205", 10), ("207", 9)], "205", False),
        ([("208", 9), ("212", 10)], "212", True),
        ([("208", 9), ("209", 10)], "209", False),
        ([("210", 9), ("205", 10)], "210", True),
        ([("210", 9), (Act.CONTESTED, 10)], "210", True),
        ([("210", 9), (Act.CONTESTED, 10), ("205", 11)], "205", False),
        ([("210", 9), (Act.CONTESTED, 10), ("205", 11), ("210", 9)], "210", True),
        ([("221", 9), ("200", 10)], "221", True),
        ([("213", 9)], "213", True),
        ([("299", 9)], "299", False),
    ],
)
def test_the_shown_status(app: Flask, said: list[tuple[str, int]], expected: str | None, stops: bool) -> None:
    """Whatever the order of arrival; refusals and rejections stay until an agent acts, and one that came later waits again."""
    invoice = december()
    for code, hour in said:
        say(invoice, str(code), hour)
    assert shown(invoice) == expected
    assert stopped(invoice) == stops


def test_an_unknown_code_is_shown_as_it_came() -> None:
    """The list is open."""
    assert codes.words("205") == "Approuvée"
    assert codes.words("299") == "Statut 299"


def test_what_was_told_is_never_changed(app: Flask) -> None:
    """The base itself refuses, by whatever way."""
    invoice = december()
    say(invoice, "200", 8)
    for statement in (update(InvoiceEvent).values(code="205"), delete(InvoiceEvent)):
        with pytest.raises(DBAPIError):
            db.session.execute(statement)
        db.session.rollback()
    assert shown(invoice) == "200"
