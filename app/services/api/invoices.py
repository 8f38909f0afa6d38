"""A centre's invoices and credit notes, and what its order numbers have cost, for software of its accounts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import joinedload, selectinload

from app.extensions import db
from app.models import Invoice
from app.models.api import OF_INVOICE
from app.models.billing.invoices import ISSUED
from app.models.centre import INVOICES
from app.services.accounting import consumption as settled_orders
from app.services.billing import ceilings
from app.services.core.clock import PARIS
from app.services.invoicing import filing, reference
from app.services.reference.amounts import ZERO
from app.services.rights import access
from app.services.storage import store

from . import changes
from .changes import Cursor, Place
from .files import File, StillPending, Unreadable
from .gate import Caller

#: Invoices a page.
PAGE = 200


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page of invoices begins, and what narrows it: the filters as they were sent, and what they mean."""

    asked: Mapping[str, str]
    issued_since: date | None = None
    order_number: str = ""
    after: Place | None = None


def check(caller: Caller) -> None:
    """Raise `access.NotAllowed` unless the key acts for somebody who sees to the centre's invoices."""
    access.holder(caller.person_id, caller.centre_id, INVOICES)


def page(caller: Caller, asked: Page) -> dict[str, Any]:
    """Return a page of what was issued to the centre, the earliest first, and the cursor of the following one."""
    query = _issued(caller.centre_id).order_by(Invoice.issued_on, Invoice.id).limit(PAGE + 1)
    if asked.order_number:
        query = query.where(Invoice.order_number == asked.order_number)
    if asked.after is not None:
        query = query.where(tuple_(Invoice.issued_on, Invoice.id) > (asked.after.at.date(), asked.after.number))
    elif asked.issued_since is not None:
        query = query.where(Invoice.issued_on >= asked.issued_since)
    rows = list(db.session.execute(query).scalars())
    following = None
    if len(rows) > PAGE:
        rows = rows[:PAGE]
        assert rows[-1].issued_on is not None
        end = Place(datetime.combine(rows[-1].issued_on, time(), PARIS), rows[-1].id)
        following = changes.encode(OF_INVOICE, caller.centre_id, Cursor(asked.asked, end))
    return {"items": [_head(row) for row in rows], "next": following}


def one(caller: Caller, number: str) -> dict[str, Any] | None:
    """Return what an invoice of the caller's centre says, None where it has none of this number."""
    row = _of(caller, number)
    if row is None:
        return None
    lines = [
        {
            "label": line.label,
            "quantity": line.quantity,
            "unit_price": str(line.unit_price),
            "vat_rate": str(line.vat_rate),
            "amount": str(line.amount),
        }
        for line in row.lines
    ]
    vats = [
        {"rate": str(vat.rate), "base": str(vat.base), "amount": str(vat.vat), "mention": vat.mention}
        for vat in row.vats
    ]
    return {**_head(row), "lines": lines, "vats": vats}


def pdf(caller: Caller, number: str) -> File | None:
    """Return the sealed file of an invoice, None where the centre has none of this number; raise `files.NotHandedOver`."""
    return _file(_of(caller, number), filing.pdf_of, "pdf")


def xml(caller: Caller, number: str) -> File | None:
    """Return the electronic invoice that the file holds, likewise."""
    return _file(_of(caller, number), filing.xml_of, "xml")


def _file(row: Invoice | None, read: Callable[[Invoice], bytes], extension: str) -> File | None:
    if row is None:
        return None
    if row.path is None:  # the file and what it holds are made at once
        raise StillPending
    try:
        return File(read(row), f"{row.public_number}.{extension}")
    except store.Missing:
        raise Unreadable from None


def consumption(caller: Caller, order_number: str) -> dict[str, Any]:
    """Return what an order number has cost the centre, excluding VAT, and what is paid of it, VAT included; zeros for one that
    was never registered under."""
    found = ceilings.uses(caller.centre_id, [order_number])
    use = found[0] if found else ceilings.Use(order_number, ZERO, ZERO, ZERO)
    money = settled_orders.settled(caller.centre_id, [order_number]).get(order_number, settled_orders.NOTHING)
    return {
        "order_number": use.order_number,
        "not_invoiced": str(use.open + use.drafted),
        "invoiced": str(use.invoiced),
        "credited": str(use.credited),
        "spent": str(use.spent),
        "paid": str(money.paid),
        "unpaid": str(money.left),
        "ceiling": None if use.ceiling is None else str(use.ceiling),
        "left": None if use.left is None else str(use.left),
        "blocking": use.blocking,
        "valid_from": use.valid_from and use.valid_from.isoformat(),
        "valid_to": use.valid_to and use.valid_to.isoformat(),
    }


def _issued(centre_id: int) -> Any:
    return (
        select(Invoice)
        .where(Invoice.centre_id == centre_id, Invoice.state == ISSUED)
        .options(joinedload(Invoice.corrects))
    )


def _of(caller: Caller, number: str) -> Invoice | None:
    query = _issued(caller.centre_id).where(Invoice.public_number == number)
    query = query.options(selectinload(Invoice.lines), selectinload(Invoice.vats))
    found: Invoice | None = db.session.execute(query).scalar_one_or_none()
    return found


def _head(row: Invoice) -> dict[str, Any]:
    assert row.issued_on is not None
    assert row.public_number is not None
    return {
        "number": row.public_number,
        "kind": row.kind,
        "issued_on": row.issued_on.isoformat(),
        "due_on": row.due_on.isoformat() if row.due_on else None,
        "period_end": row.period_end.isoformat(),
        "order_number": row.order_number,
        "corrects": row.corrects.public_number if row.corrects else None,
        "reference": reference.of(row.public_number) if row.due_on else "",
        "net": str(row.net),
        "vat": str(row.vat),
        "total": str(row.total),
        "file_ready": row.path is not None,
    }
