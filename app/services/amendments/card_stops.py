"""Cards in the making, or sent, whose ground was cancelled: an agent has them stopped, or declares them void."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import CardRequest, Registration, Trainer
from app.services.core import case, outbox
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction

from . import cards


def waiting() -> list[CardRequest]:
    """Return the first cards to stop, the oldest first."""
    query = (
        select(CardRequest)
        .options(
            joinedload(CardRequest.registration).joinedload(Registration.training), joinedload(CardRequest.trainer)
        )
        .where(_out_of_reach(), _of_registrations() | _of_rights())
        .order_by(CardRequest.id)
        .limit(case.LIMIT)
    )
    return list(db.session.execute(query).scalars())


def count_waiting() -> int:
    """Return how many cards are to stop."""
    return db.session.scalar(counting()) or 0


def counting() -> Select[Any]:
    """Return the query of :func:`count_waiting`: it starts at what was cancelled, which is little."""
    first, second = (
        select(func.count()).select_from(CardRequest).where(one, _out_of_reach()).scalar_subquery()
        for one in (_of_registrations(), _of_rights())
    )
    return select(first + second)


def stopped(request_id: int, agent_id: int) -> None:
    """Note that a card was stopped or declared void, and give back what was paid; raises `moves.Moved`, or `Refusal`."""
    with transaction():
        request = db.session.get(CardRequest, request_id)
        if request is None or _counts(request):
            raise Refusal("Cette carte n’est pas à arrêter : son enregistrement compte.")
        cards.stop(request, agent_id)
    outbox.ring()


def _counts(request: CardRequest) -> bool:
    if request.registration is not None:
        return request.registration.is_live
    return request.trainer is None or request.trainer.cancelled_on is None


def _of_registrations() -> ColumnElement[bool]:
    cancelled = select(Registration.id).where(~Registration.live()).order_by(Registration.id)  # by their index
    return CardRequest.registration_id.in_(cancelled)


def _of_rights() -> ColumnElement[bool]:
    return CardRequest.trainer_id.in_(select(Trainer.id).where(Trainer.cancelled_on.is_not(None)))


def _out_of_reach() -> ColumnElement[bool]:
    return CardRequest.state.in_(cards.OUT_OF_REACH)
