"""What the upgrade makes of accounts linked by what stands on a licence (decision 16)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import select

from app import create_app
from app.extensions import db
from app.models import Driver, IdentityClaim, SignUp
from app.services.core import clock
from app.services.demonstration import demonstration
from config import ROOT
from tests.backends import settings
from tests.bases import BOTH
from tests.support import PIERRE, person_id, registered

BACKENDS = BOTH

MIGRATIONS = str(ROOT / "migrations")


@pytest.fixture(params=["sqlite"])
def backend_name(request: pytest.FixtureRequest) -> str:
    """A base of its own is migrated down and up again; the statements are the same on PostgreSQL."""
    return str(request.param)


def signed_up(permit: str, email: str) -> None:
    """Note that the account of this address came by a sign-up."""
    driver = db.session.execute(select(Driver).where(Driver.permit_number == permit)).scalar_one()
    driver.person_id = person_id(email)
    db.session.add(SignUp(
        email=email, last_name=driver.last_name, first_name=driver.first_name, birth_date=driver.birth_date,
        permit_number=permit, password_hash="", state="opened", created_at=clock.now(), person_id=driver.person_id,
    ))  # fmt: skip
    db.session.commit()


def test_links_that_delivered_something_stay_and_empty_ones_become_claims(tmp_path: Path) -> None:
    app = create_app(settings(tmp_path, f"sqlite:///{tmp_path}/up.db"))
    with app.app_context():
        upgrade(directory=MIGRATIONS)
        demonstration.load()
        registered(
            {
                **PIERRE,
                "last_name": "LEROY",
                "first_name": "Marie",
                "birth_date": "25/12/2002",
                "permit_number": "298795874",
            }
        )
        signed_up("298795874", "leroy@demo.example")
        signed_up("7555755556", "vertapen@demo.example")
        downgrade(directory=MIGRATIONS, revision="0010")
        db.session.remove()
        upgrade(directory=MIGRATIONS)
        links = {
            permit: (person is not None, proof)
            for permit, person, proof in db.session.execute(
                select(Driver.permit_number, Driver.person_id, Driver.proof)
            )
        }
        assert links["298795874"] == (True, "earlier"), "has received documents"
        assert links["7555755556"] == (False, ""), "an identity taken in advance"
        assert links["850492100123"] == (True, "earlier"), "no sign-up made this one: the operator's"
        [claim] = db.session.execute(select(IdentityClaim)).scalars()
        assert (claim.person_id, claim.permit_number, claim.birth_date) == (
            person_id("vertapen@demo.example"), "7555755556", date(1987, 7, 7),
        )  # fmt: skip
        db.session.remove()
        db.engine.dispose()
