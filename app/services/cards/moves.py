"""The one place where a card request changes its state: the row, its history, the journal and the mail, together."""

from __future__ import annotations

from sqlalchemy import update

from app.extensions import db
from app.models import CardEvent, CardRequest
from app.models.card import CARD_MOVES, CARD_STATES, DRAFT
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.journal import record as journal
from app.services.notifications import mail

from . import mail as card_mail

SUBJECT = "card_request"


class Moved(Refusal):
    """The request is not in a state from which it may move so: somebody was quicker."""

    def __init__(self, state: str) -> None:
        super().__init__(f"Cette action n’est plus possible : la demande est à l’état « {CARD_STATES[state]} ».")


def move(request_id: int, to: str, actor_id: int | None, reason: str = "", **changes: object) -> CardRequest:
    """Move a request on, in the caller's transaction, and return it; the caller rings the outbox after the commit.

    It is a conditional update, so of two who act at once the second finds the new state. Raises :class:`Moved`.
    """
    sources = [state for state, targets in CARD_MOVES.items() if to in targets]
    moved = taken(
        update(CardRequest)
        .where(CardRequest.id == request_id, CardRequest.state.in_(sources))
        .values(state=to, updated_at=clock.machine_now(), **changes)
    )
    request = db.session.get_one(CardRequest, request_id)
    if not moved:
        raise Moved(request.state)
    note(request, actor_id, reason)
    return request


def note(request: CardRequest, actor_id: int | None, reason: str = "") -> None:
    """Write the state that a request came to into its history and the journal, and make the mail due; no commit.

    The journal names no centre: what becomes of a person's card is none of its business.
    """
    event = CardEvent(request_id=request.id, state=request.state, at=clock.now(), actor_id=actor_id, reason=reason)
    db.session.add(event)
    db.session.flush()
    journal.record(
        f"card.{request.state}",
        SUBJECT,
        request.id,
        actor_id=actor_id,
        after={"state": request.state, "number": request.number},
        reason=reason,
    )
    person = request.driver.person
    if request.number is not None and request.state != DRAFT and person is not None:
        mail.make_due(card_mail.CARD, person.email, {"event": event.id})
