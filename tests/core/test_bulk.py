"""Many values at once, beside others who write at the same time."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from app.extensions import db
from app.models import BatchLine, Centre
from app.services.core import bulk
from tests.bases import BOTH
from tests.support import centre_id

BACKENDS = BOTH
EACH_VALUE = True

pytestmark = pytest.mark.usefixtures("app")
LINES: Any = BatchLine.__table__


def test_nothing_to_update_leaves_the_place_to_another_writer() -> None:
    """On SQLite, a transaction that begins by reading cannot write any more once somebody else has written."""
    mine, other = centre_id(), centre_id("98765432400019")
    db.session.rollback()
    bulk.update_rows(LINES, ("batch_id", "number"), ("rank", "remarks"), [])
    db.session.get_one(Centre, mine)
    with db.engine.begin() as elsewhere:
        elsewhere.execute(update(Centre).where(Centre.id == other).values(name="Autre nom"))
    db.session.execute(update(Centre).where(Centre.id == mine).values(name="Nouveau nom"))
    db.session.commit()
    assert {db.session.get_one(Centre, key).name for key in (mine, other)} == {"Autre nom", "Nouveau nom"}
