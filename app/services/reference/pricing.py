"""What a batch costs: the tariff in force on the day of registration, line by line, at the VAT of the centre's territory.

VAT is worked out once a rate, on the base: that of a batch tells what to expect, an invoice bills that of its own lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import select

from app.extensions import db
from app.models import CardRequest, Registration, Tariff, Training, VatRegime
from app.models.catalogue import CARD_FEE, PRICE_CLASSES, full_label
from app.models.types import holds_on
from app.services.core import clock
from app.services.core.refusal import Refusal

from . import amounts, vat
from .vat import NoTariff as NoTariff


class NoFee(Refusal):
    """No fee (redevance) is in force: nothing is charged or billed at an unknown price."""

    message = "Aucune redevance n’est en vigueur. L’exploitant du registre doit l’établir."


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
        return amounts.vat_of(self.amount, self.vat_rate)

    @property
    def total(self) -> Decimal:
        """Return the amount including VAT."""
        return self.amount + self.vat


@dataclass(frozen=True, slots=True)
class QuoteRow:
    """What is billed alike: its label, how many, at which unit price, in euros excluding VAT, at which rate in per cent."""

    label: str
    count: int
    unit_price: Decimal
    vat_rate: Decimal

    @property
    def amount(self) -> Decimal:
        """Return the amount excluding VAT."""
        return self.unit_price * self.count


@dataclass(frozen=True)
class Quote:
    """The amount of a batch."""

    rows: list[QuoteRow]

    @property
    def lines(self) -> int:
        """Return how many lines are billed."""
        return sum(row.count for row in self.rows)

    @property
    def totals(self) -> amounts.Totals:
        """Return what the rows add up to."""
        return amounts.totals((row.vat_rate, row.amount) for row in self.rows)

    @property
    def total(self) -> Decimal:
        """Return the total excluding VAT."""
        return self.totals.net


def class_prices(day: date) -> dict[str, Price]:
    """Return class of trainings → price in force on that day, at the VAT a person pays on the mainland; one query."""
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
    """Return the fee that a person pays on that day; raises :class:`NoFee`."""
    fee = fee_told(day)
    if fee is None:
        raise NoFee
    return fee


def fee_told(day: date) -> Fee | None:
    """Return the fee that a person pays on that day, None where no tariff says so."""
    price = card_fee(day)
    return Fee(price.amount, price.vat_rate) if price else None


def fee_borne(day: date, centre_id: int) -> Fee:
    """Return the fee that a centre bears on that day; raises :class:`NoFee` or :class:`NoTariff`."""
    return Fee(fee_in_force(day).amount, vat.rate_of(centre_id, day))


def fee_quote(fee: Fee) -> Quote:
    """Return what a centre that bears the fee of one card is billed."""
    return Quote([QuoteRow(PRICE_CLASSES[CARD_FEE], 1, fee.amount, fee.vat_rate)])


def unit_prices(day: date, centre_id: int) -> dict[int, Price]:
    """Return training id → what a centre pays for it on that day; raise :class:`NoTariff` where its VAT is not known."""
    said = vat.said_by(centre_id, day)
    query = (
        Tariff.in_force(day)
        .join(Training, Training.price_class == Tariff.price_class)
        .join(VatRegime, holds_on(day, VatRegime.valid_to, VatRegime.valid_from))
        .where(said.is_(None) | (VatRegime.territory == said))
        .with_only_columns(Training.id, Tariff.amount, Tariff.valid_from, VatRegime.territory, VatRegime.rate)
        .add_columns(said, vat.address_of(centre_id))
    )
    found = {}  # one statement: a centre that never said where it is billed gets the regimes of all, and its own is picked
    for id_, amount, since, territory, rate, own, address in db.session.execute(query):
        if territory == vat.territory_by(own, address):
            found[id_] = Price(amount, rate, since)
    if not found:
        vat.rate_of(centre_id, day)
    return found


def quote(training_ids: Iterable[int], day: date, centre_id: int) -> Quote:
    """Return what registering these trainings costs a centre on that day; raise :class:`NoTariff` when a price is missing."""
    counts = Counter(training_ids)
    known = unit_prices(day, centre_id)
    trainings = db.session.execute(select(Training).where(Training.id.in_(counts)).order_by(Training.id)).scalars()
    rows = []
    for training in trainings:
        price = known.get(training.id)
        if price is None:
            raise NoTariff
        rows.append(QuoteRow(training.full_label, counts[training.id], price.amount, price.vat_rate))
    return Quote(rows)


def billed(batch_id: int) -> Quote:
    """Return what a registered batch was billed, from the prices kept on its registrations."""
    rows = db.session.execute(
        select(Training.label, Training.category, db.func.count(), Registration.price, Registration.vat_rate)
        .join(Training, Training.id == Registration.training_id)
        .where(Registration.batch_id == batch_id)
        .group_by(Training.id, Training.label, Training.category, Registration.price, Registration.vat_rate)
        .order_by(Training.id)
    )
    return Quote([QuoteRow(full_label(label, category), *rest) for label, category, *rest in rows.tuples()])
