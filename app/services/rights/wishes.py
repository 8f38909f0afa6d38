"""« Demander ce droit »: a manager asks the legal representatives of the centre, who are told by mail, for a right not held."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import exists, or_, select
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.models import Mail, Membership
from app.models.centre import MANAGER, RIGHTS
from app.services.core import actor, clock, outbox
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import mail

from . import mail as member_mail
from . import recipients


class AskedToday(Refusal):
    """A right is asked for once a day."""

    message = "Vous avez déjà demandé ce droit aujourd’hui : il se demande une fois par jour."


class NobodyToAsk(Refusal):
    """The centre has no legal representative."""

    message = "Ce centre n’a pas de représentant légal à qui demander ce droit : un agent d’IN Groupe en nomme un."


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a right may be asked for: of whom, by their names; ``asked``: it was today."""

    right: str
    names: list[str]
    asked: bool


def standing(place: Membership, right: str) -> Standing | None:
    """Return how it stands with asking for a right; None for who holds it, or holds every right there is."""
    if place.role != MANAGER or place.may(right, clock.today()):
        return None
    told = recipients.representatives(place.centre_id)
    return Standing(right, recipients.names(told), _is_asked(place.id, right, told))


@actor.acting(actor.PROGRAM)
def ask(place: Membership, right: str) -> list[str]:
    """Tell the legal representatives of the centre that the holder of a place asks for a right; return their names.

    Raises :class:`AskedToday`, :class:`NobodyToAsk`, or `Refusal` for a right that is held or does not exist.
    """
    if right not in RIGHTS:
        raise Refusal("Ce droit n’existe pas.")
    if place.may(right, clock.today()):
        raise Refusal(f"Le droit « {RIGHTS[right].lower()} » vous est déjà accordé.")
    told = recipients.representatives(place.centre_id)
    if not told:
        raise NobodyToAsk
    try:
        with transaction():
            for person_id, email in told:
                mail.make_due(member_mail.ASKED, email, _values(place.id, right, person_id))
            journal.record(
                "right.asked",
                "membership",
                place.id,
                actor_id=place.person_id,
                centre_id=place.centre_id,
                after={"person": place.person_id, "right": RIGHTS[right]},
            )
    except IntegrityError:  # the same values: asked before, today
        raise AskedToday from None
    outbox.ring()
    return recipients.names(told)


@actor.acting(actor.PROGRAM)
def _is_asked(place_id: int, right: str, told: list[recipients.Told]) -> bool:
    """Tell whether one of those people was told today; by the index that lets each be told once."""
    each = [Mail.values == _values(place_id, right, person_id) for person_id, _ in told]
    return bool(each) and bool(db.session.scalar(select(exists().where(Mail.kind == member_mail.ASKED, or_(*each)))))


def _values(place_id: int, right: str, person_id: int) -> dict[str, object]:
    day = clock.machine_now().astimezone(clock.PARIS).date()
    return {"membership": place_id, "right": right, "day": day.isoformat(), "person": person_id}
