"""Rights withheld because the name typed disagrees with the account: an agent opens them, or keeps them shut."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, String, cast, exists, func, select, update
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import Driver, JournalEntry, Trainer
from app.models.trainer import REGISTERED
from app.services.core import outbox
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.trainers import notices as trainer_notices
from app.services.trainers.drafts import SUBJECT

from .withheld_documents import LIMIT, REASON_MAX

KEPT, OPENED = "trainer.kept", "trainer.opened"


class AlreadyDecided(Refusal):
    """The right is open already: somebody decided before."""

    message = "Ce droit est déjà ouvert."


@dataclass(frozen=True, slots=True)
class Case:
    """A trainer whose right is withheld; ``kept``: the decision to keep it shut, if one was taken."""

    trainer: Trainer
    kept: JournalEntry | None = None


def waiting() -> tuple[list[Case], int]:
    """Return the first cases nobody has decided, the oldest first, and how many there are."""
    query = _eager().where(*_withheld(), ~_was_kept()).order_by(Trainer.id).limit(LIMIT)
    return [Case(row) for row in db.session.execute(query).scalars()], count_waiting()


def count_waiting() -> int:
    """Return how many cases nobody has decided."""
    return db.session.scalar(select(func.count(Trainer.id)).where(*_withheld(), ~_was_kept())) or 0


def kept() -> list[Case]:
    """Return the last cases an agent decided to keep shut, with the decision; they may still be opened."""
    query = _eager().where(*_withheld(), _was_kept()).order_by(Trainer.id.desc()).limit(LIMIT)
    rows = list(db.session.execute(query).scalars())
    entries = (
        select(JournalEntry)
        .options(joinedload(JournalEntry.actor))
        .where(*_of_trainers(), JournalEntry.subject_id.in_([str(row.id) for row in rows]))
        .order_by(JournalEntry.id)
    )
    decisions = {entry.subject_id: entry for entry in db.session.execute(entries).scalars()}
    return [Case(row, decisions.get(str(row.id))) for row in rows]


def open_right(trainer_id: int, actor_id: int) -> None:
    """Open the right and tell the person, unless they were told before; raise :class:`AlreadyDecided` or `Refusal`."""
    with transaction():
        row = _get(trainer_id)
        # The conditional update: of two agents who decide at the same moment, one finds it done.
        done = db.session.execute(
            update(Trainer).where(Trainer.id == trainer_id, Trainer.withheld.is_(True)).values(withheld=False)
        )
        if not done.rowcount:  # type: ignore[attr-defined]
            raise AlreadyDecided
        if not trainer_notices.was_told(row):
            trainer_notices.make_due(row, row.email)
        _record(OPENED, row, actor_id)
    outbox.ring()


def keep(trainer_id: int, actor_id: int, reason: str) -> None:
    """Keep the right shut, for a reason that the journal holds; raise `Refusal` without one."""
    reason = " ".join(reason.split())
    if not reason:
        raise Refusal("Dites pourquoi ce droit n’est pas ouvert.")
    if len(reason) > REASON_MAX:
        raise Refusal(f"Le motif fait {REASON_MAX} caractères au plus.")
    with transaction():
        row = _get(trainer_id)
        if not row.withheld:
            raise AlreadyDecided
        _record(KEPT, row, actor_id, reason)


def _get(trainer_id: int) -> Trainer:
    row = db.session.get(Trainer, trainer_id, populate_existing=True)
    if row is None or row.state != REGISTERED:
        raise Refusal("Cet enregistrement n’existe pas.")
    return row


def _record(act: str, row: Trainer, actor_id: int, reason: str = "") -> None:
    journal.record(
        act, SUBJECT, row.id, actor_id=actor_id, centre_id=row.centre_id, before={"withheld": True},
        after={"withheld": act == KEPT}, reason=reason,
    )  # fmt: skip


def _eager() -> Select[Trainer]:
    return select(Trainer).options(
        joinedload(Trainer.driver).joinedload(Driver.person),
        joinedload(Trainer.centre),
        joinedload(Trainer.registered_by),
    )


def _withheld() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Trainer.state == REGISTERED, Trainer.withheld.is_(True)


def _of_trainers() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return JournalEntry.subject_type == SUBJECT, JournalEntry.action == KEPT


def _was_kept() -> ColumnElement[bool]:
    return exists().where(*_of_trainers(), JournalEntry.subject_id == cast(Trainer.id, String))
