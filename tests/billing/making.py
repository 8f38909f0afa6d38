"""Rows of billing that tests of several folders need."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from app.extensions import db
from app.models import Invoice, InvoiceItem, Registration
from app.services.billing import lines
from app.services.core import clock
from tests.support import PIERRE, centre_id, registered


def draft(order_number: str = "BROUILLON 1", held_reason: str = "", permit: str = "990000000001") -> Invoice:
    """Return the draft of a month that is over, with one line."""
    batch = registered({**PIERRE, "order_number": order_number, "permit_number": permit})
    row = db.session.execute(select(Registration).where(Registration.batch_id == batch.id)).scalar_one()
    made = Invoice(
        centre_id=centre_id(),
        period_start=date(2021, 12, 1),
        period_end=date(2021, 12, 31),
        order_number=order_number,
        held_reason=held_reason,
        built_at=clock.now(),
    )
    db.session.add(made)
    db.session.flush()
    db.session.add(
        InvoiceItem(
            invoice_id=made.id,
            registration_id=row.id,
            root_id=row.root_id,
            training_id=row.training_id,
            amount=row.price,
            vat_rate=row.vat_rate,
            registered_on=row.registered_on,
        )
    )
    db.session.flush()
    lines.restate([made.id])
    db.session.commit()
    return made
