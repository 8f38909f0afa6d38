"""What a correction does to the money: nothing moves, what is still to be billed changes, or a credit note is made."""

from __future__ import annotations

from decimal import Decimal

from app.models import InvoiceItem, Registration
from app.models.amendment import DRAFT, NONE, NOTE, REASONS, TRAINER_REASONS
from app.services.billing import drafts
from app.services.invoicing import credit_notes

from .orders import Order
from .orders import gives_back as gives_back


def invoiced(registration: Registration) -> str:
    """Return the number of the issued invoice that charges a registration, or what it replaced; '' without any."""
    return _number(credit_notes.charge_of(registration))


def fee_invoiced(trainer_id: int) -> str:
    """Return the number of the issued invoice that charges a trainer's fee; '' without any."""
    return _number(credit_notes.charge_of_fee(trainer_id))


def _number(charge: InvoiceItem | None) -> str:
    return str(charge.invoice.public_number) if charge else ""


def moves(price: Decimal, after: Decimal | None, invoice: str) -> str:
    """Return what becomes of the money where a price, charged by an issued invoice or by none (''), gives way to another; None:
    to nothing."""
    if not price or after == price:
        return NONE
    return NOTE if invoice else DRAFT


def give_back(registration: Registration, order: Order, agent_id: int) -> None:
    """Draft the credit note of what an issued invoice charges, in the transaction of the correction."""
    if (charge := credit_notes.charge_of(registration)) is not None:
        credit_notes.of_cancelled(charge, _why(REASONS[order.reason_code], order.reason), agent_id)


def _why(reason: str, words: str) -> str:
    """Return the reason of a credit note: that of the correction, and what was written to it."""
    return f"{reason} : {words}" if words else reason


def settle_fee(trainer_id: int, reason_code: str, why: str, agent_id: int) -> str:
    """Do what becomes of the fee of a cancelled right, in its transaction, and return what was done: it leaves its draft, or a
    credit note gives it back, as the reason has it."""
    drafts.fee_cancelled(trainer_id)
    charge = credit_notes.charge_of_fee(trainer_id)
    if charge is None:
        return DRAFT
    if not gives_back(reason_code):
        return NONE
    credit_notes.of_cancelled(charge, _why(TRAINER_REASONS[reason_code], why), agent_id)
    return NOTE
