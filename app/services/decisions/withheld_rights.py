"""Rights withheld because the name typed disagrees with the account: an agent opens them, or keeps them shut."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import Driver, Trainer
from app.models.decision import Outcome
from app.models.trainer import REGISTERED
from app.services.core import case, outbox
from app.services.core.case import Case
from app.services.core.reason import reason as reason_of
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.trainers import notices as trainer_notices
from app.services.trainers.drafts import SUBJECT

KEPT, OPENED = "trainer.kept", "trainer.opened"


class AlreadyDecided(case.AlreadyDecided):
    """The right is open already: somebody decided before."""

    message = "Ce droit est déjà ouvert."


def waiting() -> tuple[list[Case[Trainer]], int]:
    """Return the first cases nobody has decided, the oldest first, and how many there are."""
    return DESK.waiting()


def count_waiting() -> int:
    """Return how many cases nobody has decided."""
    return DESK.count()


def counting() -> Select[Any]:
    """Return the query of :func:`count_waiting`."""
    return DESK.counting()


def kept() -> list[Case[Trainer]]:
    """Return the last cases an agent decided to keep shut, with the decision; they may still be opened."""
    return DESK.kept()


def open_right(trainer_id: int, actor_id: int) -> None:
    """Open the right and tell the person, unless they were told before; raise :class:`AlreadyDecided` or `Refusal`."""
    with transaction():
        row = _get(trainer_id)
        if not case.take(Trainer, trainer_id, *DESK.waits, withheld=False):
            raise AlreadyDecided
        if not trainer_notices.was_told(row):
            trainer_notices.make_due(row, row.email)
        case.decide(row, Outcome.OPENED, actor_id)
        _record(OPENED, row, actor_id)
    outbox.ring()


def keep(trainer_id: int, actor_id: int, reason: str) -> None:
    """Keep the right shut, for a reason that stays with the decision; raise `Refusal` without one."""
    reason = reason_of(reason, "Dites pourquoi ce droit n’est pas ouvert.")
    with transaction():
        row = _get(trainer_id)
        if not row.withheld:
            raise AlreadyDecided
        case.decide(row, Outcome.KEPT, actor_id, reason)
        _record(KEPT, row, actor_id, reason)


def _get(trainer_id: int) -> Trainer:
    row = db.session.get(Trainer, trainer_id, populate_existing=True)
    if row is None or row.state != REGISTERED:
        raise Refusal("Cet enregistrement n’existe pas.")
    return row


def _record(act: str, row: Trainer, actor_id: int, reason: str = "") -> None:
    journal.record(
        act,
        SUBJECT,
        row.id,
        actor_id=actor_id,
        centre_id=row.centre_id,
        before={"withheld": True},
        after={"withheld": act == KEPT},
        reason=reason,
    )


def _rows() -> Select[Trainer]:
    return select(Trainer).options(
        joinedload(Trainer.driver).joinedload(Driver.person),
        joinedload(Trainer.centre),
        joinedload(Trainer.registered_by),
    )


DESK = case.Desk(Trainer, (Trainer.live(), Trainer.withheld.is_(True)), _rows)
