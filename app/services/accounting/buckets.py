"""Where each thing registered stands between its registration and its invoice, as SQL: on one, or why it is on none.

Every registration, and every fee that a centre bears, stands in exactly one place; it is worked out from what happened to the
row itself, never from the amounts that it is to explain.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, exists, func, literal, select, union_all
from sqlalchemy.orm import aliased

from app.models import Invoice, InvoiceItem, Registration, Seller, Trainer
from app.models.billing.invoices import DRAFT, ISSUED
from app.models.trainer import REGISTERED
from app.models.types import Labelled
from app.services.billing import months

R, T = Registration, Trainer


class Bucket(Labelled):
    """Where a line stands; all but the first explain a difference between what is registered and what is invoiced."""

    INVOICED = "invoiced", "Sur une facture"
    OPEN = "open", "Pas encore facturé"
    DRAFTED = "drafted", "En brouillon"
    HELD = "held", "En brouillon retenu"
    CANCELLED = "cancelled", "Annulé avant d’être facturé"
    CREDITED = "credited", "Annulé et rendu par un avoir"
    REPLACED = "replaced", "Facturé avec l’enregistrement qu’il corrige"
    BEFORE = "before", "D’avant la première facturation"
    FREE = "free", "Gratuit"


#: Those that explain a difference, in the order of the screen.
REASONS = tuple(one for one in Bucket if one != Bucket.INVOICED)


@dataclass(frozen=True, slots=True)
class Kind:
    """Registrations, or fees: the columns by which either is looked at."""

    model: Any
    amount: Any
    #: Whether a charge is of this very row, and of its chain of replacements.
    own: Any
    chain: Any
    conditions: tuple[ColumnElement[bool], ...] = ()


REGISTRATIONS = Kind(R, R.price, lambda item: item.registration_id == R.id, lambda item: item.root_id == R.root_id)
FEES = Kind(
    T,
    T.fee,
    lambda item: item.trainer_id == T.id,
    lambda item: item.trainer_id == T.id,
    (T.state == REGISTERED, T.fee.is_not(None)),
)
KINDS = (REGISTRATIONS, FEES)


def of(kind: Kind) -> ColumnElement[str]:
    """Return, as SQL, where a row of a kind stands."""
    m = kind.model
    since = select(func.min(Seller.valid_from)).scalar_subquery()
    return case(
        (kind.amount == 0, Bucket.FREE.value),
        (_charged(kind.own, kind, Invoice.state == ISSUED), Bucket.INVOICED.value),
        (and_(m.cancelled_on.is_not(None), _given_back(kind)), Bucket.CREDITED.value),
        (m.cancelled_on.is_not(None), Bucket.CANCELLED.value),
        (_charged(kind.chain, kind, Invoice.state == ISSUED), Bucket.REPLACED.value),
        (_charged(kind.chain, kind, Invoice.state == DRAFT, Invoice.held_reason != ""), Bucket.HELD.value),
        (_charged(kind.chain, kind, Invoice.state == DRAFT), Bucket.DRAFTED.value),
        (m.registered_on < since, Bucket.BEFORE.value),
        else_=Bucket.OPEN.value,
    )


def rows(kind: Kind, month: date, centre_id: int | None = None) -> Select[Any]:
    """Return the statement of what a month registered of a kind: id, centre, amount, where it stands."""
    m = kind.model
    query: Select[Any] = select(
        m.id.label("id"),
        literal("r" if kind is REGISTRATIONS else "t").label("kind"),
        m.centre_id.label("centre_id"),
        m.registered_on.label("registered_on"),
        kind.amount.label("amount"),
        of(kind).label("bucket"),
    ).where(m.registered_on >= month, m.registered_on <= months.last_of(month), *kind.conditions)
    return query if centre_id is None else query.where(m.centre_id == centre_id)


def all_rows(month: date, centre_id: int | None = None) -> Subquery:
    """Return both kinds as one subquery."""
    return union_all(*(rows(kind, month, centre_id) for kind in KINDS)).subquery()


def _charged(same: Any, kind: Kind, *of_invoice: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return, as SQL, whether a charge stands on such an invoice: no issued credit note takes it back."""
    item, back, note = aliased(InvoiceItem), aliased(InvoiceItem), aliased(Invoice)
    taken_back = (
        exists()
        .where(kind.chain(back), back.credit, back.round == item.round)
        .where(note.id == back.invoice_id, note.state == ISSUED)
        .correlate(kind.model, item)
    )
    return (
        exists()
        .where(same(item), ~item.credit, Invoice.id == item.invoice_id, *of_invoice, ~taken_back)
        .correlate(kind.model)
    )


def _given_back(kind: Kind) -> ColumnElement[bool]:
    back = aliased(InvoiceItem)
    return (
        exists()
        .where(kind.own(back), back.credit, Invoice.id == back.invoice_id, Invoice.state == ISSUED)
        .correlate(kind.model)
    )
