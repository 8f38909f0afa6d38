"""What agents have to see to of the invoices on their platform: deposits that failed, what buyers said and nobody answered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import aliased, contains_eager

from app.extensions import db
from app.models import Deposit, Invoice, InvoiceEvent, InvoiceItem
from app.models.billing.deposits import ACKNOWLEDGED, FAILED, SENT, DepositState
from app.models.billing.invoices import CREDIT_NOTE, ISSUED
from app.services.invoicing import credit_notes

from . import depositing, statuses
from .codes import STICKY, WAITING, words

LIMIT = 50


def said() -> tuple[list[InvoiceEvent], int]:
    """Return what buyers and platforms said that waits for an agent, the oldest first, and how many there are."""
    query = (
        select(InvoiceEvent)
        .join(InvoiceEvent.invoice)
        .join(Invoice.centre)
        .options(contains_eager(InvoiceEvent.invoice).contains_eager(Invoice.centre))
        .where(_waits())
        .order_by(InvoiceEvent.id)
        .limit(LIMIT)
    )
    return list(db.session.execute(query).scalars()), count_said()


def failed() -> tuple[list[Deposit], int]:
    """Return the deposits that failed for good, the oldest first, and how many there are."""
    query = (
        select(Deposit)
        .join(Deposit.invoice)
        .join(Invoice.centre)
        .options(contains_eager(Deposit.invoice).contains_eager(Invoice.centre))
        .where(depositing.given_up())
        .order_by(Deposit.id)
        .limit(LIMIT)
    )
    return list(db.session.execute(query).scalars()), count_failed()


def count_said() -> int:
    """Return how many statuses wait for an agent."""
    return db.session.scalar(counting_said()) or 0


def count_failed() -> int:
    """Return how many deposits failed for good."""
    return db.session.scalar(counting_failed()) or 0


def counting_said() -> Select[Any]:
    """Return the query of how many statuses wait for an agent."""
    return select(func.count()).select_from(InvoiceEvent).where(_waits())


def counting_failed() -> Select[Any]:
    """Return the query of how many deposits failed for good."""
    return select(func.count()).select_from(Deposit).where(depositing.given_up())


def _waits() -> ColumnElement[bool]:
    """Return, as SQL about `InvoiceEvent`, whether it waits: the last word, unanswered, on what is not given back in whole."""
    shown = InvoiceEvent.id == statuses.word_id(InvoiceEvent.invoice_id)
    return statuses.is_unanswered(InvoiceEvent, WAITING) & shown & stands(InvoiceEvent.invoice_id)


def stands(invoice_id: Any) -> ColumnElement[bool]:
    """Return, as SQL, whether anything of an invoice (by a column) is left; a credit note always stands."""
    left = exists().where(InvoiceItem.invoice_id == invoice_id, ~InvoiceItem.credit, ~credit_notes.given_back())
    note = aliased(Invoice)
    return left | exists().where(note.id == invoice_id, note.kind == CREDIT_NOTE)


def waiting_for(invoice_id: int) -> InvoiceEvent | None:
    """Return the event of an invoice that waits for an agent; None where nothing does."""
    return db.session.scalars(select(InvoiceEvent).where(InvoiceEvent.invoice_id == invoice_id, _waits())).first()


def is_given_up(deposit: Deposit) -> bool:
    """Tell whether a deposit failed for good and waits for an agent."""
    return bool(db.session.scalar(select(Deposit.id).where(Deposit.id == deposit.id, depositing.given_up())))


@dataclass(frozen=True, slots=True)
class Transport:
    """Where an invoice stands on its way: the words people read, whether they tell of trouble, and the event behind them."""

    words: str
    is_trouble: bool
    event: InvoiceEvent | None


#: An issued invoice, or credit note, that is on no way yet, or never will be.
ON_ITS_WAY = Transport("Dépôt en préparation", is_trouble=False, event=None)
TRIED_AGAIN = Transport("Dépôt en cours, nouvel essai prévu", is_trouble=False, event=None)
NOWHERE = Transport("Non déposé (interne)", is_trouble=False, event=None)
UNDONE = Transport("Non déposée : annulée par un avoir", is_trouble=False, event=None)
_STATES: dict[str, str] = {FAILED: "Dépôt en échec", ACKNOWLEDGED: "Déposée", SENT: "Dépôt en cours"}


def transports(invoices: Collection[Invoice]) -> dict[int, Transport]:
    """Return invoice id → where it stands on its way to its buyer, in three queries whatever their number."""
    ids = [one.id for one in invoices]
    events = statuses.shown_of(ids)
    query = select(Deposit).where(Deposit.invoice_id.in_(ids)).order_by(Deposit.attempt)
    last = {one.invoice_id: one for one in db.session.execute(query).scalars()} if ids else {}
    gone = select(Invoice.id).where(Invoice.id.in_(ids), depositing.is_undone())
    undone = set(db.session.execute(gone).scalars()) if ids else set()
    return {one.id: _transport(one, events.get(one.id), last.get(one.id), one.id in undone) for one in invoices}


def _transport(invoice: Invoice, event: InvoiceEvent | None, deposit: Deposit | None, is_undone: bool) -> Transport:
    if event is not None:
        return Transport(words(event.code), is_trouble=event.code in WAITING, event=event)
    if invoice.internal:
        return NOWHERE
    if is_undone and (deposit is None or (deposit.state == FAILED and deposit.next_at is None)):
        return UNDONE
    if deposit is None or deposit.state == DepositState.DUE:
        return ON_ITS_WAY
    if deposit.state == FAILED and deposit.next_at is not None:
        return TRIED_AGAIN
    return Transport(_STATES[deposit.state], is_trouble=deposit.state == FAILED, event=None)


@dataclass(frozen=True, slots=True)
class Month:
    """The invoices and credit notes of a month on their way: to deposit, deposited, failed, refused or rejected."""

    wanted: int
    deposited: int
    failed: int
    refused: int


def month(last: date) -> Month:
    """Return how far the deposits of the month that ends on a day have come."""
    own = (Invoice.period_end == last, Invoice.state == ISSUED)
    wanted = _count(*own, ~Invoice.internal)
    query = (
        select(Deposit.state, func.count())
        .join(Invoice, Invoice.id == Deposit.invoice_id)
        .where(*own, Deposit.attempt == _last_attempt(), (Deposit.state != FAILED) | ~depositing.is_undone())
        .group_by(Deposit.state)
    )
    states = dict(db.session.execute(query).tuples().all())
    refused = _count(*own, statuses.shown_code(Invoice.id).in_(STICKY))
    return Month(wanted, states.get(ACKNOWLEDGED, 0), states.get(FAILED, 0), refused)


def in_trouble(last: date) -> ColumnElement[bool]:
    """Return, as SQL about `Invoice`, whether one of a month failed on its way, or was refused or rejected."""
    failed = select(Deposit.invoice_id).where(
        Deposit.state == FAILED, Deposit.attempt == _last_attempt(Deposit.invoice_id)
    )
    refused = statuses.shown_code(Invoice.id).in_(STICKY)
    return (Invoice.period_end == last) & ((Invoice.id.in_(failed) & ~depositing.is_undone()) | refused)


def _last_attempt(invoice_id: Any = Invoice.id) -> Any:
    d = aliased(Deposit)
    return select(func.max(d.attempt)).where(d.invoice_id == invoice_id).correlate_except(d).scalar_subquery()


def _count(*wanted: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count()).select_from(Invoice).where(*wanted)) or 0
