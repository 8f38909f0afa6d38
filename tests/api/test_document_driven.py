"""Calls made from the document itself, by schemathesis: whatever is sent, the answer is one that the document foresees."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from app.services.api import keys as api_keys
from app.services.api.keys import NewKey

from .conftest import ALL, DEMO

#: Operations of the document, by their `operationId`.
CALLS = (
    "catalogue", "analyses", "registrations", "batch", "registration", "cancellation", "correction", "list_registrations",
    "list_batches", "document", "list_invoices", "invoice", "invoice_pdf", "invoice_xml", "consumption",
)  # fmt: skip
#: Calls of each operation and mode: a share of what `make calls` sends.
EXAMPLES = int(os.environ.get("CALLS", "15"))
#: Why a call that fits the document may be refused all the same: what no schema can tell.
ITS_MEANING = {
    "invalid_date", "lines_in_error", "not_found", "idempotency_key_reused", "already_registered", "already_cancelled",
    "correction_refused", "invalid_parameter", "invalid_cursor",
}  # fmt: skip


@pytest.fixture
def backend_name() -> str:
    """What the base makes of values is tested elsewhere, on both."""
    return "sqlite"


def fresh(app: Flask) -> Callable[..., Iterable[bytes]]:
    """Return the program as WSGI; each request has a context of its own, as in life."""

    def serve(environ: Any, start_response: Any) -> Iterable[bytes]:
        with app.app_context():
            return list(app.wsgi_app(environ, start_response))

    return serve


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("name", CALLS)
def test_any_call_made_from_the_document(app: Flask, name: str, mode: GenerationMode) -> None:
    app.config["API_CALLS_PER_MINUTE"] = 100_000
    key = api_keys.issue(DEMO, NewKey("Essais", ALL))
    document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", fresh(app))
    rejection = document.config.checks.negative_data_rejection
    rejection.expected_statuses = [*rejection.expected_statuses, "413"]  # too many lines is told as too large
    operation = next(
        one.ok() for one in document.get_all_operations() if one.ok().definition.raw["operationId"] == name
    )

    @seed(20220110)
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=False, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(mode))
    def send(case: Any) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        response = case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])
        if mode.is_positive and response.status_code >= 400:
            assert response.json()["code"] in ITS_MEANING

    send()


def test_no_call_is_left_out(app: Flask) -> None:
    document = app.test_client().get("/api/v1/openapi.json").json
    told = {call["operationId"] for calls in document["paths"].values() for call in calls.values()}
    assert told == set(CALLS)
