"""How amounts add up: a line is a quantity at a unit price, VAT is worked out once a rate on the sum of its lines, half up.

The one place where VAT is rounded: what a screen shows and what an invoice bills come from here. `Decimal` only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from app.models.types import CENT

ZERO = Decimal("0.00")


def vat_of(base: Decimal, rate: Decimal) -> Decimal:
    """Return the VAT on a base in euros at a rate in per cent, half up (76,02 at 20 → 15,20)."""
    return (base * rate / 100).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Vat:
    """The VAT of one rate, in per cent, on the base of all lines at that rate, in euros."""

    rate: Decimal
    base: Decimal

    @property
    def amount(self) -> Decimal:
        """Return the VAT."""
        return vat_of(self.base, self.rate)


@dataclass(frozen=True, slots=True)
class Totals:
    """What lines add up to, in euros: VAT a rate, the highest rate first."""

    vats: tuple[Vat, ...] = ()

    @property
    def net(self) -> Decimal:
        """Return the total excluding VAT."""
        return sum((vat.base for vat in self.vats), ZERO)

    @property
    def vat(self) -> Decimal:
        """Return the sum of the VAT of each rate."""
        return sum((vat.amount for vat in self.vats), ZERO)

    @property
    def gross(self) -> Decimal:
        """Return the total including VAT."""
        return self.net + self.vat


def totals(lines: Iterable[tuple[Decimal, Decimal]]) -> Totals:
    """Return what lines, each a rate in per cent and an amount in euros, add up to."""
    bases: defaultdict[Decimal, Decimal] = defaultdict(lambda: ZERO)
    for rate, amount in lines:
        bases[rate] += amount
    return Totals(tuple(Vat(rate, bases[rate]) for rate in sorted(bases, reverse=True)))
