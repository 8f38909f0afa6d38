"""Lists as the program's role asks for them on PostgreSQL, below the policies: each answers, by the key's index."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import Driver, Registration
from app.models.driver import standing
from app.services.core import actor, bulk
from app.services.core.dialect import found_first, on_postgresql
from tests.bases import UNDER_THE_ROLE
from tests.crud.test_searches import AGENT, LEGAL, MANAGER, _views
from tests.support import MARIE, PIERRE, plan, registered

BACKENDS = UNDER_THE_ROLE
EACH_VALUE = True


@pytest.mark.parametrize("email", [AGENT, MANAGER, LEGAL])
def test_every_list_answers(app: Flask, client: FlaskClient, sign_in, email: str) -> None:
    registered(MARIE, PIERRE)
    browser = sign_in(client, email)
    for view in _views(app, email):
        assert browser.get(f"{view.route_base}/list/").status_code == 200, view.route_base
        if "words" in view.datamodel.questions:
            page = browser.get(f"{view.route_base}/list/", query_string={"_flt_0_words": "martin 850492100123"})
            assert page.status_code == 200, view.route_base


def test_ids_are_looked_up_in_the_key_s_index(app: Flask) -> None:
    ids = select(Driver.id).where(Driver.permit_number == "850492100123")
    for condition, index in (
        (bulk.among(Registration.id, [1, 2, 3]), "pk_registration"),
        (bulk.among(Registration.driver_id, [1, 2, 3]), "ix_registration_driver_centre"),
        (found_first(Registration.driver_id, ids), "ix_registration_driver_centre"),
    ):
        told = plan(select(Registration.reference).where(condition))
        if on_postgresql():
            assert f"{index} " in told, told
            assert "Index Cond: (id = ANY" in told or "Index Cond: (driver_id = ANY" in told, told
        else:
            assert "SEARCH registration USING" in told


@pytest.mark.bases("postgresql-role")
@pytest.mark.usefixtures("app")
def test_the_driver_whom_a_permit_leads_to_is_looked_up_by_its_key() -> None:
    """By COALESCE all drivers were read for each registration by hand, each call and each screen that asks for one."""
    actor.be(actor.PROGRAM)
    for way in ("hashjoin", "mergejoin"):  # as among many drivers, of whom one is asked for
        db.session.execute(text(f"SET LOCAL enable_{way} = off"))
    known = aliased(Driver)

    def told(leads_to: ColumnElement[int]) -> str:
        query = select(Driver.id).select_from(known).join(Driver, Driver.id == leads_to)
        return plan(query.where(known.permit_number == "850492100123"))

    assert "Index Cond: (id = CASE" in told(standing(known))
    assert "Index Cond: (id = " not in told(func.coalesce(known.same_as_id, known.id)), "the test sees it"
