"""The migration that folds search keys anew: what stands already is found afterwards, on both bases, and back again."""

from __future__ import annotations

import importlib.util
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import insert, select, update

from app.extensions import db
from app.models import Driver, Registration
from app.models.search import search_key
from app.services.core import actor
from app.validators.fields import clean
from config import ROOT
from tests.backends import BACKENDS as KINDS
from tests.bases import BOTH
from tests.support import PIERRE, registered

BACKENDS = BOTH

MIGRATIONS = ROOT / "migrations"
NAMES = ["Yıldız", "Wałęsa", "Sørensen", "LE GOFF", "D'HONDT", "Đặng", "Œuvrard", "Weiß", "DUPONT"]
#: So many that the migration takes several shares.
MANY = 5_001


def migration() -> ModuleType:
    (place,) = (MIGRATIONS / "versions").glob("*_one_folding_of_letters.py")
    spec = importlib.util.spec_from_file_location("folding", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("base", ["sqlite", "postgresql"])
def test_what_stands_already_is_folded_anew_and_back(base: str, tmp_path: Path) -> None:
    backend = KINDS[base](tmp_path)
    try:
        with backend.app.app_context():
            _stand(backend.app)
            at = migration()
            downgrade(directory=str(MIGRATIONS), revision=at.down_revision)
            assert _keys(Driver, "LE GOFF") == {"le goff"}
            assert _keys(Registration, "DUPONT") == {"dupont"}
            db.session.remove()  # or what was read would hold the table that later migrations change
            upgrade(directory=str(MIGRATIONS))
            actor.be(actor.PROGRAM)
            assert {name: _keys(Driver, name) for name in NAMES} == {name: {search_key(name)} for name in NAMES}
            assert _keys(Registration, "DUPONT") == {"dupont"}
            assert set(db.session.execute(select(Registration.search_order)).scalars()) == {"com1"}
            db.session.remove()
    finally:
        backend.close()


def _stand(app: Flask) -> None:
    """Write drivers and a registration whose keys another program made."""
    born = date(1980, 1, 1)
    rows = [
        {"birth_date": born, "permit_number": f"{at:012d}", "last_name": NAMES[at % len(NAMES)], "first_name": "Ève"}
        for at in range(MANY)
    ]
    db.session.execute(insert(Driver), rows)
    db.session.commit()
    registered(PIERRE)
    db.session.execute(update(Driver).values(search_last="stale", search_first="stale"))
    db.session.execute(update(Registration).values(search_last="stale", search_order="stale"))
    db.session.commit()
    db.session.remove()


def _keys(model: type[Driver] | type[Registration], name: str) -> set[str]:
    db.session.remove()
    return set(db.session.execute(select(model.search_last).where(model.last_name == name)).scalars())


def test_the_key_of_the_migration_is_the_programs() -> None:
    at = migration()
    letters = [clean(chr(code)) for code in (*range(0x20, 0x2B0), *range(0x1E00, 0x1F00), *range(0x2C60, 0x2C80))]
    assert [letter for letter in letters if at.search_key(letter) != search_key(letter)] == []
    assert at.former_key("Lefèvre-D'Œuvre") == "lefevre d oeuvre"
