"""Cancelling several lines of a receipt, or all of them, in one act: all or none."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from app.extensions import db
from app.models import Batch, InvoiceItem, Registration
from app.services.billing import grouping
from app.services.core import actor, outbox
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.registration import fco_modules

from . import acts, orders
from .acts import Who
from .effects import Effects

#: Beyond, a sending is cancelled in several times: each line is judged and told of by itself.
MOST = 200


class NoneChosen(Refusal):
    """No line, or a line of another receipt."""

    message = "Choisissez au moins une ligne de ce reçu qui ne soit pas déjà annulée."


class TooMany(Refusal):
    """So many lines are not cancelled in one act."""

    message = f"{MOST} lignes s’annulent au plus en une fois : choisissez-en moins, puis recommencez."


@dataclass(frozen=True)
class Several:
    """The lines to cancel, each with what cancelling it would bring about."""

    rows: list[tuple[Registration, Effects]]

    @property
    def price(self) -> Decimal:
        """Return what the lines cost, excluding VAT: what is no longer due."""
        return sum((effects.price for _, effects in self.rows), Decimal("0.00"))

    @property
    def documents(self) -> int:
        """Return how many documents would be revoked."""
        return sum(len(effects.revoked) for _, effects in self.rows)

    @property
    def for_agent(self) -> list[Registration]:
        """Return the lines that the centre may not cancel alone."""
        return [row for row, effects in self.rows if effects.needs_agent]

    @property
    def version(self) -> str:
        """Return a text that changes with anything a person was shown."""
        return hashlib.sha256("".join(effects.version for _, effects in self.rows).encode()).hexdigest()[:20]


def live_lines(batch: Batch) -> list[Registration]:
    """Return the lines of a receipt that count still, in their order."""
    query = select(Registration).options(joinedload(Registration.training)).where(Registration.batch_id == batch.id)
    return list(db.session.execute(query.where(Registration.live()).order_by(Registration.line_number)).scalars())


def look(batch: Batch, ids: Collection[int], reason_code: str, reason: str, who: Who) -> Several:
    """Return what cancelling these lines would bring about; writes nothing.

    Raises :class:`NoneChosen`, :class:`TooMany`, and what `orders.order` and `acts.look` raise.
    """
    return Several([(row, acts.look(row, orders.order(row, reason_code, reason), who)) for row in _chosen(batch, ids)])


def cancel(batch: Batch, ids: Collection[int], reason_code: str, reason: str, who: Who, *, shown: str) -> int:
    """Cancel these lines, all or none, if the effects are those that were shown; return how many.

    Raises as :func:`look`, and `acts.Changed`, `acts.AlreadyCancelled` or `acts.NeedsAgent`.
    """
    with transaction(durable=True):
        rows = _chosen(batch, ids)
        fco_modules.lock({row.driver_id for row in rows})
        _hold(rows)
        if look(batch, ids, reason_code, reason, who).version != shown:
            raise acts.Changed
        for order in [orders.order(row, reason_code, reason) for row in rows]:
            acts.carry_out(order, who, None)
    outbox.ring()
    return len(rows)


def _hold(rows: Sequence[Registration]) -> None:
    """Lock the lines, then the drafts that bill them, each in the order of their ids: who re-groups drafts does likewise."""
    locked = select(Registration.id).where(Registration.id.in_([row.id for row in rows]))
    db.session.execute(locked.order_by(Registration.id).with_for_update()).all()
    with actor.acting(actor.PROGRAM):
        grouping.hold(grouping.charging(InvoiceItem.root_id.in_([row.root_id for row in rows])))


def _chosen(batch: Batch, ids: Collection[int]) -> Sequence[Registration]:
    if len(ids) > MOST:
        raise TooMany
    query = (
        select(Registration)
        .options(
            joinedload(Registration.training), joinedload(Registration.driver), selectinload(Registration.documents)
        )
        .where(Registration.batch_id == batch.id, Registration.id.in_(ids), Registration.live())
        .order_by(Registration.id)
    )
    rows = db.session.execute(query).scalars().all()
    if not rows or len(rows) != len(set(ids)):
        raise NoneChosen
    return rows
