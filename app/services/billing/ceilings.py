"""What order numbers have cost, what a centre lets them cost, and who is told as that comes near: amounts excluding VAT."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import delete, func, select, update

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


@dataclass(frozen=True, slots=True)
class Use:
    """What one order number has cost: what no invoice holds yet, what drafts hold, what was invoiced; its ceiling, if any."""

    order_number: str
    open: Decimal
    drafted: Decimal
    invoiced: Decimal
    ceiling: Decimal | None = None
    blocking: bool = False

    @property
    def spent(self) -> Decimal:
        """Return all that was registered under it."""
        return self.open + self.drafted + self.invoiced

    @property
    def left(self) -> Decimal | None:
        """Return what is left of the ceiling, below zero beyond it; None without one."""
        return None if self.ceiling is None else self.ceiling - self.spent

    @property
    def share(self) -> int:
        """Return what is spent of the ceiling, in whole per cent; 0 without one."""
        return int(self.spent * 100 / self.ceiling) if self.ceiling else 0


def uses(centre_id: int, orders: Iterable[str] | None = None) -> list[Use]:
    """Return what a centre's order numbers have cost, those with a ceiling first, by number; all, or those named."""
    wanted = None if orders is None else list(orders)
    open_: dict[str, Decimal] = {}
    for group in billable.groups(clock.today(), centre_id, wanted):
        open_[group.order_number] = open_.get(group.order_number, ZERO) + group.amount
    drafted, invoiced = _charged(centre_id, wanted)
    limits = {one.order_number: one for one in budgets(centre_id)}
    known = {*open_, *drafted, *invoiced, *(limits if wanted is None else ())} | ({*limits} & {*(wanted or ())})
    found = [
        Use(
            number,
            open_.get(number, ZERO),
            drafted.get(number, ZERO),
            invoiced.get(number, ZERO),
            limits[number].ceiling if number in limits else None,
            number in limits and limits[number].blocking,
        )
        for number in known
    ]
    return sorted(found, key=lambda use: (use.ceiling is None, use.order_number))


def _charged(centre_id: int, orders: list[str] | None) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """Return order number → what drafts hold of it, and what invoices do."""
    query = (
        select(Invoice.order_number, Invoice.state, func.sum(InvoiceItem.amount))
        .join(InvoiceItem, InvoiceItem.invoice_id == Invoice.id)
        .where(Invoice.centre_id == centre_id, ~InvoiceItem.credit)
        .group_by(Invoice.order_number, Invoice.state)
    )
    if orders is not None:
        query = query.where(Invoice.order_number.in_(orders))
    drafted: dict[str, Decimal] = {}
    invoiced: dict[str, Decimal] = {}
    for number, state, amount in db.session.execute(query).tuples():
        kept = drafted if state == DRAFT else invoiced
        kept[number] = kept.get(number, ZERO) + amount
    return drafted, invoiced


def budgets(centre_id: int) -> list[OrderBudget]:
    """Return the ceilings of a centre; one query."""
    return list(db.session.execute(select(OrderBudget).where(OrderBudget.centre_id == centre_id)).scalars())


def set_ceiling(centre_id: int, number: str, ceiling: Decimal | None, blocking: bool, person_id: int) -> None:
    """Let an order number cost so much; raise :class:`BadCeiling`, or `access.NotAllowed` for who may not."""
    access.holder(person_id, centre_id, INVOICES)
    kept = clean(number)
    if not 0 < len(kept) <= ORDER_MAX:
        raise BadCeiling("order_number", f"Indiquez un numéro de commande, en {ORDER_MAX} caractères au plus.")
    if ceiling is None or not 0 < ceiling <= LARGEST:
        raise BadCeiling("ceiling", "Indiquez un plafond HT, en euros, par exemple 1 500,00.")
    with transaction():
        query = select(OrderBudget).where(OrderBudget.centre_id == centre_id, OrderBudget.order_number == kept)
        row = db.session.execute(query.with_for_update()).scalar_one_or_none()
        before = None if row is None else {"ceiling": str(row.ceiling), "blocking": row.blocking}
        row = row or OrderBudget(centre_id=centre_id, order_number=kept)
        row.ceiling, row.blocking, row.told = ceiling, blocking, 0
        db.session.add(row)
        db.session.flush()
        after = {"order_number": kept, "ceiling": str(ceiling), "blocking": blocking}
        journal.record(
            "order_budget.changed",
            "order_budget",
            row.id,
            actor_id=person_id,
            centre_id=centre_id,
            before=before,
            after=after,
        )
        [use] = uses(centre_id, [kept])
        row.told = _reached(use)  # who sets it sees where it stands


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
    return f"Commande {use.order_number} : {euros(use.spent + more)} HT sur {euros(use.ceiling)} après cet envoi"


def hold(centre_id: int, numbers: Collection[str]) -> None:
    """Look at the ceilings of the order numbers under which a centre's lines were written, in their transaction; one query
    where it has none.

    Raises :class:`OverCeiling` where one that is blocking is passed; makes due the mails of the others.
    """
    limits = [one.order_number for one in budgets(centre_id) if one.order_number in numbers]
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
