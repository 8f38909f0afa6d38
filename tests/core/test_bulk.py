"""Many values at once, beside others who write at the same time."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text, update

from app.extensions import db
from app.models import BatchLine, Centre
from app.services.core import bulk, dialect
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


def test_ids_are_given_up_where_there_are_too_many() -> None:
    known = sorted(db.session.scalars(select(Centre.id)))
    found = bulk.ids_up_to(len(known), select(Centre.id))
    assert found is not None
    assert sorted(found) == known
    assert bulk.ids_up_to(len(known) - 1, select(Centre.id)) is None
    assert bulk.ids_up_to(5, select(Centre.id).where(Centre.name == "personne")) == []


def test_how_many_rows_are_expected_is_what_the_base_knows_of_them() -> None:
    name = db.session.get_one(Centre, centre_id()).name
    db.session.add_all(Centre(name=f"Centre {at}", siret=f"{at:014}") for at in range(400))
    db.session.flush()
    if not dialect.on_postgresql():
        assert dialect.expected_rows(select(Centre.id)) == 0
        return
    db.session.execute(text("ANALYZE centre"))  # in this transaction: gone with it
    assert 400 <= dialect.expected_rows(select(Centre.id)) <= 410
    assert dialect.expected_rows(select(Centre.id).where(Centre.name == name)) <= 2
    assert dialect.expected_rows(select(Centre.id).where(Centre.name.like("Centre %")).limit(7)) == 7
    db.session.rollback()
