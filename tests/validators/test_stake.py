"""What is at stake in a line beyond its errors: billed again, or billed with documents that are withheld."""

from __future__ import annotations

from typing import Any

import pytest

from app.validators.fields import name_key
from app.validators.stake import NOTHING, Stake, withholds
from tests.validators.facts import DRIVER, FIMO_GOODS, context, report

ACCOUNT = {DRIVER: name_key("Dupont", "Pierre")}
FIMO = {(*DRIVER, FIMO_GOODS, None): 2}


@pytest.mark.parametrize(
    ("facts", "line", "expected"),
    [
        ({}, {}, NOTHING),
        ({"account_names": ACCOUNT}, {}, NOTHING),
        ({"account_names": ACCOUNT}, {"last_name": "DURAND"}, Stake(withheld=True)),
        ({"account_names": ACCOUNT}, {"last_name": ""}, NOTHING),
        ({"account_names": ACCOUNT}, {"last_name": "DURAND", "birth_date": "02/01/1990"}, NOTHING),
        (
            {"account_names": ACCOUNT, "own_names": {DRIVER: frozenset({name_key("Durand", "Pierre")})}},
            {"last_name": "DURAND"},
            Stake(withheld=True, is_known=True),
        ),
        (
            {"own_times": FIMO, "own_names": {DRIVER: frozenset({name_key("Dupont", "Pierre")})}},
            {},
            Stake(times=2, is_known=True),
        ),
    ],
)
def test_by_the_facts(facts: dict[str, Any], line: dict[str, str], expected: Stake) -> None:
    assert report(line, facts=context(**facts)).rows[0].stake == expected


def test_a_line_that_is_not_kept_withholds_nothing() -> None:
    found = report({"last_name": "DURAND"}, {"last_name": "DURAND"}, facts=context(account_names=ACCOUNT))
    assert found.withheld == [1]


def test_of_a_driver_whom_the_centre_never_registered_nothing_is_told() -> None:
    durand = {"last_name": "DURAND"}
    assert report(durand, facts=context(account_names=ACCOUNT)).to_json()["withheld"] == []
    known = {DRIVER: frozenset({name_key("Durand", "Pierre")})}
    assert report(durand, facts=context(account_names=ACCOUNT, own_names=known)).to_json()["withheld"] == [1]


def test_without_an_account_no_name_withholds() -> None:
    assert not withholds(None, "DURAND", "Pierre")
