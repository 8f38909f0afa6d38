"""Whatever is posted, the answer is one the document foresees, and never a failure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.validators.remark import FIELDS
from tests.bases import BOTH

from .conftest import Caller
from .test_calls import MARIE

BACKENDS = BOTH
EACH_VALUE = True

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), inner),
    max_leaves=12,
)
TEXTS = st.text(max_size=80) | st.sampled_from([*MARIE.values(), "0001-01-01", "9999-12-31", "29/02/2100", "#REF!", ""])
LINES = st.lists(st.dictionaries(st.sampled_from(FIELDS), TEXTS), max_size=4)
BODIES = JSON | st.fixed_dictionaries({"lines": JSON}) | st.fixed_dictionaries({"lines": LINES})


@pytest.mark.parametrize("path", ["/analyses", "/registrations"])
def test_a_body_of_any_shape(call: Caller, path: str) -> None:
    @settings(max_examples=120, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(sent=BODIES, key=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=90))
    def post(sent: Any, key: str) -> None:
        headers = {"Idempotency-Key": key} if path == "/registrations" else {}
        body = json.dumps(sent).encode()
        assert call("POST", path, data=body, content_type="application/json", headers=headers).status_code < 500

    call.app.config["API_CALLS_PER_MINUTE"] = 10_000
    post()
