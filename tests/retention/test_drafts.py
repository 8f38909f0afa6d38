"""Drafts left behind: a day before the 30 days nothing goes, after them what holds no work does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.extensions import db
from app.models import Batch, JournalEntry, Trainer
from app.services.core import clock
from app.services.registration import drafts
from app.services.retention import drafts as draft_retention
from app.services.retention import purge
from tests.bases import BOTH
from tests.support import MARIE, centre_id, draft, person_id, registered, registered_trainer, trainer_draft

BACKENDS = BOTH
EACH_VALUE = True

pytestmark = pytest.mark.usefixtures("app")


def age(model: Any, row_id: int, **ago: int) -> None:
    db.session.execute(
        update(model).where(model.id == row_id).values(updated_at=clock.machine_now() - timedelta(**ago))
    )
    db.session.commit()
    db.session.expire_all()


def test_an_empty_draft_goes_after_thirty_days_and_a_typed_one_stays() -> None:
    empty, typed = drafts.start(centre_id(), person_id()).id, draft(MARIE)
    done = registered(MARIE).id
    for row_id in (empty, typed, done):
        age(Batch, row_id, days=29, hours=23)
    assert draft_retention.purge() == 0
    for row_id in (empty, typed, done):
        age(Batch, row_id, days=30, seconds=1)
    assert purge.purge(dry_run=True).drafts == 1
    assert db.session.get_one(Batch, empty).state == "draft"
    assert purge.purge().drafts == 1
    states = [db.session.get_one(Batch, row_id).state for row_id in (empty, typed, done)]
    assert states == ["cancelled", "draft", "registered"]
    assert purge.purge().drafts == 0
    acts = list(db.session.execute(select(JournalEntry.action)).scalars())
    assert acts.count("drafts.purged") == 1


def test_a_trainer_never_registered_is_forgotten() -> None:
    left, fresh, done = trainer_draft(), trainer_draft(), registered_trainer()
    for row in (left, done):
        age(Trainer, row.id, days=30, seconds=1)
    assert draft_retention.purge() == 1
    assert (left.state, left.full_name, left.email, left.birth_date, left.permit_number) == (
        "cancelled",
        "",
        "",
        None,
        "",
    )
    assert (fresh.state, done.state, done.full_name) == ("draft", "registered", "DURAND Chloé")
