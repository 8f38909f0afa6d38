"""What the month will be billed, order number by order number, while it is not: the drafts to come, to the cent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from sqlalchemy import select

from app.extensions import db
from app.models import Centre
from app.models.search import search_key
from app.services.core import clock
from app.services.reference import amounts
from app.services.reference.pricing import QuoteRow

from . import billable, lines
from .billable import Group

PAGE = 50


@dataclass(frozen=True)
class Estimate:
    """An invoice to come: what a centre would be billed under one order number if the month ended today."""

    centre_id: int
    order_number: str
    groups: tuple[Group, ...]

    @property
    def totals(self) -> amounts.Totals:
        """Return its amounts."""
        return billable.totals(self.groups)

    @property
    def count(self) -> int:
        """Return how many lines it bills."""
        return sum(group.count for group in self.groups)

    def rows(self) -> list[QuoteRow]:
        """Return its lines, labels included; what was registered before this month says its month."""
        known, start = billable.labels(), clock.today().replace(day=1)
        counts: dict[tuple[str, Decimal, Decimal], int] = {}
        for group in sorted(
            self.groups, key=lambda one: (one.training_id is None, one.training_id or 0, one.unit_price)
        ):
            label = lines.label_of(known[group.training_id], group.month if group.month < start else None)
            key = label, group.unit_price, group.vat_rate
            counts[key] = counts.get(key, 0) + group.count
        return [QuoteRow(label, count, price, rate) for (label, price, rate), count in counts.items()]


@dataclass(frozen=True)
class Sum:
    """What several invoices add up to, each with the VAT of its own: amounts in euros."""

    invoices: int
    lines: int
    net: Decimal
    vat: Decimal

    @property
    def gross(self) -> Decimal:
        """Return the amount including VAT."""
        return self.net + self.vat


def of_centre(centre_id: int) -> list[Estimate]:
    """Return the invoices to come of a centre, by order number."""
    return _estimates(billable.groups(clock.today(), centre_id))


def of_order(centre_id: int, order_number: str) -> Estimate | None:
    """Return the invoice to come of one order number, None where nothing is to be billed under it."""
    return next(iter(_estimates(billable.groups(clock.today(), centre_id, [order_number]))), None)


def of_all() -> list[tuple[Centre, Sum]]:
    """Return what each centre will be billed, the largest amount first."""
    found = _estimates(billable.groups(clock.today()))
    sums = {centre_id: add(own) for centre_id, own in groupby(sorted(found, key=_centre), key=_centre)}
    centres = db.session.execute(select(Centre).where(Centre.id.in_(sums))).scalars()
    return sorted(((centre, sums[centre.id]) for centre in centres), key=lambda pair: (-pair[1].net, pair[0].name))


def add(found: Iterable[Estimate]) -> Sum:
    """Return what invoices to come add up to."""
    made = list(found)
    net = sum((one.totals.net for one in made), amounts.ZERO)
    vat = sum((one.totals.vat for one in made), amounts.ZERO)
    return Sum(len(made), sum(one.count for one in made), net, vat)


def alike(order_numbers: Iterable[str]) -> list[list[str]]:
    """Return order numbers that are nearly the same, in lists: equal once case, accents, blanks and hyphens are left out."""
    by_key: dict[str, list[str]] = {}
    for number in sorted(set(order_numbers)):
        by_key.setdefault(search_key(number) or number, []).append(number)
    return [numbers for numbers in by_key.values() if len(numbers) > 1]


def _estimates(found: list[Group]) -> list[Estimate]:
    keyed = sorted(found, key=lambda group: (group.centre_id, group.order_number))
    return [
        Estimate(centre_id, order_number, tuple(own))
        for (centre_id, order_number), own in groupby(keyed, key=lambda group: (group.centre_id, group.order_number))
    ]


def _centre(one: Estimate) -> int:
    return one.centre_id
