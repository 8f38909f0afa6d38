"""What order numbers have cost, what a centre lets them cost, and who is told as that comes near: amounts excluding VAT."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select, union_all, update

from app.extensions import db
from app.models import Invoice, InvoiceItem, OrderBudget
from app.models.billing.invoices import DRAFT, ORDER_MAX
from app.models.centre import INVOICES
from app.services.core import actor, clock
from app.services.core.numbers import euros
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.reference.amounts import ZERO
from app.services.rights import access
from app.validators.fields import clean

from . import alerts, billable

#: Of a ceiling, in per cent, the highest first.
THRESHOLDS = (100, 80)
LARGEST = Decimal("9999999.99")
PAGE = 50


class OverCeiling(Refusal):
    """An order number would cost more than its centre lets it: nothing was registered. ``use``: what it would cost."""

    def __init__(self, use: Use) -> None:
        super().__init__(f"Rien n’a été enregistré : le plafond de la commande est bloquant. {told(use)}.")
        self.use = use


class BadCeiling(Refusal):
    """The ceiling, or its order number, is none; ``field`` is the one concerned."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Period(NamedTuple):
    """The days on which a ceiling holds, both included; None: from ever, for ever."""

    first: date | None = None
    last: date | None = None


EVER = Period()


@dataclass(frozen=True, slots=True)
class Use:
    """What one order number has cost: what no invoice holds yet, what drafts hold, what issued invoices have ``charged`` and
    credit notes ``credited``; its ceiling, if any.

    ``counted``: what counts against the ceiling, registered on the days on which it holds; ``holds``: today is one of them.
    """

    order_number: str
    open: Decimal
    drafted: Decimal
    charged: Decimal
    credited: Decimal = ZERO
    ceiling: Decimal | None = None
    blocking: bool = False
    counted: Decimal = ZERO
    valid_from: date | None = None
    valid_to: date | None = None
    holds: bool = False

    @property
    def is_over(self) -> bool:
        """Tell whether its last day is past."""
        return self.valid_to is not None and self.valid_to < clock.today()

    @property
    def invoiced(self) -> Decimal:
        """Return what stands on issued invoices, credit notes taken off."""
        return self.charged - self.credited

    @property
    def spent(self) -> Decimal:
        """Return all that was registered under it."""
        return self.open + self.drafted + self.invoiced

    @property
    def left(self) -> Decimal | None:
        """Return what is left of the ceiling, below zero beyond it; None without one."""
        return None if self.ceiling is None else self.ceiling - self.counted

    @property
    def share(self) -> int:
        """Return what is spent of the ceiling, in whole per cent; 0 without one."""
        return int(self.counted * 100 / self.ceiling) if self.ceiling else 0


def uses(centre_id: int, orders: Iterable[str] | None = None) -> list[Use]:
    """Return what a centre's order numbers have cost, those with a ceiling first, by number; all, or those named."""
    wanted = None if orders is None else list(orders)
    open_: dict[str, Decimal] = {}
    for group in billable.groups(clock.today(), centre_id, wanted):
        open_[group.order_number] = open_.get(group.order_number, ZERO) + group.amount
    drafted, charged, credited = _charged(centre_id, wanted)
    limits = {one.order_number: one for one in budgets(centre_id)}
    known = {*open_, *drafted, *charged, *(limits if wanted is None else ())} | ({*limits} & {*(wanted or ())})
    apart = _in_time(centre_id) if any(one.valid_from or one.valid_to for one in limits.values()) else {}
    found = []
    for number in known:
        cost = [kept.get(number, ZERO) for kept in (open_, drafted, charged, credited)]
        use = Use(number, cost[0], cost[1], cost[2], cost[3])
        found.append(_limited(use, limits[number], apart) if number in limits else use)
    return sorted(found, key=lambda use: (use.ceiling is None, use.order_number))


def _limited(use: Use, row: OrderBudget, apart: Mapping[str, Decimal]) -> Use:
    """Return what an order number has cost, with its ceiling; ``apart``: what counts, where it holds for a time."""
    lasts = row.valid_from is None and row.valid_to is None
    return replace(
        use,
        ceiling=row.ceiling,
        blocking=row.blocking,
        counted=use.spent if lasts else apart.get(use.order_number, ZERO),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        holds=is_in_force(row),
    )


def is_in_force(row: OrderBudget) -> bool:
    """Tell whether a ceiling holds today."""
    today = clock.today()
    return (row.valid_from is None or row.valid_from <= today) and (row.valid_to is None or today <= row.valid_to)


def in_force(centre_id: int) -> set[str]:
    """Return the order numbers whose ceiling holds today; one query."""
    return {one.order_number for one in budgets(centre_id) if is_in_force(one)}


def _in_time(centre_id: int) -> dict[str, Decimal]:
    """Return order number → what was registered under it on the days on which its ceiling holds."""
    open_ = billable.both(clock.today(), centre_id).c
    charged = (
        select(Invoice.order_number, InvoiceItem.amount, InvoiceItem.registered_on)
        .join(InvoiceItem, InvoiceItem.invoice_id == Invoice.id)
        .where(Invoice.centre_id == centre_id, billable.stands())
    )
    all_ = union_all(select(open_.order_number, open_.amount, open_.registered_on), charged).subquery().c
    b = OrderBudget
    query = (
        select(all_.order_number, func.sum(all_.amount))
        .join(b, (b.order_number == all_.order_number) & (b.centre_id == centre_id))
        .where(b.valid_from.is_(None) | (all_.registered_on >= b.valid_from))
        .where(b.valid_to.is_(None) | (all_.registered_on <= b.valid_to))
        .group_by(all_.order_number)
    )
    return dict(db.session.execute(query).tuples().all())


def _charged(
    centre_id: int, orders: list[str] | None
) -> tuple[dict[str, Decimal], dict[str, Decimal], dict[str, Decimal]]:
    """Return order number → what drafts charge, what issued invoices charge, and what issued credit notes give back."""
    query = (
        select(Invoice.order_number, Invoice.state, InvoiceItem.credit, func.sum(InvoiceItem.amount))
        .join(InvoiceItem, InvoiceItem.invoice_id == Invoice.id)
        .where(Invoice.centre_id == centre_id)
        .group_by(Invoice.order_number, Invoice.state, InvoiceItem.credit)
    )
    if orders is not None:
        query = query.where(Invoice.order_number.in_(orders))
    drafted, charged, credited = dict[str, Decimal](), dict[str, Decimal](), dict[str, Decimal]()
    for number, state, is_back, amount in db.session.execute(query).tuples():
        if state != DRAFT:
            (credited if is_back else charged)[number] = amount
        elif not is_back:  # a credit note that waits gives nothing back yet
            drafted[number] = amount
    return drafted, charged, credited


def budgets(centre_id: int) -> list[OrderBudget]:
    """Return the ceilings of a centre; one query."""
    return list(db.session.execute(select(OrderBudget).where(OrderBudget.centre_id == centre_id)).scalars())


def budget(centre_id: int, number: str) -> OrderBudget | None:
    """Return the ceiling of an order number; None without one."""
    own = (OrderBudget.centre_id == centre_id, OrderBudget.order_number == number)
    return db.session.scalars(select(OrderBudget).where(*own)).first()


def set_ceiling(
    centre_id: int, number: str, ceiling: Decimal | None, blocking: bool, person_id: int, period: Period = EVER
) -> None:
    """Let an order number cost so much, on the days of a period.

    Raises :class:`BadCeiling`, or `access.NotAllowed` for who may not.
    """
    access.holder(person_id, centre_id, INVOICES)
    kept = clean(number)
    if not 0 < len(kept) <= ORDER_MAX:
        raise BadCeiling("order_number", f"Indiquez un numéro de commande, en {ORDER_MAX} caractères au plus.")
    if ceiling is None or not 0 < ceiling <= LARGEST:
        raise BadCeiling("ceiling", "Indiquez un plafond HT, en euros, par exemple 1 500,00.")
    if period.first and period.last and period.last < period.first:
        raise BadCeiling("valid_to", "Le dernier jour précède le premier.")
    with transaction():
        query = select(OrderBudget).where(OrderBudget.centre_id == centre_id, OrderBudget.order_number == kept)
        row = db.session.execute(query.with_for_update()).scalar_one_or_none()
        before = None if row is None else _noted(row)
        row = row or OrderBudget(centre_id=centre_id, order_number=kept)
        row.ceiling, row.blocking, row.told = ceiling, blocking, 0
        row.valid_from, row.valid_to = period
        db.session.add(row)
        db.session.flush()
        journal.record(
            "order_budget.changed",
            "order_budget",
            row.id,
            actor_id=person_id,
            centre_id=centre_id,
            before=before,
            after={"order_number": kept, **_noted(row)},
        )
        [use] = uses(centre_id, [kept])
        row.told = _reached(use)  # who sets it sees where it stands


def _noted(row: OrderBudget) -> dict[str, Any]:
    """Return what the journal keeps of a ceiling."""
    days = {"valid_from": row.valid_from, "valid_to": row.valid_to}
    return {
        "ceiling": str(row.ceiling),
        "blocking": row.blocking,
        **{name: day.isoformat() for name, day in days.items() if day is not None},
    }


def remove(centre_id: int, number: str, person_id: int) -> None:
    """Take a ceiling away; nothing happens where there is none. Raises `access.NotAllowed`."""
    access.holder(person_id, centre_id, INVOICES)
    with transaction():
        own = (OrderBudget.centre_id == centre_id, OrderBudget.order_number == number)
        row_id = db.session.scalar(select(OrderBudget.id).where(*own))
        if row_id is not None and taken(delete(OrderBudget).where(*own)):
            journal.record(
                "order_budget.removed",
                "order_budget",
                row_id,
                actor_id=person_id,
                centre_id=centre_id,
                before={"order_number": number},
            )


def told(use: Use, more: Decimal = ZERO) -> str:
    """Return what is said of an order number with a ceiling once ``more`` is registered under it."""
    assert use.ceiling is not None
    return f"Commande {use.order_number} : {euros(use.counted + more)} HT sur {euros(use.ceiling)} après cet envoi"


def hold(centre_id: int, numbers: Collection[str]) -> None:
    """Look at the ceilings of the order numbers under which a centre's lines were written, in their transaction; one query
    where it has none.

    Raises :class:`OverCeiling` where one that is blocking is passed; makes due the mails of the others.
    """
    limits = in_force(centre_id) & {*numbers}
    for use in uses(centre_id, limits) if limits else ():
        if use.blocking and use.left is not None and use.left < 0:
            raise OverCeiling(use)
        reached = _reached(use)
        own = (OrderBudget.centre_id == centre_id, OrderBudget.order_number == use.order_number)
        if reached and taken(update(OrderBudget).where(*own, OrderBudget.told < reached).values(told=reached)):
            with actor.acting(actor.PROGRAM):
                alerts.make_due(centre_id, use.order_number, reached)


def relieve(centre_id: int, numbers: Collection[str]) -> None:
    """Note, in the caller's transaction, that order numbers cost less: people are told when they cost as much anew."""
    limits = [one.order_number for one in budgets(centre_id) if one.told and one.order_number in numbers]
    for use in uses(centre_id, limits) if limits else ():
        own = (OrderBudget.centre_id == centre_id, OrderBudget.order_number == use.order_number)
        taken(update(OrderBudget).where(*own, OrderBudget.told > _reached(use)).values(told=_reached(use)))


def _reached(use: Use) -> int:
    """Return the highest threshold that an order number has reached, in per cent; 0 for none."""
    return next((one for one in THRESHOLDS if use.share >= one), 0)
