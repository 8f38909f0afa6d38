"""The accounts that stand when search keys come are found by them, on both bases; cut short, it goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import select, text

from app.extensions import db
from app.models import Person
from app.models.search import search_key
from app.services.core import actor
from config import ROOT
from tests.backends import BACKENDS

MIGRATIONS = str(ROOT / "migrations")


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """Give the application on a base of its own: its tables are taken back and made again."""
    backend = BACKENDS[request.param](tmp_path)
    with backend.app.app_context():
        actor.be(actor.PROGRAM)
        yield backend.app
        db.session.remove()
    backend.close()


def _account(name: str, at: int) -> None:
    db.session.execute(
        text(
            "INSERT INTO ab_user (id, first_name, last_name, username, email, active, auth_token)"
            " VALUES (:id, 'Éric', :name, :mail, :mail, true, :mail)"
        ),
        {"id": at, "name": name, "mail": f"eric-{at}@exemple.fr"},
    )
    db.session.commit()


def test_accounts_that_stand_already_get_their_keys(app: Flask) -> None:
    downgrade(directory=MIGRATIONS, revision="0046")
    names = ["D'HONDT", "Œuvrard-Lefèvre", "ŁUKASIEWICZ", "Nguyễn", "DA SILVA", "Ð’ANGELO St. Jean"]
    for at, name in enumerate(names, 10_000):
        _account(name, at)
    upgrade(directory=MIGRATIONS, revision="0047")
    upgrade(directory=MIGRATIONS)
    people = db.session.execute(select(Person)).scalars().all()
    assert len(people) > len(names)
    for one in people:
        keys = search_key(one.last_name), search_key(one.first_name), search_key(one.email)
        assert (one.search_last, one.search_first, one.search_email) == keys
