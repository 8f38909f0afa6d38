"""The card's fee (redevance): how much, for one request."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from app.models import CardRequest
from app.models.types import CENT
from app.services.core import clock
from app.services.core.refusal import Refusal

from . import pricing


class NoFee(Refusal):
    """No fee is in force: nothing is charged at an unknown price."""

    message = "Aucune redevance n’est en vigueur. L’exploitant du registre doit l’établir."


@dataclass(frozen=True, slots=True)
class Fee:
    """The card's fee in euros, excluding VAT, the rate in per cent, the VAT (half up), and the amount including it."""

    amount: Decimal
    vat_rate: Decimal

    @property
    def vat(self) -> Decimal:
        """Return the VAT."""
        return (self.amount * self.vat_rate / 100).quantize(CENT, ROUND_HALF_UP)

    @property
    def total(self) -> Decimal:
        """Return the amount including VAT."""
        return self.amount + self.vat


def fee_of(request: CardRequest) -> Fee:
    """Return the fee: the one kept when the request was first sent, else the one in force; raises :class:`NoFee`."""
    if request.fee is not None and request.vat_rate is not None:
        return Fee(request.fee, request.vat_rate)
    if request.trainer is not None and request.trainer.fee is not None and request.trainer.vat_rate is not None:
        return Fee(request.trainer.fee, request.trainer.vat_rate)
    price = pricing.card_fee(clock.today())
    if price is None:
        raise NoFee
    return Fee(price.amount, price.vat_rate)
