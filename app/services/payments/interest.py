"""Late interest, day by day: on what was owed each day, at the rate of that day; shown and never billed by itself."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from sqlalchemy import select

from app.extensions import db
from app.models import Allocation, Invoice, LateRate
from app.models.billing.invoices import ISSUED
from app.models.types import CENT
from app.services.core import actor
from app.services.core.dialect import insert_or_change
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal

#: What the law adds to the rate of the European Central Bank, in points: between companies; for what the State buys.
MARGIN, MARGIN_PUBLIC = Decimal(10), Decimal(8)
#: What a late invoice costs beside its interest, in euros, out of the scope of VAT.
RECOVERY = Decimal("40.00")
YEAR = Decimal(36500)
LARGEST = Decimal(30)


def run_up(
    changes: Sequence[tuple[date, Decimal]], rates: Sequence[tuple[date, Decimal]], until: date
) -> Decimal | None:
    """Return the interest from the first of ``changes`` to a day (included), in euros, rounded once.

    ``changes``: day → what is owed from that day on; ``rates``: day → yearly rate in per cent from that day on; both in order.
    None where no rate is known of a day on which something was owed.
    """
    turns = sorted({day for day, _ in changes} | {day for day, _ in rates} | {until + timedelta(days=1)})
    first, whole = changes[0][0], Decimal(0)
    for start, end in pairwise(turns):
        if start < first or start > until:
            continue
        owed = changes[bisect_right([day for day, _ in changes], start) - 1][1]
        known = bisect_right([day for day, _ in rates], start)
        if owed > 0 and not known:
            return None
        if owed > 0:
            whole += owed * rates[known - 1][1] * (end - start).days / YEAR
    return whole.quantize(CENT, ROUND_HALF_UP)


def of(invoice: Invoice, until: date) -> Decimal | None:
    """Return the interest on an issued invoice that is late, up to a day (included); zero before it is."""
    if invoice.due_on is None or until <= invoice.due_on:
        return Decimal("0.00")
    margin = MARGIN_PUBLIC if invoice.centre.is_public else MARGIN
    rates = [(day, rate + margin) for day, rate in rates_known()]
    return run_up(_owed(invoice, invoice.due_on + timedelta(days=1)), rates, until)


def _owed(invoice: Invoice, first: date) -> list[tuple[date, Decimal]]:
    """Return day → what was owed of an invoice from that day on, the first day among them; a payment counts on its day."""
    moves: list[tuple[date, Decimal]] = []
    notes = select(Invoice.id, Invoice.issued_on, Invoice.total).where(
        Invoice.corrects_id == invoice.id, Invoice.state == ISSUED
    )
    credit_ids = []
    for id_, issued_on, total in db.session.execute(notes):
        credit_ids.append(id_)
        assert issued_on is not None  # it is issued
        moves.append((issued_on, -total))
    live = select(Allocation).where(Allocation.undone_at.is_(None))
    about = (Allocation.invoice_id == invoice.id) | Allocation.credit_note_id.in_(credit_ids)
    for one in db.session.execute(live.where(about)).scalars():
        moves.append((one.paid_on, -one.amount if one.invoice_id == invoice.id else one.amount))
    owed = invoice.total + sum((amount for day, amount in moves if day <= first), Decimal(0))
    found = [(first, owed)]
    for day in sorted({day for day, _ in moves if day > first}):
        owed += sum((amount for moved_on, amount in moves if moved_on == day), Decimal(0))
        found.append((day, owed))
    return found


def rates_known() -> list[tuple[date, Decimal]]:
    """Return the rates of the European Central Bank, from which day on each holds, the first one first."""
    query = select(LateRate.valid_from, LateRate.rate).order_by(LateRate.valid_from)
    return list(db.session.execute(query).tuples())


class BadRate(Refusal):
    """A rate that is none."""


def set_rate(valid_from: date | None, rate: Decimal | None, agent_id: int) -> None:
    """Set the rate of the European Central Bank from a day on; raise :class:`BadRate`."""
    if valid_from is None or (valid_from.month, valid_from.day) not in ((1, 1), (7, 1)):
        raise BadRate("Ce taux vaut pour un semestre : il commence un 1er janvier ou un 1er juillet.")
    if rate is None or not 0 <= rate <= LARGEST:
        raise BadRate("Indiquez le taux de refinancement de la BCE, en pour cent, par exemple 2,15.")
    with transaction(), actor.acting(actor.PROGRAM):
        before = db.session.scalar(select(LateRate.rate).where(LateRate.valid_from == valid_from))
        row = {"valid_from": valid_from, "rate": rate}
        db.session.execute(insert_or_change(LateRate.__table__, ["valid_from"], {"rate": rate}), row)  # type: ignore[arg-type]
        journal.record(
            "late_rate.changed",
            "late_rate",
            valid_from.isoformat(),
            actor_id=agent_id,
            before=None if before is None else {"rate": str(before)},
            after={"rate": str(rate)},
        )
