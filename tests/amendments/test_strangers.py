"""A correction tells a centre no more of strangers' accounts than registering them does, and counts whom it asked about."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import AskedIdentity, Registration
from app.services.amendments import orders
from tests.api.conftest import Caller
from tests.bases import UNDER_THE_ROLE
from tests.support import PIERRE, registered

BACKENDS = UNDER_THE_ROLE
SignIn = Callable[..., FlaskClient]
#: A driver with a proved account whom the centre never registered.
LEROY = {"birth_date": "25/12/2002", "permit_number": "298795874"}
HAS_ACCOUNT, HAS_NONE, HELD = "a un compte", "n’a pas de compte", "connu sous un autre nom"


@pytest.fixture
def row(app: Flask) -> Registration:
    """Give a registration of the demonstration centre."""
    batch = registered(PIERRE)
    return db.session.execute(select(Registration).where(Registration.batch_id == batch.id)).scalar_one()


def told(client: FlaskClient, row: Registration, **changes: str) -> str:
    """Return the effects of replacing the line, as they are shown."""
    values = {**orders.as_typed(row).values(), **changes}
    sent = {**values, "reason_code": "wrong_permit", "reason": "", "act": "remplacer"}
    return str(client.post(f"/corrections/{row.id}/effets", data=sent).get_data(as_text=True))


def asked() -> list[str]:
    return list(db.session.execute(select(AskedIdentity.permit_number).order_by(AskedIdentity.permit_number)).scalars())


def test_who_knows_the_name_learns_of_the_account(client: FlaskClient, sign_in: SignIn, row: Registration) -> None:
    page = told(sign_in(client, "gestionnaire@demo.example"), row, **LEROY, last_name="LEROY", first_name="Marie")
    assert HAS_ACCOUNT in page
    assert LEROY["permit_number"] in asked()


def test_under_another_name_it_is_said_that_documents_are_withheld(
    client: FlaskClient, sign_in: SignIn, row: Registration
) -> None:
    page = told(sign_in(client, "gestionnaire@demo.example"), row, **LEROY)
    assert HAS_ACCOUNT not in page
    assert HELD in page
    assert LEROY["permit_number"] in asked()


def test_beyond_the_limit_of_the_day_nothing_is_learnt(
    app: Flask, client: FlaskClient, sign_in: SignIn, row: Registration
) -> None:
    app.config["STRANGERS_PER_DAY"] = 1
    manager = sign_in(client, "gestionnaire@demo.example")
    told(manager, row, permit_number="777777777777")
    for names in ({}, {"last_name": "LEROY", "first_name": "Marie"}):
        page = told(manager, row, **LEROY, **names)
        assert HAS_NONE in page
        assert HAS_ACCOUNT not in page
        assert HELD not in page
    assert LEROY["permit_number"] not in asked()


def test_a_line_refused_to_a_program_counts_all_the_same(call: Caller, row: Registration) -> None:
    """Its answer tells every remark, of a line that will not be paid for."""
    line = {**orders.as_typed(row).values(), **LEROY, "last_name": "LEROY", "first_name": "M4rie"}
    body = {"reason_code": "wrong_permit", "reason": "", "replacement": line}
    answer = call("POST", f"/registrations/{row.id}/cancellation", json=body, headers={"Idempotency-Key": "c1"})
    assert answer.status_code == 422
    assert LEROY["permit_number"] in asked()
