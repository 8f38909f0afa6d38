"""Whatever the rules accept is drawn: values of every length up to what the base holds; longer ones on further pages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.services.documents.pages import render_certificate, render_recap
from app.validators.fields import parse_name
from tests.paper.reading import text

from .test_pages import CERTIFICATE, MINOR, RECAP

#: Letters that names may have: wide and narrow, with marks above and below, from all the ranges of the rule.
LETTERS = st.sampled_from("AWmilÉçŒƒǄȺɐʯḁỿⱠⱿ")
NAMES = st.text(LETTERS, min_size=1, max_size=60).map(lambda name: parse_name(name) or "A")
LONG = NAMES.map(lambda name: name * 60)


def words(longest: int) -> st.SearchStrategy[str]:
    """Return texts of words as long as that, or one word as long."""
    signs = st.sampled_from("AWmil é-'<&{}%")
    return st.text(signs, min_size=1, max_size=longest) | st.integers(1, longest).map("W".__mul__)


def sentences(longest: int) -> st.SearchStrategy[str]:
    """Return what the operator says of itself: as long as that, in words."""
    word = st.text(st.sampled_from("AWmilé-'<&{}%"), min_size=1, max_size=30)
    return st.lists(word, min_size=1, max_size=longest // 10).map(" ".join).map(lambda text: text[:longest].strip())


VALUES = {
    "last_name": NAMES,
    "first_name": NAMES,
    "permit_number": st.from_regex(r"[A-Z0-9]{9,16}", fullmatch=True),
    "training_label": words(120),
    "category": words(20),
    "centre_name": words(160),
    "accreditation_number": words(40),
    "sealed_by": st.just("") | sentences(400),
    "issuer": sentences(300),
    "accreditation_authority": words(120),
}
DOCUMENTS = [
    pytest.param(render_certificate, CERTIFICATE, id="certificate"),
    pytest.param(render_certificate, MINOR, id="minor"),
    pytest.param(render_recap, RECAP, id="recap"),
]


def one_line(value: str) -> str:
    return " ".join(value.split())


@pytest.mark.parametrize(("render", "data"), DOCUMENTS)
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(drawn=st.data())
def test_every_value_within_its_limit_is_drawn_whole(render: Any, data: Any, drawn: st.DataObject) -> None:
    chosen = {name: drawn.draw(kind, name) for name, kind in VALUES.items() if hasattr(data, name)}
    read = text(render(replace(data, **chosen)))
    assert [name for name, value in chosen.items() if one_line(value) not in read] == []


@pytest.mark.parametrize(("render", "data"), DOCUMENTS)
@pytest.mark.parametrize("field", ["centre_name", "training_label", "last_name", "sealed_by"])
def test_beyond_every_limit_it_goes_on_over_pages(render: Any, data: Any, field: str) -> None:
    value = "Organisme de formation " * 400
    assert one_line(value) in text(render(replace(data, **{field: value})))
