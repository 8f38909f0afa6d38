"""What was paid of the invoices of each order number, VAT included: the other half of what an order number has cost."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select, type_coerce

from app.extensions import db
from app.models import Invoice
from app.models.types import Money
from app.services.payments import settlement
from app.services.reference.amounts import ZERO


@dataclass(frozen=True, slots=True)
class Settled:
    """Of the issued invoices of an order number, credit notes taken off: their total, what is paid, what is left; in euros,
    VAT included. What is left is below zero where more was paid than is billed."""

    total: Decimal = ZERO
    paid: Decimal = ZERO
    left: Decimal = ZERO


NOTHING = Settled()


def settled(centre_id: int, orders: Collection[str]) -> dict[str, Settled]:
    """Return order number → what was paid of it, for those of a centre that were invoiced; one question."""
    figures = settlement.figures().add_columns(Invoice.order_number)
    c = figures.where(Invoice.centre_id == centre_id, Invoice.order_number.in_(list(orders))).subquery().c
    # What credit notes gave to other invoices counts there: total − credited + moved − paid is what is left.
    sums = (func.sum(c.total - c.credited + c.moved), func.sum(c.paid), func.sum(c.due))
    query = select(c.order_number, *(type_coerce(one, Money) for one in sums)).group_by(c.order_number)
    return {number: Settled(total, paid, left) for number, total, paid, left in db.session.execute(query).tuples()}
