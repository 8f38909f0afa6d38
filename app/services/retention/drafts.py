"""Drafts left behind: what was typed by hand and never registered is not kept for ever."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, exists, func, select, update

from app.extensions import db
from app.models import Batch, BatchLine, Trainer
from app.models.batch import CANCELLED, DRAFT, MANUAL
from app.models.trainer import CANCELLED as TRAINER_CANCELLED
from app.models.trainer import DRAFT as TRAINER_DRAFT
from app.services.core import clock
from app.services.core.taking import changed
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.trainers.drafts import EMPTY

#: A draft nobody has touched for this long is given up.
LEFT = timedelta(days=30)


def purge(*, dry_run: bool = False) -> int:
    """Give up the drafts by hand left for 30 days that hold no line, and those of trainers with what was typed of the person.

    Returns how many there are. Drafts that hold lines stay: they are work a centre may take up again.
    """
    before = clock.machine_now() - LEFT
    batches, trainers = _empty_batches(before), _trainers(before)
    if dry_run:
        of_batches = select(func.count()).select_from(Batch).where(*batches)
        of_trainers = select(func.count()).select_from(Trainer).where(*trainers)
        return (db.session.scalar(of_batches) or 0) + (db.session.scalar(of_trainers) or 0)
    with transaction():
        now = clock.machine_now()
        given_up = changed(
            update(Batch)
            .where(*batches)
            .values(state=CANCELLED, updated_at=now)
            .execution_options(synchronize_session=False)
        )
        forgotten = changed(
            update(Trainer)
            .where(*trainers)
            .values(state=TRAINER_CANCELLED, updated_at=now, version=Trainer.version + 1, **EMPTY)
            .execution_options(synchronize_session=False)
        )
        if given_up or forgotten:
            journal.record(
                "drafts.purged",
                "draft",
                "",
                actor_id=None,
                after={"batches": given_up, "trainers": forgotten},
                reason="30 jours sans enregistrement",
            )
        db.session.expire_all()
    return int(given_up + forgotten)


def _empty_batches(before: object) -> tuple[ColumnElement[bool], ...]:
    lines = exists().where(BatchLine.batch_id == Batch.id)
    return Batch.mode == MANUAL, Batch.state == DRAFT, Batch.updated_at < before, ~lines


def _trainers(before: object) -> tuple[ColumnElement[bool], ...]:
    return Trainer.state == TRAINER_DRAFT, Trainer.updated_at < before
