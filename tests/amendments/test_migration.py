"""The upgrade to corrections, undone and done again with work in hand, loses nothing; a correction is never undone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import func, inspect, select

from app.extensions import db
from app.models import Batch, Document, Mail, Registration
from app.services.core import actor
from config import ROOT
from tests.backends import BACKENDS

from .test_acts import OTHER_PERMIT, mend, new_of, one

MIGRATIONS = str(ROOT / "migrations")
BEFORE = str(ScriptDirectory(MIGRATIONS).get_revision("0018").down_revision)


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Give the application on a base of its own: its tables are taken back and made again."""
    backend = BACKENDS[request.param](tmp_path_factory.mktemp(request.param))
    with backend.app.app_context():
        actor.be(actor.PROGRAM)
        yield backend.app
        db.session.remove()
    backend.close()


def _move(direction: Any, revision: str) -> None:
    db.session.remove()
    db.engine.dispose()
    direction(directory=MIGRATIONS, revision=revision)
    actor.be(actor.PROGRAM)


def _counts() -> list[int]:
    return [db.session.scalar(select(func.count()).select_from(model)) or 0 for model in (Batch, Registration, Mail)]


def _indexes() -> dict[str, set[str]]:
    found = inspect(db.engine)
    tables = ("registration", "document", "card_request", "mail", "batch", "cancellation", "correction_request")
    return {table: {str(one["name"]) for one in found.get_indexes(table)} for table in tables}


def test_it_is_undone_and_done_again_and_loses_nothing(app: Flask) -> None:
    row = one()
    numbers = {document.number for document in row.documents}
    counts, indexes = _counts(), _indexes()
    _move(downgrade, BEFORE)
    _move(upgrade, "head")
    assert (_counts(), _indexes()) == (counts, indexes)
    assert set(db.session.execute(select(Document.number)).scalars()) == numbers
    again = db.session.execute(select(Registration)).scalar_one()
    assert new_of(mend(again, **OTHER_PERMIT)).batch.mode == "correction"


def test_a_base_with_corrections_is_not_taken_back(app: Flask) -> None:
    mend(one(), **OTHER_PERMIT)
    with pytest.raises(SystemExit):
        _move(downgrade, BEFORE)
