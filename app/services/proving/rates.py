"""What must hold of VAT as it was registered: the rate of the territory in which its centre said it is billed that day.

Where a centre had said nothing by then its address decided, as it stood: nothing keeps that, and nothing is asked of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import BillingTerritory, Registration, Trainer, VatRegime
from app.services.operations.invariants import Invariant

R, T = Registration, Trainer


@dataclass
class Rates:
    """Which rate a centre is billed at on a day."""

    #: Centre → the days from which on it is billed in a territory, in their order.
    said: dict[int, list[tuple[date, str]]]
    #: Territory → first day, last day, rate.
    regimes: dict[str, list[tuple[date, date, Decimal]]]

    def on(self, centre_id: int, day: date) -> Decimal | None:
        """Return the rate, None where nobody had said by then where it is billed; below zero where a territory has none."""
        said = self.said.get(centre_id, [])
        # On the first day itself it may have been said after something was registered.
        known = [territory for since, territory in said if since <= day and (since < day or since != said[0][0])]
        if not known:
            return None
        held = [rate for first, last, rate in self.regimes.get(known[-1], []) if first <= day <= last]
        return held[0] if held else Decimal("-1")

    def changes(self, centre_id: int, first: date, last: date) -> bool:
        """Tell whether the rate may change within some days."""
        turns = [since for since, _ in self.said.get(centre_id, [])]
        turns += [one for rows in self.regimes.values() for start, end, _ in rows for one in (start, end)]
        return any(first <= one <= last for one in turns)


def _rates() -> Rates:
    said: defaultdict[int, list[tuple[date, str]]] = defaultdict(list)
    t, v = BillingTerritory, VatRegime
    for centre, since, territory in db.session.execute(
        select(t.centre_id, t.valid_from, t.territory).order_by(t.centre_id, t.valid_from)
    ).tuples():
        said[centre].append((since, territory))
    regimes: defaultdict[str, list[tuple[date, date, Decimal]]] = defaultdict(list)
    for territory, first, last, rate in db.session.execute(
        select(v.territory, v.valid_from, v.valid_to, v.rate).order_by(v.territory, v.valid_from)
    ).tuples():
        regimes[territory].append((first, last or date.max, rate))
    return Rates(dict(said), dict(regimes))


def _wrong() -> Iterator[str]:
    """Yield what was registered at another rate: a centre's days are looked at one by one only where a rate may change."""
    rates = _rates()
    for model, name in ((R, "registration"), (T, "trainer")):
        m: Any = model
        own = (m.vat_rate.is_not(None), m.registered_on.is_not(None))
        spans = select(m.centre_id, m.vat_rate, func.min(m.registered_on), func.max(m.registered_on))
        for centre, rate, first, last in db.session.execute(
            spans.where(*own).group_by(m.centre_id, m.vat_rate)
        ).tuples():
            if not rates.changes(centre, first, last) and rates.on(centre, first) in (None, rate):
                continue
            days = select(m.id, m.registered_on).where(*own, m.centre_id == centre, m.vat_rate == rate).order_by(m.id)
            found = [id_ for id_, day in db.session.execute(days).tuples() if rates.on(centre, day) not in (None, rate)]
            kept = _kept(found, rates) if model is R else set()
            yield from (f"{name} {id_}" for id_ in found if id_ not in kept)


def _kept(ids: list[int], rates: Rates) -> set[int]:
    """Return those of some registrations that keep the rate of the day on which what they correct was registered."""
    first = aliased(R)
    kept = set()
    for at in range(0, len(ids), 500):
        query = (
            select(R.id, R.centre_id, R.vat_rate, first.registered_on)
            .join(first, first.id == R.ledger_id)
            .where(R.id.in_(ids[at : at + 500]))
        )
        kept |= {
            id_
            for id_, centre, rate, day in db.session.execute(query).tuples()
            if rates.on(centre, day) in (None, rate)
        }
    return kept


CHECKS = (
    Invariant(
        "billing.vat_rate",
        "Un enregistrement, ou une redevance, porte une TVA qui n’est pas celle du territoire de son centre ce jour-là",
        _wrong,
    ),
)
