"""What a batch would add to the order numbers that its centre set a ceiling for, said before it is registered."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select

from app.extensions import db
from app.models import Batch, BatchLine
from app.models.batch import ASIDE_RANK, ERROR_RANK
from app.services.billing import ceilings
from app.services.core import clock
from app.services.reference import pricing
from app.validators.line import RawLine
from app.validators.reading import parse_lines
from app.validators.remark import Code

from . import facts


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What is said of one order number: the sentence, whether its ceiling would be passed, whether that stops the import."""

    sentence: str
    is_over: bool
    is_blocked: bool


def foreseen(batch: Batch) -> list[Foreseen]:
    """Return what importing the kept lines of a batch makes of the centre's ceilings; one query where none holds today."""
    limits = ceilings.in_force(batch.centre_id)
    if not limits:
        return []
    try:
        added = _added(batch)
    except pricing.NoTariff:  # said elsewhere on the page
        return []
    found = []
    for use in ceilings.uses(batch.centre_id, limits & added.keys()):
        more = added[use.order_number]
        is_over = use.left is not None and use.left < more
        found.append(Foreseen(ceilings.told(use, more), is_over, is_over and use.blocking))
    return found


def _added(batch: Batch) -> dict[str, Decimal]:
    """Return order number → what the kept lines of a batch cost under it, excluding VAT."""
    c = BatchLine
    columns = (c.order_number, c.training_label, c.category, c.end_date)
    query = (
        select(*columns, func.count())
        .where(c.batch_id == batch.id, c.rank > ERROR_RANK, c.rank < ASIDE_RANK)
        .where(c.remarks.not_like(f"%{Code.IDENTICAL_LINE.value}%"))
        .group_by(*columns)
    )
    groups = db.session.execute(query).tuples().all()
    raws = [
        RawLine(at, order_number=order, training_label=label, category=category, end_date=end)
        for at, (order, label, category, end, _) in enumerate(groups)
    ]
    prices = pricing.unit_prices(clock.today(), batch.centre_id)
    added: dict[str, Decimal] = {}
    for line, group in zip(parse_lines(raws, facts.load_catalogue()), groups, strict=True):
        training_id = batch.training_id or (line.training.id if line.training else 0)  # by hand, one for all lines
        price = prices.get(training_id)
        if price is not None:
            number = line.order_number
            added[number] = added.get(number, Decimal("0.00")) + price.amount * group[4]
    return added
