"""Telling the platform that an invoice was paid (status 212): where VAT is due on receipts it must know each, by rate."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import date

from app.models.outbox import PAYMENT_TOLD
from app.services.core import outbox


def tell(invoice_id: int, day: date, amounts: Iterable[tuple[int, int]]) -> None:
    """Queue status 212 for what was received on a day, in the caller's transaction.

    ``amounts``: a pair a VAT rate, the rate in basis points (2000 is 20 %) and the cents received at it, VAT included; an
    invoice paid in parts is told of each. An invoice that no platform has (never deposited) is told of to nobody.
    """
    told = [[rate, cents] for rate, cents in amounts]
    payload = {"invoice": invoice_id, "day": day.isoformat(), "amounts": told, "reference": secrets.token_hex(8)}
    outbox.add(PAYMENT_TOLD, [payload])
