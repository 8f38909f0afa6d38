"""What is refused is counted, with the network it came from, for twelve months and no longer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from structlog.testing import capture_logs

from app.extensions import db
from app.models import RefusedRequest
from app.services.core import actor
from app.services.drivers import data_gathered
from app.services.journal import refused_requests
from app.services.retention import purge
from tests.support import person_id

OWNER = "gestionnaire@demo.example"


@pytest.fixture(params=["sqlite", "postgresql-role"])
def backend_name(request: pytest.FixtureRequest) -> str:
    """Run each test where every base may be, and where walls hold."""
    return str(request.param)


def counted() -> list[tuple[str, str, str, int, int]]:
    with actor.acting(actor.PROGRAM):
        rows = db.session.execute(select(RefusedRequest).order_by(RefusedRequest.id)).scalars()
        return [(row.kind, row.endpoint, row.network, row.person_id, row.count) for row in rows]


def test_a_refused_page_is_counted(app: Flask, client: FlaskClient, sign_in: Callable[..., FlaskClient]) -> None:
    sign_in(client, OWNER)
    with capture_logs() as said:
        assert client.get("/centres/list/").status_code == 403
        assert client.get("/centres/list/").status_code == 403
    assert client.get("/sessions/").status_code == 200
    assert counted() == [("forbidden", "CentresView.list", "127.0.0.1", person_id(OWNER), 2)]
    [first, _] = [line for line in said if line["event"] == "request refused"]
    assert first["kind"] == "forbidden"
    assert "127.0.0.1" not in str(first), "the log of the process is kept by others: no address in it"


def test_too_many_tries_are_counted(app: Flask, client: FlaskClient) -> None:
    wrong = {"username": OWNER, "password": "not the password"}
    answers = {client.post("/login/", data=wrong).status_code for _ in range(7)}
    assert 429 in answers
    assert [row[:3] for row in counted()] == [("too_often", "LoginView.login", "127.0.0.1")]


@pytest.mark.parametrize(
    ("authorization", "code"), [("", "key_missing"), ("Bearer cqc_live_00000000_" + "A" * 43, "key_invalid")]
)
def test_a_refused_key_is_counted(app: Flask, client: FlaskClient, authorization: str, code: str) -> None:
    client.get("/api/v1/catalogue", headers={"Authorization": authorization})
    assert counted() == [(code, "api_v1.catalogue", "127.0.0.1", 0, 1)]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7", "203.0.113.7"), ("unix", ""), ("", ""),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
    ],
)  # fmt: skip
def test_a_network_is_what_one_connection_has(address: str, network: str) -> None:
    assert refused_requests.network_of(address) == network


def test_twelve_months_later_it_is_forgotten(app: Flask) -> None:
    for address in ("203.0.113.7", "203.0.113.8"):
        refused_requests.note("forbidden", "x", address)
    today = db.session.scalars(select(RefusedRequest.day)).first()
    assert today
    for address, days in (("203.0.113.7", 366), ("203.0.113.8", 364)):
        old = {"day": today - timedelta(days=days)}
        db.session.execute(update(RefusedRequest).where(RefusedRequest.network == address).values(old))
    db.session.commit()
    assert purge.purge(dry_run=True, by_owner=False).refusals == 1
    assert purge.purge(by_owner=False).refusals == 1
    assert [row[2] for row in counted()] == ["203.0.113.8"]


def test_a_person_is_told_what_is_kept_of_them(app: Flask) -> None:
    refused_requests.note("forbidden", "x", "203.0.113.7", person_id(OWNER))
    refused_requests.note("forbidden", "x", "203.0.113.8", person_id("voisin@demo.example"))
    told: list[dict[str, Any]] = data_gathered.gather(person_id(OWNER))["Demandes refusées"]
    assert [row["Depuis le réseau"] for row in told] == ["203.0.113.7"]


def test_the_command_lists_them(app: Flask) -> None:
    refused_requests.note("key_invalid", "api_v1.catalogue", "203.0.113.7")
    said = app.test_cli_runner().invoke(args=["refusals"])
    assert said.exit_code == 0
    assert "key_invalid" in said.output
    assert "203.0.113.7" in said.output
