"""A manager without any right reads nobody's name at any address: every page is asked for, and its text looked through."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.conftest import PASSWORD
from tests.support import MARIE

from . import everybody
from .rows import Rows, make_rows

#: The demonstration centre's drivers and trainers, as the rows of `rows.py` hold them.
SECRETS = ("MARTIN", "DURAND", "PETITJEAN", MARIE["permit_number"], "800569210042", "123456789")
#: Pages for whoever holds their link or number, whatever the centre; and the examples of the API's guide.
BY_LINK = ("account.", "address.", "password.", "member_invitation.", "verification.", "api_help.", "lent.")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rows, FlaskClient]]:
    """Give the rows and the browser of the manager without any right."""
    with everybody.demonstration(tmp_path_factory.mktemp("no-right")) as (app, _file):
        rows = make_rows(app)
        browser = app.test_client()
        browser.post("/login/", data={"username": everybody.PEOPLE["no-right"], "password": PASSWORD})
        assert browser.get("/mon-profil/").status_code == 200
        yield rows, browser


def test_no_page_names_a_driver(world: tuple[Rows, FlaskClient]) -> None:
    rows, browser = world
    told: dict[str, list[str]] = {}
    for rule in rows.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint.startswith(BY_LINK) or rule.rule.startswith("/api/"):
            continue
        with rows.app.test_request_context():
            address = rows.url(rule)
        text = browser.get(address, follow_redirects=True).data.decode("utf-8", "replace")
        if found := [secret for secret in SECRETS if secret in text]:
            told[address] = found
    assert told == {}
