"""What a centre corrects alone (situation A of billing), and what makes a correction an agent’s. Nothing here writes."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import func, select

from app.extensions import db
from app.models import CardRequest, Registration
from app.models.card import DRAFT, GIVEN_UP
from app.models.registration import CERTIFICATE, RECAP, REVOKED
from app.services.core import actor, clock

from .orders import Order

#: Calendar days after the registration during which a centre corrects alone (situation A).
WINDOW = timedelta(days=7)
#: As many replacements of one line a centre makes alone; the next one is an agent's.
ALONE = 2
#: Why a centre may not do it alone; it is told one neutral sentence, an agent these words.
LATE, CARD, OTHERS, CHAIN, BY_AGENT, INVOICED = "late", "card", "others", "chain", "revoked", "invoiced"


def last_day(registration: Registration) -> date:
    """Return the last day on which a centre corrects alone, until 23:59:59 in Paris."""
    return registration.registered_on + WINDOW


@actor.acting(actor.PROGRAM)
def card_state(registration_id: int) -> str | None:
    """Return the state of the request for a card that leans on a registration, None without any.

    It is asked by the program: what becomes of a driver's card is none of a centre's business.
    """
    query = select(CardRequest.state).where(
        CardRequest.registration_id == registration_id, CardRequest.state.not_in(GIVEN_UP)
    )
    return db.session.scalar(query)


def why_agent(
    registration: Registration, order: Order, card: str | None, moves_others: bool, invoiced: str
) -> tuple[str, ...]:
    """Return why the centre may not do it alone; nothing in situation A."""
    why = []
    if clock.today() > last_day(registration):
        why.append(LATE)
    if card not in (None, DRAFT):
        why.append(CARD)
    if moves_others:
        why.append(OTHERS)
    if order.line is not None and replacements(registration) >= ALONE:
        why.append(CHAIN)
    if _revoked_by_agent(registration):
        why.append(BY_AGENT)
    if invoiced:
        why.append(INVOICED)
    return tuple(why)


def replacements(registration: Registration) -> int:
    """Return how many registrations before this one its chain holds."""
    query = select(func.count()).where(
        Registration.ledger_id == registration.root_id, Registration.id <= registration.id
    )
    return db.session.scalar(query) or 0


def _revoked_by_agent(registration: Registration) -> bool:
    """Tell whether an agent revoked a document for which there is no other: a correction would bring it back."""
    live = {one.kind for one in registration.documents if one.state != REVOKED}
    return any(one.kind not in live for one in registration.documents if one.kind in (RECAP, CERTIFICATE))
