"""Paying by card, behind one interface. The provider that ships is simulated, and named so wherever it shows.

No card's number ever reaches this program: a person chooses a means at the provider, which names it by a code.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from app.services.core.refusal import Refusal


class Declined(Refusal):
    """The provider did not take the payment; nothing was charged."""

    message = "Le paiement a été refusé : rien n’a été débité. Choisissez un autre moyen de paiement."


@dataclass(frozen=True, slots=True)
class Means:
    """A means of payment offered: its code, its name on screen."""

    code: str
    label: str


class Provider(Protocol):
    """What takes payments."""

    #: As told on screen (« paiement simulé »).
    name: str
    is_simulated: bool

    def means(self) -> list[Means]:
        """Return what a person may pay with."""
        ...

    def charge(self, order: str, amount: Decimal, means: str) -> str:
        """Take an amount in euros, VAT included, for an order and return the payment's reference.

        The same order again is the same payment: it is charged once, whatever is sent twice or taken up after a failure.
        Raises :class:`Declined`.
        """
        ...

    def refund(self, order: str) -> str:
        """Give back what was charged for an order and return the reference of that; once, however often it is asked."""
        ...


class Simulated:
    """A provider that moves no money: one card that is taken, one that is declined."""

    name = "paiement simulé"
    is_simulated = True
    ACCEPTED, DECLINED = "accepted", "declined"

    def means(self) -> list[Means]:
        """Return the two cards of the simulation."""
        return [
            Means(self.ACCEPTED, "Carte d’essai acceptée"),
            Means(self.DECLINED, "Carte d’essai refusée par la banque"),
        ]

    def charge(self, order: str, amount: Decimal, means: str) -> str:
        """Return a reference made of the order; raise :class:`Declined` for the card that is declined."""
        if means != self.ACCEPTED:
            raise Declined
        return f"SIMULE-{hashlib.sha256(f'{order}:{amount}'.encode()).hexdigest()[:16].upper()}"

    def refund(self, order: str) -> str:
        """Return a reference made of the order."""
        return f"SIMULE-R-{hashlib.sha256(order.encode()).hexdigest()[:16].upper()}"


def provider() -> Provider:
    """Return the provider in use."""
    return Simulated()
