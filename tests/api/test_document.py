"""The OpenAPI document: sound in itself, and true of the routes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator

from app.models.api import EVENTS
from app.views.api.problems import KINDS


@pytest.fixture
def backend_name() -> str:
    """The document does not depend on the base."""
    return "sqlite"


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    """Give the document as anybody gets it."""
    response = app.test_client().get("/api/v1/openapi.json")
    assert (response.status_code, response.mimetype) == (200, "application/json")
    return dict(response.get_json())


def calls(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, call in methods.items():
            yield path, method, call


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def test_the_schemas_are_sound_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    names = document["components"]["schemas"]
    for schema in names.values():
        Draft202012Validator.check_schema(schema)
    assert {ref.removeprefix("#/components/schemas/") for ref in references(document)} == names.keys()


def test_it_describes_the_routes_and_no_other(app: Flask, document: dict[str, Any]) -> None:
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1")), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.endpoint not in ("api_v1.openapi", "api_v1.reference")
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }
    assert {(path, method) for path, method, _ in calls(document)} == served
    assert len({call["operationId"] for *_, call in calls(document)}) == len(served) == 15


def test_each_place_of_an_address_is_described(document: dict[str, Any]) -> None:
    for path, _, call in calls(document):
        told = {one["name"] for one in call["parameters"] if one["in"] == "path"}
        assert told == set(re.findall(r"{(\w+)}", path))


def test_every_problem_has_an_example_that_fits_its_schema(document: dict[str, Any]) -> None:
    seen = set()
    for *_, call in calls(document):
        for status, response in call["responses"].items():
            assert response["description"]
            for media in response.get("content", {}).values():
                validator = Draft202012Validator({**media["schema"], "components": document["components"]})
                for code, example in media.get("examples", {}).items():
                    validator.validate(example["value"])
                    assert (example["value"]["code"], str(example["value"]["status"])) == (code, status)
                    seen.add(code)
    assert seen == KINDS.keys()


def test_the_example_of_a_call_fits_its_schema(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["Lines"]
    Draft202012Validator({**schema, "components": document["components"]}).validate(schema["example"])


def test_every_webhook_is_described_with_an_example_that_fits(document: dict[str, Any]) -> None:
    assert document["webhooks"].keys() == EVENTS.keys()
    for told in document["webhooks"].values():
        schema = told["post"]["requestBody"]["content"]["application/json"]["schema"]
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(schema["example"])
