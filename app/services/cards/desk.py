"""The agents' side of card requests: the queue, one request, and each act on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.extensions import db
from app.models import CardEvent, CardRequest, Driver, Registration, Trainer
from app.models.card import (
    ACCEPTED,
    CANCELLED,
    CARD_STATES,
    DRAFT,
    IN_REVIEW,
    PRODUCTION,
    REFUSED,
    SENT,
    SUBMITTED,
)
from app.services.core import outbox
from app.services.core.narrowing import holds, page_at
from app.services.core.reason import reason as reason_of
from app.services.core.transaction import transaction
from app.validators.fields import clean

from .moves import move

PAGE = 25
#: Word of the address → states it lists; the first one is where the work is.
FILTERS = {
    "a-examiner": (SUBMITTED, IN_REVIEW),
    "acceptees": (ACCEPTED,),
    "en-fabrication": (PRODUCTION,),
    "envoyees": (SENT,),
    "refusees": (REFUSED,),
    "toutes": (SUBMITTED, IN_REVIEW, ACCEPTED, PRODUCTION, SENT, REFUSED),
}
#: Word of the address → state it leads to; « refuser » has its own function, for its reason.
ACTS = {"examiner": IN_REVIEW, "accepter": ACCEPTED, "fabriquer": PRODUCTION, "envoyer": SENT}


@dataclass(frozen=True)
class Listing:
    """One page of the queue. ``counts``: word of a filter → how many requests it lists, whatever was searched."""

    requests: list[CardRequest]
    total: int
    page: int
    page_count: int
    counts: dict[str, int]


def listing(wanted: str, searched: str = "", page: int = 1) -> Listing:
    """Return a page of the requests in the states of a filter, the longest waiting first; what is searched may be a
    name, a permit number or a request's number.
    """
    conditions = [CardRequest.state.in_(FILTERS.get(wanted) or FILTERS["a-examiner"]), *_matching(searched)]
    total = db.session.scalar(select(func.count()).select_from(CardRequest).where(*conditions)) or 0
    page, page_count = page_at(page, total, PAGE)
    query = (
        select(CardRequest)
        .options(
            joinedload(CardRequest.registration).joinedload(Registration.training),
            joinedload(CardRequest.trainer),
            joinedload(CardRequest.agent),
        )
        .where(*conditions)
        .order_by(CardRequest.submitted_at, CardRequest.id)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    return Listing(list(db.session.execute(query).scalars()), total, page, page_count, _counts())


def find(key: str) -> CardRequest | None:
    """Return a request that was sent, with its ground, holder and history; None for a draft or an unknown key."""
    query = (
        select(CardRequest)
        .options(
            joinedload(CardRequest.registration).joinedload(Registration.training),
            joinedload(CardRequest.registration).joinedload(Registration.centre),
            joinedload(CardRequest.trainer).joinedload(Trainer.centre),
            joinedload(CardRequest.driver).joinedload(Driver.person),
            joinedload(CardRequest.agent),
            selectinload(CardRequest.events).joinedload(CardEvent.actor),
        )
        .where(CardRequest.key == key, CardRequest.state.not_in((DRAFT, CANCELLED)))
    )
    return db.session.execute(query).scalar_one_or_none()


def act(request_id: int, to: str, agent_id: int) -> None:
    """Take a request in hand, accept it, give it to production or mark it sent; raises `card_moves.Moved`."""
    with transaction():
        if to == IN_REVIEW:
            move(request_id, to, agent_id, agent_id=agent_id)
        else:
            move(request_id, to, agent_id)
    outbox.ring()


def refuse(request_id: int, agent_id: int, reason: str) -> None:
    """Refuse a request for a reason that its holder is told; raises `Refusal` without one, or `card_moves.Moved`."""
    reason = reason_of(reason, "Dites pourquoi la demande est refusée : le titulaire recevra ce motif.")
    with transaction():
        move(request_id, REFUSED, agent_id, reason)
    outbox.ring()


def waiting() -> int:
    """Return how many requests wait for an agent."""
    return db.session.scalar(counting()) or 0


def counting() -> Select[Any]:
    """Return the query of :func:`waiting`."""
    return select(func.count()).select_from(CardRequest).where(CardRequest.state.in_(FILTERS["a-examiner"]))


def _counts() -> dict[str, int]:
    rows = db.session.execute(select(CardRequest.state, func.count()).group_by(CardRequest.state)).all()
    known = dict.fromkeys(CARD_STATES, 0) | {state: count for state, count in rows}  # noqa: C416
    return {word: sum(known[state] for state in states) for word, states in FILTERS.items()}


def _matching(searched: str) -> list[ColumnElement[bool]]:
    """Return one condition a word that was typed: each word is found somewhere; signs alone ask nothing."""
    columns = (CardRequest.last_name, CardRequest.first_name, CardRequest.permit_number, CardRequest.number)
    words = [word for word in clean(searched).split()[:6] if any(map(str.isalnum, word))]
    return [or_(*(holds(column, word) for column in columns)) for word in words]
