"""A worker that issues a month with numbers that are the highest one plus one: what the series' row is there to prevent."""

from __future__ import annotations

import sys
import time
from datetime import date

from sqlalchemy import func, select, update

from app.extensions import db
from app.models import Invoice, InvoiceSeries
from app.services.core.dialect import insert_if_new
from app.services.invoicing import numbering
from tests.invoicing import issuing_child


def take(siren: str, kind: str, day: date) -> int:
    """Return the highest number plus one, and note it, as a program would that nobody has raced."""
    of_series = {"siren": siren, "kind": kind, "year": day.year}
    insert_if_new(InvoiceSeries, {**of_series, "last_number": 0, "last_issued_on": None})
    own = (Invoice.kind == kind, Invoice.series_year == day.year)
    number = (db.session.scalar(select(func.max(Invoice.number)).where(*own)) or 0) + 1
    time.sleep(0.02)  # whoever else issues reads the same
    row = (InvoiceSeries.siren == siren, InvoiceSeries.kind == kind, InvoiceSeries.year == day.year)
    db.session.execute(update(InvoiceSeries).where(*row).values(last_number=number, last_issued_on=day))
    return number


if __name__ == "__main__":
    numbering.take = take
    issuing_child.main(*sys.argv[1:])
