"""`flask api-key`, as the operator meets it."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import delete, select

from app.extensions import db
from app.models import ApiKey, Membership, MembershipRight
from tests.support import person_id

from .conftest import DEMO, NEIGHBOUR, Caller
from .test_calls import MARIE


@pytest.fixture
def backend_name() -> str:
    """The services behind it are tested on both bases."""
    return "sqlite"


def run(app: Flask, *words: str) -> tuple[int, str, str]:
    result = app.test_cli_runner().invoke(args=["api-key", *words])
    return result.exit_code, result.stdout, result.stderr


def test_the_key_stands_alone_on_standard_output_and_works(app: Flask) -> None:
    code, key, told = run(app, "--siret", "123 456 782 00010", "--scopes", "analyse,register")
    assert (code, told, len(key.split())) == (0, "", 1)
    call = Caller(app, key.strip())
    answer = call.register(MARIE)
    assert answer.status_code == 201
    assert "sandbox" not in answer.json
    assert call.client.batch(answer.json["batch"])["state"] == "registered"


def test_a_sandbox_key_says_so_in_its_own_letters(app: Flask) -> None:
    _, key, _ = run(
        app, "--siret", DEMO, "--scopes", "register", "--sandbox", "--name", "Essais", "--ends-on", "2022-01-31"
    )
    assert key.startswith("cqc_test_")
    row = db.session.execute(select(ApiKey)).scalar_one()
    assert (row.name, row.sandbox, str(row.ends_on)) == ("Essais", True, "2022-01-31")


def test_it_acts_as_the_legal_representative_else_as_a_manager_with_the_right(app: Flask) -> None:
    for siret in (DEMO, NEIGHBOUR):
        run(app, "--siret", siret, "--scopes", "read")
    people = list(db.session.execute(select(ApiKey.created_by_id).order_by(ApiKey.id)).scalars())
    assert people == [person_id("representant@demo.example"), person_id("voisin@demo.example")]


@pytest.mark.parametrize(
    ("siret", "scopes", "sentence"),
    [
        ("00000000000000", "read", "Aucun centre n’est enregistré sous le SIRET 00000000000000."),
        (DEMO, "tout", "Portées inconnues ou absentes : tout."),
        (DEMO, "", "Portées inconnues ou absentes"),
        (NEIGHBOUR, "read", "Ce centre n’a ni représentant légal, ni gestionnaire autorisé"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(app: Flask, siret: str, scopes: str, sentence: str) -> None:
    voisin = select(Membership.id).where(Membership.person_id == person_id("voisin@demo.example"))
    db.session.execute(delete(MembershipRight).where(MembershipRight.membership_id.in_(voisin)))
    db.session.commit()
    code, key, told = run(app, "--siret", siret, "--scopes", scopes)
    assert (code, key) == (2, "")
    assert sentence in told
    assert db.session.execute(select(ApiKey)).first() is None
