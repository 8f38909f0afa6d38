"""Drafts: what a month bills, centre by centre and order number by order number, made anew whenever what is billed changes.

A charge is unique by its chain of replacements: built twice, a line is billed once. The program alone writes drafts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.orm import contains_eager

from app.extensions import db
from app.models import Centre, Invoice, InvoiceItem, InvoiceLine, OrderOverride, Registration, Trainer
from app.services.core import actor, bulk, clock
from app.services.core.dialect import on_postgresql
from app.services.core.narrowing import page_at
from app.services.core.refusal import Refusal
from app.services.core.taking import changed
from app.services.core.transaction import transaction
from app.services.journal import record as journal

from . import billable, grouping, holding, lines, missing, months

PAGE = 50


class NoSeller(Refusal):
    """Nobody sells yet: nothing is billed."""

    message = "Aucun vendeur n’est enregistré : rien ne peut être facturé."


class NotYet(Refusal):
    """The month is not over: what it will bill may still change."""

    message = "Ce mois n’est pas terminé : ses factures se construisent à partir du 1er du mois suivant."


@dataclass(frozen=True, slots=True)
class Built:
    """What the drafts of a month hold: how many there are, lines in them, their amount excluding VAT, how many are held."""

    drafts: int
    lines: int
    net: Decimal
    held: int


def build(month: date) -> Built:
    """Make the drafts of a month that is over, or bring them up to date; safe to run again. Return what they hold.

    Everything up to its last day that no invoice holds is taken, so that a line that missed its month is billed by the next.
    Raises :class:`NoSeller` or :class:`NotYet`.
    """
    last = months.last_of(month)
    if last >= clock.today():
        raise NotYet
    with actor.acting(actor.PROGRAM), transaction():
        if missing.seller_on(clock.today()) is None:
            raise NoSeller
        grouping.alone()
        made = _fill(last)
        if made:
            journal.record(
                "invoice.built", "invoice", "all", actor_id=None, after={"period_end": last.isoformat(), "count": made}
            )
    return of_month(last)


def of_month(last: date) -> Built:
    """Return what the drafts of the month that ends on a day hold."""
    own = (Invoice.period_end == last, *grouping.BILLS)
    drafts, net = db.session.execute(select(func.count(), func.sum(Invoice.net)).where(*own)).one()
    held = db.session.scalar(select(func.count()).where(*own, Invoice.held_reason != "")) or 0
    counted = select(func.sum(InvoiceLine.quantity)).join(Invoice, Invoice.id == InvoiceLine.invoice_id).where(*own)
    return Built(drafts, db.session.scalar(counted) or 0, net or Decimal("0.00"), held)


def held(month: date) -> list[tuple[str, int]]:
    """Return why drafts of a month are held, and how many for each reason, the commonest first."""
    query = (
        select(Invoice.held_reason, func.count())
        .where(Invoice.period_end == months.last_of(month), *grouping.BILLS, Invoice.held_reason != "")
        .group_by(Invoice.held_reason)
        .order_by(func.count().desc(), Invoice.held_reason)
    )
    return list(db.session.execute(query).tuples())


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of drafts, and how many there are."""

    drafts: list[Invoice]
    total: int
    page: int
    page_count: int


def listing(page: int, *, centre_id: int | None = None, last: date | None = None, only_held: bool = False) -> Listing:
    """Return a page of drafts: of a centre or of all, of the month that ends on a day or of all; those held first."""
    wanted = [*grouping.BILLS]
    if centre_id is not None:
        wanted.append(Invoice.centre_id == centre_id)
    if last is not None:
        wanted.append(Invoice.period_end == last)
    if only_held:
        wanted.append(Invoice.held_reason != "")
    total = db.session.scalar(select(func.count()).select_from(Invoice).where(*wanted)) or 0
    page, page_count = page_at(page, total, PAGE)
    query = (
        select(Invoice)
        .join(Invoice.centre)
        .options(contains_eager(Invoice.centre))
        .where(*wanted)
        .order_by(Invoice.period_end.desc(), Invoice.held_reason == "", Centre.name, Invoice.order_number)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    return Listing(list(db.session.execute(query).scalars()), total, page, page_count)


def find(key: str, centre_id: int | None = None) -> Invoice | None:
    """Return a draft by its key, of a centre or of any; None for one that is not, or no longer."""
    query = select(Invoice).where(Invoice.key == key, *grouping.BILLS)
    if centre_id is not None:
        query = query.where(Invoice.centre_id == centre_id)
    return db.session.execute(query).scalar_one_or_none()


def charge_again(centre_id: int, last: date) -> None:
    """Charge on the drafts of the month that ends on a day what a centre owes again, in the caller's transaction."""
    with actor.acting(actor.PROGRAM):
        grouping.alone()
        _fill(last, centre_id)


def _fill(last: date, centre_id: int | None = None) -> int:
    """Charge what no invoice holds on the drafts of the month that ends on a day; return how many drafts were touched."""
    found = {(group.centre_id, group.order_number) for group in billable.groups(last, centre_id)}
    grouping.make(last, found)
    _charge(last, centre_id)
    own = [Invoice.period_end == last]
    if centre_id is not None:
        own.append(Invoice.centre_id == centre_id)
    ids = grouping.hold(*own)
    lines.restate(ids)
    holding.complete(ids, tell=True)
    return len(found)


def _charge(last: date, centre_id: int | None) -> None:
    """Write a charge for each registration and each fee; on PostgreSQL who cancels one meanwhile waits, or is waited for."""
    of_registrations, of_fees = billable.apart(last, centre_id)
    for wanted, model in ((of_registrations, Registration), (of_fees, Trainer)):
        if on_postgresql():
            # The rows are read again once locked: one cancelled meanwhile is left out.
            locked = wanted.with_only_columns(model.id).order_by(model.id).with_for_update(of=model)
            wanted = wanted.where(bulk.among(model.id, list(db.session.scalars(locked))))
        c = wanted.subquery().c
        values = {
            "invoice_id": _draft(c, last),
            "registration_id": c.registration_id,
            "trainer_id": c.trainer_id,
            "root_id": c.root_id,
            "charge_round": _round(c),
            "training_id": c.training_id,
            "amount": c.amount,
            "vat_rate": c.vat_rate,
            "registered_on": c.registered_on,
        }
        charge = select(*values.values()).where(values["invoice_id"].is_not(None))
        db.session.execute(insert(InvoiceItem.__table__).from_select(list(values), charge))


def _draft(c: Any, last: date) -> ColumnElement[int]:
    """Return, as SQL, the draft of a new charge.

    Looked up for each: of drafts that this transaction has made PostgreSQL knows nothing, and would go through all charges for
    each registration to join them.
    """
    own = (Invoice.centre_id == c.centre_id, Invoice.order_number == c.order_number, Invoice.period_end == last)
    return select(Invoice.id).where(*own, *grouping.BILLS).scalar_subquery()


def _round(c: Any) -> ColumnElement[int]:
    """Return, as SQL, the round of a new charge: the first, or the one after those that were credited."""
    same = (InvoiceItem.root_id == c.root_id) | (InvoiceItem.trainer_id == c.trainer_id)
    last = select(func.max(InvoiceItem.round)).where(same).scalar_subquery()
    return func.coalesce(last, 0) + 1


def amended(old: Registration, new: Registration | None) -> None:
    """Take a registration that was cancelled off its draft, in the transaction of the cancellation; ``new``: what replaces it.

    The replacement takes its place where it is billed under the same order number; else the next drafts find it. On an issued
    invoice nothing moves.
    """
    charge = InvoiceItem.root_id == old.root_id
    with actor.acting(actor.PROGRAM):
        billed_as = _inherit(old, new) if new is not None else ""
        ids = grouping.hold(grouping.charging(charge))
        if not ids:
            return
        own = (charge, InvoiceItem.invoice_id == ids[0])
        number = db.session.scalar(select(Invoice.order_number).where(Invoice.id == ids[0]))
        if new is not None and billed_as == number and new.price > 0:
            values = {
                "registration_id": new.id,
                "training_id": new.training_id,
                "amount": new.price,
                "vat_rate": new.vat_rate,
            }
            changed(update(InvoiceItem).where(*own).values(values))
        else:
            changed(delete(InvoiceItem).where(*own))
        lines.restate(ids)


@actor.acting(actor.PROGRAM)
def fee_cancelled(trainer_id: int) -> None:
    """Take the fee of a trainer whose right was cancelled off its draft, in the transaction of the cancellation.

    On an issued invoice nothing moves.
    """
    charge = (InvoiceItem.trainer_id == trainer_id) & ~InvoiceItem.credit
    ids = grouping.hold(grouping.charging(charge))
    if ids:
        changed(delete(InvoiceItem).where(charge, InvoiceItem.invoice_id.in_(ids)))
        lines.restate(ids)


def _inherit(old: Registration, new: Registration) -> str:
    """Return the order number that a replacement is billed under: the one that stands in for its own, as it did for the old.

    So does the reference; what the replacement itself changes is billed as it says.
    """
    own = select(OrderOverride).where(OrderOverride.registration_id == old.id)
    before = db.session.execute(own).scalar_one_or_none()
    if before is None:
        return new.order_number
    number = before.order_number if new.order_number == old.order_number else new.order_number
    reference = before.reference if new.reference == old.reference else None
    if number != new.order_number or reference is not None:
        kept = {"order_number": number, "reference": reference, "by_id": before.by_id, "at": before.at}
        db.session.add(OrderOverride(registration_id=new.id, **kept))
    return number


__all__ = ["Built", "NoSeller", "NotYet", "amended", "build", "of_month"]
