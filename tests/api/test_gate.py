"""The gate: keys that open nothing cost the same work, and a key's address is that of who really calls."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from flask import Flask

from app import create_app
from app.extensions import db
from app.services.api import gate as api_gate
from benchmarks.gate import REFERENCE, keys, new_key
from tests.backends import settings
from tests.support import statements

RANGE = ("203.0.113.0/24",)


@pytest.fixture
def backend_name() -> str:
    """The gate asks the same of both bases."""
    return "sqlite"


@contextmanager
def hashes() -> Iterator[list[str]]:
    """Count the hashes and the comparisons of secrets made inside the block."""
    seen: list[str] = []
    real_hash, real_compare = api_gate.key_hash, hmac.compare_digest

    def hashed(secret: str) -> str:
        seen.append("hash")
        return real_hash(secret)

    def compared(one: Any, other: Any) -> bool:
        assert len(one) == len(other) == 64, "a comparison that ends at the length tells the length"
        seen.append("compare")
        return real_compare(one, other)

    with patch.object(api_gate, "key_hash", hashed), patch.object(api_gate.hmac, "compare_digest", compared):
        yield seen


def test_every_key_that_opens_nothing_costs_one_read_one_hash_one_comparison(app: Flask) -> None:
    """Time is measured by the benchmark (`benchmarks/gate.py`); here the work itself is compared."""
    shown = {name: f"Bearer {key}" for name, key in keys().items()}
    done = {}
    app.test_client().get("/api/v1/catalogue")  # a process asks once what people are told: not within what is compared
    for name, authorization in shown.items():
        client = app.test_client()
        with statements() as asked, hashes() as made:
            response = client.get("/api/v1/catalogue", headers={"Authorization": authorization})
        assert response.status_code in (401, 403), name
        done[name] = ([text.partition("WHERE")[0] for text in asked], tuple(made))
    assert set(map(str, done.values())) == {str(done[REFERENCE])}
    reads, made = done[REFERENCE]
    assert ([text.split()[0] for text in reads], made) == (["SELECT", "INSERT"], ("hash", "compare"))
    assert "refused_request" in reads[1], "what is read is the key; what is written counts the refusal"


@pytest.fixture
def behind(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give the program behind so many proxies of ours, on the base of the test."""
    made = []

    def act(proxies: int) -> Flask:
        folder = tmp_path_factory.mktemp("proxied")
        url = app.config["SQLALCHEMY_DATABASE_URI"]
        other = create_app(settings(folder, url, TRUSTED_PROXIES=str(proxies)))
        made.append(other)
        return other

    yield act
    for other in made:
        with other.app_context():
            db.engine.dispose()


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "opens"),
    [
        (0, "203.0.113.7", None, True),
        (0, "198.51.100.1", "203.0.113.7", False),  # forged: no proxy of ours is there to be believed
        (1, "10.0.0.1", "203.0.113.7", True),
        (1, "10.0.0.1", "198.51.100.1", False),
        (1, "10.0.0.1", "203.0.113.7, 198.51.100.1", False),  # forged by the caller, whose own address our proxy adds
        (1, "10.0.0.1", "198.51.100.1, 203.0.113.7", True),
        (2, "10.0.0.1", "203.0.113.7, 10.0.0.2", True),
        (2, "10.0.0.1", "203.0.113.7, 198.51.100.1, 10.0.0.2", False),
        (2, "10.0.0.1", "203.0.113.7", False),  # one proxy was gone round: its peer is no address of the range
        (1, "10.0.0.1", "not an address", False),
        (1, "10.0.0.1", None, False),
        (1, "10.0.0.1", "::ffff:203.0.113.7", True),
    ],
)
def test_a_keys_range_is_held_against_who_calls_not_against_what_is_claimed(
    app: Flask, behind: Any, proxies: int, peer: str, forwarded: str | None, opens: bool
) -> None:
    headers = {"Authorization": f"Bearer {new_key(networks=RANGE)}"}
    if forwarded is not None:
        headers["X-Forwarded-For"] = forwarded
    response = (
        behind(proxies).test_client().get("/api/v1/catalogue", headers=headers, environ_base={"REMOTE_ADDR": peer})
    )
    assert (response.status_code == 200) is opens, response.text
    if not opens:
        assert (response.status_code, response.json["code"]) == (403, "address_refused")
