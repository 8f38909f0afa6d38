"""What a batch costs: the tariff in force on the day of registration, line by line; VAT once per rate on the base."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import select

from app.extensions import db
from app.models import CardRequest, Registration, Tariff, Training
from app.models.catalogue import CARD_FEE, PRICE_CLASSES, full_label
from app.models.types import CENT
from app.services.core import clock
from app.services.core.refusal import Refusal


class NoTariff(Refusal):
    """No tariff is in force for a class of trainings: nothing may be registered at an unknown price."""

    message = "Aucun tarif n’est en vigueur pour cette formation. L’exploitant du registre doit l’établir."


class NoFee(Refusal):
    """No fee (redevance) is in force: nothing is charged or billed at an unknown price."""

    message = "Aucune redevance n’est en vigueur. L’exploitant du registre doit l’établir."


def vat_of(base: Decimal, rate: Decimal) -> Decimal:
    """Return the VAT on a base in euros at a rate in per cent, half up (76,02 at 20 → 15,20)."""
    return (base * rate / 100).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Price:
    """A unit price excluding VAT in euros, and its VAT rate in per cent."""

    amount: Decimal
    vat_rate: Decimal
    since: date


@dataclass(frozen=True, slots=True)
class Fee:
    """The card's fee in euros, excluding VAT, the rate in per cent, the VAT, and the amount including it."""

    amount: Decimal
    vat_rate: Decimal

    @property
    def vat(self) -> Decimal:
        """Return the VAT."""
        return vat_of(self.amount, self.vat_rate)

    @property
    def total(self) -> Decimal:
        """Return the amount including VAT."""
        return self.amount + self.vat


@dataclass(frozen=True)
class Quote:
    """The amount of a batch. ``rows``: label, count, unit price, amount, in euros excluding VAT."""

    rows: list[tuple[str, int, Decimal, Decimal]]
    vat_rate: Decimal

    @property
    def lines(self) -> int:
        """Return how many lines are billed."""
        return sum(count for _, count, _, _ in self.rows)

    @property
    def total(self) -> Decimal:
        """Return the total excluding VAT."""
        return sum((amount for *_, amount in self.rows), Decimal("0.00"))

    @property
    def vat(self) -> Decimal:
        """Return the VAT, computed once on the base."""
        return vat_of(self.total, self.vat_rate)

    @property
    def total_with_vat(self) -> Decimal:
        """Return the total including VAT."""
        return self.total + self.vat


def class_prices(day: date) -> dict[str, Price]:
    """Return class of trainings → price in force on that day; one query."""
    rows = db.session.execute(Tariff.in_force(day)).scalars()
    return {row.price_class: Price(row.amount, row.vat_rate, row.valid_from) for row in rows}


def card_fee(day: date) -> Price | None:
    """Return the card's fee (redevance) in force on that day, None where no tariff says so."""
    return class_prices(day).get(CARD_FEE)


def fee_of(request: CardRequest) -> Fee:
    """Return the fee: the one kept when the request was first sent, else the one in force; raises :class:`NoFee`."""
    if request.fee is not None and request.vat_rate is not None:
        return Fee(request.fee, request.vat_rate)
    if request.trainer is not None and request.trainer.fee is not None and request.trainer.vat_rate is not None:
        return Fee(request.trainer.fee, request.trainer.vat_rate)
    return fee_in_force(clock.today())


def fee_in_force(day: date) -> Fee:
    """Return the fee in force on that day; raises :class:`NoFee`."""
    price = card_fee(day)
    if price is None:
        raise NoFee
    return Fee(price.amount, price.vat_rate)


def fee_quote(amount: Decimal, vat_rate: Decimal) -> Quote:
    """Return what a centre that bears the fee of one card is billed."""
    return Quote([(PRICE_CLASSES[CARD_FEE], 1, amount, amount)], vat_rate)


def unit_prices(day: date) -> dict[int, Price]:
    """Return training id → price in force on that day; one query."""
    query = Tariff.in_force(day).join(Training, Training.price_class == Tariff.price_class)
    rows = db.session.execute(query.with_only_columns(Training.id, Tariff.amount, Tariff.vat_rate, Tariff.valid_from))
    return {id_: Price(amount, vat_rate, since) for id_, amount, vat_rate, since in rows}


def quote(training_ids: Iterable[int], day: date) -> Quote:
    """Return what registering these trainings costs on that day; raise :class:`NoTariff` when a price is missing."""
    counts = Counter(training_ids)
    known = unit_prices(day)
    trainings = db.session.execute(select(Training).where(Training.id.in_(counts)).order_by(Training.id)).scalars()
    lines = []
    rates = {Decimal("20.00")}
    for training in trainings:
        price = known.get(training.id)
        if price is None:
            raise NoTariff
        rates = {price.vat_rate}
        count = counts[training.id]
        lines.append((training.full_label, count, price.amount, price.amount * count))
    return Quote(lines, rates.pop())


def billed(batch_id: int) -> Quote:
    """Return what a registered batch was billed, from the prices kept on its registrations."""
    rows = db.session.execute(
        select(Training.label, Training.category, Registration.price, Registration.vat_rate, db.func.count())
        .join(Training, Training.id == Registration.training_id)
        .where(Registration.batch_id == batch_id)
        .group_by(Training.id, Training.label, Training.category, Registration.price, Registration.vat_rate)
        .order_by(Training.id)
    ).all()
    lines = [(full_label(label, category), count, price, price * count) for label, category, price, _, count in rows]
    return Quote(lines, rows[0].vat_rate if rows else Decimal("20.00"))
