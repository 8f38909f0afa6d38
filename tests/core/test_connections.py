"""What each connection to the base is given before anybody asks through it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.extensions import db


@pytest.mark.bases("postgresql-role")
@pytest.mark.usefixtures("app")
def test_no_statement_is_compiled_for_longer_than_it_runs() -> None:
    assert db.session.scalar(text("SHOW jit")) == "off"


@pytest.mark.usefixtures("app")
def test_sqlite_keeps_its_foreign_keys() -> None:
    assert db.session.scalar(text("PRAGMA foreign_keys")) == 1
