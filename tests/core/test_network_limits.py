"""What a subscriber's network is to every limit: an IPv4 address, the first 64 bits of an IPv6 one."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from flask import Flask

from app import services
from app.services.accounts import sign_in
from app.services.core import throttle
from app.services.core.throttle import Limit, TooOften
from app.validators import networks
from tests.bases import BOTH
from tests.conftest import PASSWORD

BACKENDS = BOTH
EACH_VALUE = True

MANAGER = "gestionnaire@demo.example"
NETWORK_LIMITS = [
    module.FROM_NETWORK
    for found in pkgutil.walk_packages(services.__path__, "app.services.")
    if hasattr(module := importlib.import_module(found.name), "FROM_NETWORK")
]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::"),
        ("2001:0db8:0001:0003:0000:0000:0000:0001", "2001:db8:1:3::"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::"),
        ("", ""),
        ("inconnue", "inconnue"),
    ],
)
def test_one_subscriber_has_one_network(address: str, counted: str) -> None:
    assert networks.subscriber(address) == counted


def test_every_limit_by_network_is_known_here() -> None:
    assert {limit.name for limit in NETWORK_LIMITS} >= {
        "sign-in network", "sign-up network", "reset network", "holder network", "file network",
    }  # fmt: skip


@pytest.mark.parametrize("limit", NETWORK_LIMITS, ids=lambda limit: limit.name)
@pytest.mark.parametrize(
    ("same", "another"),
    [("2001:db8:1:2::{at:x}", "2001:db8:1:3::1"), ("2001:db8:1:2:{at:x}::1", "2001:db8:1::1")],
)
def test_addresses_of_one_ipv6_network_are_counted_together(app: Flask, limit: Limit, same: str, another: str) -> None:
    for at in range(limit.free):
        throttle.count(limit, same.format(at=at + 1))
    with pytest.raises(TooOften):
        throttle.count(limit, same.format(at=limit.free + 1))
    throttle.count(limit, another)


@pytest.mark.parametrize("limit", NETWORK_LIMITS, ids=lambda limit: limit.name)
def test_an_ipv4_address_is_the_same_however_the_server_names_it(app: Flask, limit: Limit) -> None:
    for at in range(limit.free):
        throttle.count(limit, ("192.0.2.1", "::ffff:192.0.2.1")[at % 2])
    with pytest.raises(TooOften):
        throttle.count(limit, "192.0.2.1")
    throttle.count(limit, "192.0.2.2")
    throttle.count(limit, "::ffff:192.0.2.3")


def test_a_good_sign_in_is_uncounted_from_another_address_of_the_network(app: Flask) -> None:
    for at in range(2 * throttle.NETWORK_FREE):
        sign_in.check(MANAGER, PASSWORD, f"2001:db8:1:2::{at + 1:x}")


def test_the_sign_in_page_counts_so(app: Flask) -> None:
    codes = [
        app.test_client()
        .post(
            "/login/", data={"username": f"essai{at}@mail.example", "password": "x"},
            environ_base={"REMOTE_ADDR": f"2001:db8:9:9::{at + 1:x}"},
        )
        .status_code
        for at in range(throttle.NETWORK_FREE + 1)
    ]  # fmt: skip
    assert codes == [422] * throttle.NETWORK_FREE + [429]
