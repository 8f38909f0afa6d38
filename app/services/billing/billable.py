"""What is to be billed: registrations and fees that no invoice holds, up to a day, by the order number they are billed under.

One statement answers estimates, consumption and drafts: what is shown is what is billed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, Subquery, cast, exists, func, null, select, union_all
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import Invoice, InvoiceItem, OrderOverride, Registration, Seller, Trainer, Training
from app.models.billing.invoices import ISSUED
from app.models.catalogue import CARD_FEE, PRICE_CLASSES, full_label
from app.models.types import first_known
from app.services.reference import amounts

R, T = Registration, Trainer


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that are billed alike. ``training_id``: None for a trainer's fee; ``month``: the first of the month in which they
    were registered."""

    centre_id: int
    order_number: str
    training_id: int | None
    unit_price: Decimal
    vat_rate: Decimal
    month: date
    count: int

    @property
    def amount(self) -> Decimal:
        """Return the amount excluding VAT, in euros."""
        return self.unit_price * self.count


def registrations(until: date, *conditions: ColumnElement[bool], since: date | None = None) -> Select[*tuple[Any, ...]]:
    """Return the statement of the registrations to be billed, up to a day; ``conditions`` are about `Registration`.

    ``since``: the first day on which anybody sold, by whom it is known already.
    """
    return (
        select(
            R.id.label("registration_id"),
            cast(null(), Integer).label("trainer_id"),
            R.root_id.label("root_id"),
            R.centre_id,
            first_known(OrderOverride.order_number, R.order_number).label("order_number"),
            R.training_id.label("training_id"),
            R.price.label("amount"),
            R.vat_rate.label("vat_rate"),
            R.registered_on.label("registered_on"),
        )
        .outerjoin(OrderOverride, OrderOverride.registration_id == R.id)
        .where(R.live(), R.price > 0, R.registered_on.between(since or _since(), until), *conditions)
        .where(~charged(InvoiceItem.root_id == R.root_id))
    )


def fees(until: date, *conditions: ColumnElement[bool], since: date | None = None) -> Select[*tuple[Any, ...]]:
    """Return the statement of the fees that centres bear, with the same columns; ``conditions`` are about `Trainer`."""
    return (
        select(
            cast(null(), Integer).label("registration_id"),
            T.id.label("trainer_id"),
            cast(null(), Integer).label("root_id"),
            T.centre_id,
            first_known(OrderOverride.order_number, T.order_number).label("order_number"),
            cast(null(), Integer).label("training_id"),
            T.fee.label("amount"),
            T.vat_rate.label("vat_rate"),
            T.registered_on.label("registered_on"),
        )
        .outerjoin(OrderOverride, OrderOverride.trainer_id == T.id)
        .where(T.live(), T.fee > 0, T.registered_on.between(since or _since(), until), *conditions)
        .where(~charged(InvoiceItem.trainer_id == T.id))
    )


def charged(same: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return, as SQL, whether a charge stands: one that no credit note issued for the same round takes back."""
    return exists().where(same, stands()).correlate(R, T)


def stands() -> ColumnElement[bool]:
    """Return, as SQL about `InvoiceItem`, whether it is a charge that no credit note issued for the same round takes back."""
    back = aliased(InvoiceItem)
    credited = (
        exists()
        .where(back.credit, back.round == InvoiceItem.round)
        .where(back.invoice_id == Invoice.id, Invoice.state == ISSUED)
        .where((back.root_id == InvoiceItem.root_id) | (back.trainer_id == InvoiceItem.trainer_id))
        .correlate(InvoiceItem)
    )
    return ~InvoiceItem.credit & ~credited


def overrides() -> ColumnElement[bool]:
    """Return, as SQL, whether an `OrderOverride` is about what an `InvoiceItem` charges."""
    same_fee = OrderOverride.trainer_id == InvoiceItem.trainer_id
    return (OrderOverride.registration_id == InvoiceItem.registration_id) | same_fee


def groups(until: date, centre_id: int | None = None, orders: Iterable[str] | None = None) -> list[Group]:
    """Return what is to be billed up to a day: of one centre or of all, under these order numbers or under any."""
    found = both(until, centre_id)
    c = found.c
    first = [func.extract("year", c.registered_on), func.extract("month", c.registered_on)]
    keys: list[ColumnElement[Any]] = [c.centre_id, c.order_number, c.training_id, c.amount, c.vat_rate]
    counted: list[ColumnElement[Any]] = [*keys, *(cast(one, Integer) for one in first), func.count()]
    query: Select[*tuple[Any, ...]] = select(*counted).group_by(*keys, *first)
    if orders is not None:
        query = query.where(c.order_number.in_(list(orders)))
    rows = db.session.execute(query.order_by(c.centre_id, c.order_number))
    return [
        Group(centre, order, training, price, rate, date(year, month, 1), count)
        for centre, order, training, price, rate, year, month, count in rows
    ]


def both(until: date, centre_id: int | None) -> Subquery:
    """Return registrations and fees to be billed up to a day, as one subquery: of one centre or of all."""
    return union_all(*apart(until, centre_id)).subquery()


def apart(until: date, centre_id: int | None) -> tuple[Select[*tuple[Any, ...]], Select[*tuple[Any, ...]]]:
    """Return the statements of :func:`both`: of registrations, of fees."""
    since = _since()
    if centre_id is None:
        return registrations(until, since=since), fees(until, since=since)
    return registrations(until, R.centre_id == centre_id, since=since), fees(
        until, T.centre_id == centre_id, since=since
    )


def _since() -> date:
    """Return the first day on which anybody sold: what was registered before is no matter of these invoices.

    Asked for itself: of a day that it is not told, PostgreSQL takes it that few rows come after it, and plans for few.
    """
    return db.session.scalar(select(func.min(Seller.valid_from))) or date.max


def totals(found: Iterable[Group]) -> amounts.Totals:
    """Return what groups add up to on one invoice."""
    return amounts.totals((group.vat_rate, group.amount) for group in found)


def labels() -> dict[int | None, str]:
    """Return training id → its label; None → that of the card's fee."""
    rows = db.session.execute(select(Training.id, Training.label, Training.category)).tuples()
    return {None: PRICE_CLASSES[CARD_FEE], **{id_: full_label(label, category) for id_, label, category in rows}}
