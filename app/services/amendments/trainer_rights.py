"""Cancelling a trainer's right: by the centre within the window, else asked of an agent; once, bound to what was shown.

Nothing replaces it: the right person is registered as any other.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import CardRequest, Mail, Trainer, TrainerCancellation
from app.models.amendment import ACCEPTED, NONE, OPEN, OTHER, REFUSED, TRAINER_REASONS
from app.models.card import CARD_STATES, GIVEN_UP
from app.models.card import DRAFT as CARD_DRAFT
from app.models.centre import TRAINERS
from app.services.core import actor, case, clock, outbox
from app.services.core.reason import REASON_MAX, reason, version_of
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import mail
from app.services.notifications.mail import Content
from app.services.rights import access

from . import cards, money
from .acts import AlreadyCancelled, Changed, NeedsAgent
from .alone import WINDOW

SUBJECT = "trainer"
#: Kinds of mails: to the person whose right closes, to who asked for it; their values hold the ``cancellation``.
CLOSED, ANSWER = "right_closed", "right_answer"
_OPEN: tuple[ColumnElement[bool], ...] = (TrainerCancellation.state == OPEN,)


class AlreadyAsked(Refusal):
    """One request a right is open at a time."""

    message = "Une demande d’annulation est déjà en attente pour ce droit."


class AlreadyDecided(case.AlreadyDecided):
    """Another agent was quicker."""

    message = "Cette demande d’annulation n’attend plus : elle a été décidée entre-temps."


@dataclass(frozen=True, slots=True)
class Effects:
    """What cancelling brings about. ``fee``: what is no longer due, excluding VAT; ``card``: state of the request for a card on
    the right, told to agents only; ``needs_agent``: whether the centre may not do it alone; ``until``: its last day for that.
    """

    trainer_id: int
    fee: Decimal
    card: str | None
    needs_agent: bool
    until: date
    #: The issued invoice that charges the fee, by its number; empty where none does.
    invoiced: str = ""

    @property
    def version(self) -> str:
        """Return a text that changes with anything a person was shown of it."""
        return version_of(asdict(self))

    @property
    def card_words(self) -> str:
        """Return the state of the request for a card in words."""
        return CARD_STATES[self.card].lower() if self.card else ""


def look(row: Trainer) -> Effects:
    """Return what cancelling a right would bring about today; raise `acts.AlreadyCancelled`."""
    if row.cancelled_on is not None:
        raise AlreadyCancelled
    return _effects(row)


def why(code: str, text: str) -> tuple[str, str]:
    """Return a reason, well formed; raise `Refusal` for an unknown one, or words that are missing or too long."""
    kept = " ".join(text.split())
    if code not in TRAINER_REASONS:
        raise Refusal("Choisissez le motif de l’annulation.")
    if len(kept) > REASON_MAX:
        raise Refusal(f"La précision fait {REASON_MAX} caractères au plus.")
    if code == OTHER and not kept:
        raise Refusal("Dites en quelques mots pourquoi ce droit est annulé.")
    return code, kept


def cancel(trainer_id: int, code: str, text: str, actor_id: int, *, shown: str, agent: bool = False) -> None:
    """Cancel a right, once, if the effects are those that were shown; the person is told by mail.

    Raises `acts.AlreadyCancelled`, `acts.Changed`, `acts.NeedsAgent`, `access.NotAllowed`, or what :func:`why` raises.
    """
    code, kept = why(code, text)
    try:
        with transaction(durable=True):
            waiting = open_of(trainer_id) if agent else None
            _carry_out(waiting or _write(trainer_id, code, kept, actor_id), actor_id, shown, agent)
            if waiting is not None:
                mail.make_due(ANSWER, waiting.asked_by.email, {"cancellation": waiting.id})
    except IntegrityError:
        raise _stands(trainer_id) from None
    outbox.ring()


def ask(trainer_id: int, code: str, text: str, person_id: int) -> TrainerCancellation:
    """Hand a cancellation that the centre may not make alone to an agent.

    Raises :class:`AlreadyAsked`, `acts.AlreadyCancelled`, `access.NotAllowed`, or what :func:`why` raises.
    """
    code, kept = why(code, text)
    row = db.session.get_one(Trainer, trainer_id)
    access.require(person_id, row.centre_id, TRAINERS)
    look(row)
    try:
        with transaction():
            asked = _write(trainer_id, code, kept, person_id)
            _note("trainer.right_asked", row, person_id, code, kept)
    except IntegrityError:
        raise AlreadyAsked from None
    return asked


def refuse(id_: int, agent_id: int, answer: str) -> None:
    """Refuse it, for the reason given, and answer; raises :class:`AlreadyDecided` or `ReasonNeeded`."""
    kept = reason(answer, "Dites au centre pourquoi sa demande est refusée.")
    values = {"state": REFUSED, "agent_id": agent_id, "decided_at": clock.now(), "answer": kept}
    with transaction():
        if not case.take(TrainerCancellation, id_, *_OPEN, **values):
            raise AlreadyDecided
        row = db.session.get_one(TrainerCancellation, id_)
        _note("trainer.right_kept", row.trainer, agent_id, row.reason_code, kept)
        mail.make_due(ANSWER, row.asked_by.email, {"cancellation": id_})
    outbox.ring()


def open_of(trainer_id: int) -> TrainerCancellation | None:
    """Return the request that waits about a right, None without any."""
    query = select(TrainerCancellation).where(TrainerCancellation.trainer_id == trainer_id, *_OPEN)
    return db.session.execute(query).scalar_one_or_none()


def last_of(trainer_id: int) -> TrainerCancellation | None:
    """Return the last cancellation asked for about a right, whatever became of it."""
    query = select(TrainerCancellation).where(TrainerCancellation.trainer_id == trainer_id)
    return db.session.execute(query.order_by(TrainerCancellation.id.desc()).limit(1)).scalar_one_or_none()


def waiting() -> list[TrainerCancellation]:
    """Return the first requests that nobody has decided, the oldest first, each with its right."""
    return list(db.session.execute(_rows().where(*_OPEN).order_by(TrainerCancellation.id).limit(case.LIMIT)).scalars())


def count_waiting() -> int:
    """Return how many requests nobody has decided."""
    return db.session.scalar(counting()) or 0


def counting() -> Select[Any]:
    """Return the query of :func:`count_waiting`."""
    return select(func.count()).select_from(TrainerCancellation).where(*_OPEN)


def _rows() -> Select[TrainerCancellation]:
    t = TrainerCancellation
    return select(t).options(joinedload(t.asked_by), joinedload(t.trainer).joinedload(Trainer.centre))


def _write(trainer_id: int, code: str, text: str, person_id: int) -> TrainerCancellation:
    row = TrainerCancellation(
        trainer_id=trainer_id, reason_code=code, reason=text, asked_by_id=person_id, asked_at=clock.now(), state=OPEN
    )
    db.session.add(row)
    db.session.flush()
    return row


def _effects(row: Trainer) -> Effects:
    assert row.registered_on is not None
    until, card = row.registered_on + WINDOW, _card_state(row.id)
    invoiced = money.fee_invoiced(row.id)
    late = clock.today() > until or card not in (None, CARD_DRAFT) or bool(invoiced)
    return Effects(row.id, row.fee or Decimal("0.00"), card, late, until, invoiced)


@actor.acting(actor.PROGRAM)
def _card_state(trainer_id: int) -> str | None:
    query = select(CardRequest.state).where(CardRequest.trainer_id == trainer_id, CardRequest.state.not_in(GIVEN_UP))
    return db.session.scalar(query)


def _carry_out(row: TrainerCancellation, actor_id: int, shown: str, agent: bool) -> None:
    """Close the right in the caller's transaction: its lock, the card, what becomes of the fee, the mail, the journal."""
    live = Trainer.id == row.trainer_id, Trainer.live()
    if not taken(update(Trainer).where(*live).values(cancelled_on=clock.today())):
        raise AlreadyCancelled
    trainer = db.session.get_one(Trainer, row.trainer_id)
    if not agent:
        access.require(actor_id, trainer.centre_id, TRAINERS)
    cards.hold_right(trainer.id)
    effects = _effects(trainer)
    if effects.version != shown:
        raise Changed
    if effects.needs_agent and not agent:
        raise NeedsAgent
    cards.settle_right(trainer.id, actor_id)
    row = db.session.get_one(TrainerCancellation, row.id)
    row.state, row.decided_at, row.agent_id = ACCEPTED, clock.now(), actor_id if agent else None
    row.credit, row.card = NONE, effects.card or ""
    if effects.fee:
        row.credit = money.settle_fee(trainer.id, row.reason_code, row.reason, actor_id)
    db.session.flush()
    _note("trainer.right_cancelled", trainer, actor_id, row.reason_code, row.reason)
    if not trainer.withheld:
        mail.make_due(CLOSED, trainer.email, {"cancellation": row.id})


def _stands(trainer_id: int) -> Refusal:
    """Return why a second cancellation of a right is refused."""
    return AlreadyAsked() if open_of(trainer_id) else AlreadyCancelled()


def _note(act: str, row: Trainer, actor_id: int, code: str, text: str) -> None:
    after = {"reason_code": code}
    journal.record(act, SUBJECT, row.id, actor_id=actor_id, centre_id=row.centre_id, after=after, reason=text)


@mail.says(CLOSED, "Droit de demander une carte annulé")
def _closed(about: Mail) -> Content:
    trainer = db.session.get_one(TrainerCancellation, about.values["cancellation"]).trainer
    values: dict[str, object] = {
        "first_name": trainer.first_name,
        "profile": trainer.profile_name.lower(),
        "centre": trainer.centre.name,
        "number": trainer.receipt_number,
        "on": trainer.cancelled_on,
    }
    return Content("amendments/mail/right_closed", "Votre droit de demander une carte CQC est annulé", values)


@mail.says(ANSWER, "Réponse à une demande d’annulation")
def _answer(about: Mail) -> Content:
    row = db.session.get_one(TrainerCancellation, about.values["cancellation"])
    words = "acceptée" if row.state == ACCEPTED else "refusée"
    values: dict[str, object] = {
        "first_name": row.asked_by.first_name,
        "words": words,
        "receipt": row.trainer.receipt_number,
        "answer": row.answer,
        "reason": row.reason_words,
    }
    return Content("amendments/mail/right_answer", f"Votre demande d’annulation est {words}", values)
