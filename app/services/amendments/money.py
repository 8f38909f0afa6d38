"""What a correction does to the money: nothing moves, what is still to be billed changes, or a credit note is made."""

from __future__ import annotations

from decimal import Decimal

from app.models import Registration
from app.models.amendment import DRAFT, NONE, NOTE, REASONS
from app.services.invoicing import credit_notes

from .orders import Order
from .orders import gives_back as gives_back


def invoiced(registration: Registration) -> str:
    """Return the number of the issued invoice that charges a registration, or what it replaced; '' without any."""
    charge = credit_notes.charge_of(registration)
    return str(charge.invoice.public_number) if charge else ""


def moves(price: Decimal, after: Decimal | None, invoice: str) -> str:
    """Return what becomes of the money where a price, charged by an issued invoice or by none (''), gives way to another; None:
    to nothing."""
    if not price or after == price:
        return NONE
    return NOTE if invoice else DRAFT


def give_back(registration: Registration, order: Order, agent_id: int) -> None:
    """Draft the credit note of what an issued invoice charges, in the transaction of the correction."""
    why = f"{REASONS[order.reason_code]}{' : ' + order.reason if order.reason else ''}"
    credit_notes.of_cancelled(registration, why, agent_id)
