"""Telling the platform that an invoice was paid (status 212): where VAT is due on receipts it must know each, by rate."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.models import Invoice
from app.models.billing.deposits import ACKNOWLEDGED
from app.models.outbox import PAYMENT_TOLD
from app.services.core import clock, numbers, outbox

from . import depositing, platforms, polling
from .codes import Code
from .platform import Event


class Waits(outbox.Later):
    """The invoice is on its way to the platform: what is told of it comes after."""


def tell(invoice_id: int, day: date, amounts: Iterable[tuple[int, int]]) -> None:
    """Queue status 212 for what was received on a day, in the caller's transaction.

    ``amounts``: a pair a VAT rate, the rate in basis points (2000 is 20 %) and the cents received at it, VAT included; an
    invoice paid in parts is told of each. An invoice that no platform will have (undone before it left) is told of to nobody.
    """
    told = [[rate, cents] for rate, cents in amounts]
    payload = {"invoice": invoice_id, "day": day.isoformat(), "amounts": told, "reference": secrets.token_hex(8)}
    outbox.add(PAYMENT_TOLD, [payload])


def carry_out(payload: dict[str, Any]) -> None:
    """Tell the platform of a payment and keep status 212 of it; no commit. Told twice, it is one report: the reference says so.

    Raises :class:`Waits` while the invoice is not deposited, `platform.Unreachable` while the platform does not answer: it is
    then told later, or stands among what agents see to.
    """
    invoice = db.session.get_one(Invoice, payload["invoice"])
    attempts = depositing.of_invoice(invoice.id)
    if not attempts or attempts[0].state != ACKNOWLEDGED:
        if db.session.scalar(select(depositing.is_undone()).where(Invoice.id == invoice.id)):
            return
        raise Waits
    platform, number = platforms.current(), invoice.public_number or ""
    day = date.fromisoformat(payload["day"])
    amounts = [(rate, cents) for rate, cents in payload["amounts"]]
    platform.report_payment(number, day, amounts, payload["reference"])
    event = Event(f"paid-{payload['reference']}", number, Code.CASHED, clock.now(), text=_words(day, amounts))
    polling.note(platform.name, [event])


def _words(day: date, amounts: list[tuple[int, int]]) -> str:
    """Return what is told, for people: what was received on a day, or what is taken back of it (below zero)."""
    told = " ; ".join(
        f"{numbers.euros(_hundredth(abs(cents)))} à {numbers.percent(_hundredth(rate))}" for rate, cents in amounts
    )
    if sum(cents for _, cents in amounts) < 0:
        return f"N’est plus encaissé (virement rendu, remboursé ou affecté autrement), le {day:%d/%m/%Y} : {told}."
    return f"Reçu le {day:%d/%m/%Y} : {told}."


def _hundredth(whole: int) -> Decimal:
    return Decimal(whole) / 100
