"""The status of an invoice on its platform, as it is shown: the latest by its own instant, whatever the order of arrival; a
refusal or a rejection stays until an agent has done something about it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, case, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased, joinedload

from app.extensions import db
from app.models import Invoice, InvoiceEvent

from .codes import OF_PAYMENT, STICKY, STOPPING, Act

_ACTS = tuple(Act)


def shown(invoice_id: int) -> InvoiceEvent | None:
    """Return the event that says the status of an invoice; None before the platform has said anything."""
    return shown_of([invoice_id]).get(invoice_id)


def shown_of(invoice_ids: Collection[int]) -> dict[int, InvoiceEvent]:
    """Return invoice id → the event that says its status, in one query; those of which nothing was said are left out."""
    if not invoice_ids:
        return {}
    shown_id = _shown(Invoice.id, "id")
    query = select(InvoiceEvent).join(Invoice, InvoiceEvent.id == shown_id).where(Invoice.id.in_(list(invoice_ids)))
    return {event.invoice_id: event for event in db.session.execute(query).scalars()}


def word(invoice_id: int) -> InvoiceEvent | None:
    """Return the event that an agent answers: the one that is shown, were nothing said of payments."""
    query = select(InvoiceEvent).join(Invoice, InvoiceEvent.id == word_id(Invoice.id)).where(Invoice.id == invoice_id)
    return db.session.scalars(query).first()


def word_id(invoice_id: InstrumentedAttribute[int] | ColumnElement[int]) -> ScalarSelect[Any]:
    """Return, as SQL, the id of that event of an invoice (by a column); NULL where there is none."""
    return _shown(invoice_id, "id", OF_PAYMENT)


def shown_code(invoice_id: InstrumentedAttribute[int] | ColumnElement[int]) -> ScalarSelect[Any]:
    """Return, as SQL, the shown code of an invoice (by a column); NULL where nothing was said of it."""
    return _shown(invoice_id, "code")


def answer_to(event: InvoiceEvent) -> InvoiceEvent | None:
    """Return the first act of an agent since an event came; None while nobody has answered it."""
    own = (InvoiceEvent.invoice_id == event.invoice_id, InvoiceEvent.code.in_(_ACTS), InvoiceEvent.id > event.id)
    return db.session.scalars(select(InvoiceEvent).where(*own).order_by(InvoiceEvent.id).limit(1)).first()


def history(invoice_id: int) -> list[InvoiceEvent]:
    """Return all that was said of an invoice, and done about it, the latest first."""
    query = (
        select(InvoiceEvent)
        .options(joinedload(InvoiceEvent.by))
        .where(InvoiceEvent.invoice_id == invoice_id)
        .order_by(InvoiceEvent.happened_at.desc(), InvoiceEvent.id.desc())
    )
    return list(db.session.execute(query).scalars())


def answers(invoice_id: int) -> list[InvoiceEvent]:
    """Return the notes that agents wrote to the centre about an invoice, the first one first."""
    own = (InvoiceEvent.invoice_id == invoice_id, InvoiceEvent.code == Act.CONTESTED)
    return list(db.session.execute(select(InvoiceEvent).where(*own).order_by(InvoiceEvent.id)).scalars())


def stops_dunning(invoice_id: InstrumentedAttribute[int] | ColumnElement[int]) -> ColumnElement[bool]:
    """Return, as SQL to stand in a WHERE, whether an invoice (by a column) is not to be reminded of: disputed, suspended,
    refused or rejected by the buyer's last word, or refused at any time without an agent's answer.

    What was said of its payment is no word on the invoice. Never NULL.
    """
    e, last = aliased(InvoiceEvent), aliased(InvoiceEvent)
    word = (last.invoice_id == invoice_id, last.code.not_in([*_ACTS, *OF_PAYMENT]))
    stopped = and_(e.id == _latest(last, last.id, word), e.code.in_(STOPPING))
    return exists().where(e.invoice_id == invoice_id, or_(stopped, is_unanswered(e)))


def is_unanswered(event: Any, codes: Collection[str] = STICKY) -> ColumnElement[bool]:
    """Return, as SQL, whether an event (an alias of its table) has one of these codes and no agent has acted since it came."""
    act = aliased(InvoiceEvent)
    answered = exists().where(act.invoice_id == event.invoice_id, act.code.in_(_ACTS), act.id > event.id)
    return and_(event.code.in_(codes), ~answered)


def _shown(invoice_id: Any, name: str, without: Collection[str] = ()) -> ScalarSelect[Any]:
    e = aliased(InvoiceEvent)
    waits = case((is_unanswered(e), 0), else_=1)
    return _latest(e, getattr(e, name), (e.invoice_id == invoice_id, e.code.not_in([*_ACTS, *without])), waits)


def _latest(e: Any, what: Any, own: tuple[ColumnElement[bool], ...], *before: Any) -> ScalarSelect[Any]:
    query = select(what).where(*own).order_by(*before, e.happened_at.desc(), e.id.desc()).limit(1)
    return query.correlate_except(e).scalar_subquery()
