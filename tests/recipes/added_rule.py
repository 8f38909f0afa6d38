"""Run by test_a_rule.py in a copy of the program to which two rules were added: are they obeyed at the three doors?"""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.validators.remark import Code
from tests.support import MARIE
from tests.test_three_doors import TRAINING, answered, by_file, by_hand, codes_of, post

#: Every line says it: a rule may read the whole line, or what many lines share.
TOLD = ["reference_is_order:reference", "end_date_on_friday"]
LINES = [
    {**MARIE, "reference": "COM1", "order_number": "COM1"}, {**MARIE, "permit_number": "850492100999"},
]  # fmt: skip


@pytest.fixture(params=["sqlite"])
def backend_name(request: pytest.FixtureRequest) -> str:
    """Run on one base: rules know none."""
    return str(request.param)


def added(codes: list[str]) -> list[str]:
    return [code for code in codes if code.split(":")[0] in ("reference_is_order", "end_date_on_friday")]


def test_the_added_rules_are_obeyed_by_form_file_and_api(app: Flask) -> None:
    lines: list[dict[str, Any]] = [{**TRAINING, **line} for line in LINES]
    hand, file = codes_of(by_hand(LINES)), codes_of(by_file(lines))
    api = {
        number: [f"{code}:{field}".removesuffix(":None") for code, field, _ in told]
        for number, told in answered(post(app, "/analyses", lines)).items()
    }
    for found in (hand, file, api):
        assert {number: added(codes) for number, codes in found.items()} == {1: TOLD, 2: TOLD[1:]}
    assert hand == file


def test_their_place_and_severity_are_those_of_the_table(app: Flask) -> None:
    report = post(app, "/analyses", [{**TRAINING, **LINES[0]}])
    assert (report["errors"], report["importable"]) == (1, False)
    places = list(Code)
    assert [one["severity"] for one in report["rows"][0]["remarks"] if added([one["code"]])] == ["error", "information"]
    assert places[-2:] == ["reference_is_order", "end_date_on_friday"]
