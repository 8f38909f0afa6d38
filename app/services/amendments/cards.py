"""What becomes of a request for a card whose ground is cancelled or replaced."""

from __future__ import annotations

from sqlalchemy import select, update

from app.extensions import db
from app.models import CardRequest, Registration
from app.models.card import CANCELLED, DRAFT, GIVEN_UP, PRODUCTION, SENT, STOPPED
from app.services.cards import moves, payment
from app.services.core import actor, clock
from app.services.core.taking import taken
from app.services.journal import record as journal

#: Beyond the program's reach: an agent has the making stopped, or declares the card void.
OUT_OF_REACH = (PRODUCTION, SENT)


@actor.acting(actor.PROGRAM)
def hold(registration_id: int) -> None:
    """Take the lock of the request that leans on a registration: who sends it at this moment comes before or after."""
    query = select(CardRequest.id).where(CardRequest.registration_id == registration_id)
    db.session.execute(query.where(CardRequest.state.not_in(GIVEN_UP)).with_for_update()).all()


@actor.acting(actor.PROGRAM)
def settle(registration_id: int, new: Registration | None, actor_id: int) -> None:
    """End the request that leans on a cancelled registration, or let it follow to ``new``; in the caller's transaction.

    What its holder paid is given back. A card in the making, or sent, stays for an agent (`waiting`).
    """
    query = select(CardRequest).where(
        CardRequest.registration_id == registration_id, CardRequest.state.not_in(GIVEN_UP)
    )
    request = db.session.execute(query.execution_options(populate_existing=True)).scalar_one_or_none()
    if request is None or request.state in OUT_OF_REACH:
        return
    if new is not None:
        _follow(request, new, actor_id)
    elif request.state == DRAFT:
        moves.move(request.id, CANCELLED, actor_id)
    else:
        stop(request, actor_id)


@actor.acting(actor.PROGRAM)
def hold_right(trainer_id: int) -> None:
    """Take the lock of the request that leans on a trainer's right, as :func:`hold`."""
    query = select(CardRequest.id).where(CardRequest.trainer_id == trainer_id, CardRequest.state.not_in(GIVEN_UP))
    db.session.execute(query.with_for_update()).all()


@actor.acting(actor.PROGRAM)
def settle_right(trainer_id: int, actor_id: int) -> None:
    """End the request that leans on a trainer's right that is cancelled, as :func:`settle` does; no commit."""
    query = select(CardRequest).where(CardRequest.trainer_id == trainer_id, CardRequest.state.not_in(GIVEN_UP))
    request = db.session.execute(query.execution_options(populate_existing=True)).scalar_one_or_none()
    if request is None or request.state in OUT_OF_REACH:
        return
    if request.state == DRAFT:
        moves.move(request.id, CANCELLED, actor_id)
    else:
        stop(request, actor_id)


def stop(request: CardRequest, actor_id: int) -> None:
    """Stop a request that was sent and give back what its holder paid; in the caller's transaction. Raises `moves.Moved`."""
    given_back = payment.provider().refund(request.key) if request.payment_reference else ""
    reason = f"Remboursement {given_back}" if given_back else ""
    moves.move(request.id, STOPPED, actor_id, reason)


def _follow(request: CardRequest, new: Registration, actor_id: int) -> None:
    taken(
        update(CardRequest)
        .where(CardRequest.id == request.id)
        .values(
            registration_id=new.id, last_name=new.last_name, first_name=new.first_name, updated_at=clock.machine_now()
        )
    )
    journal.record("card.moved", moves.SUBJECT, request.id, actor_id=actor_id, after={"registrations": [new.id]})
