"""A caller with a key, whose every answer is held against the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator

from app.services.api import keys as api_keys
from app.services.api.keys import NewKey
from clients.python.registre_cqc import Answer, Client

DEMO, NEIGHBOUR = "12345678200010", "98765432400019"
ALL = ("read", "analyse", "register", "correct", "invoices")


class Caller:
    """Calls the API with a key; an answer that the document does not foresee fails the test."""

    def __init__(self, app: Flask, key: str) -> None:
        self.app, self._key = app, key
        self._document: dict[str, Any] = app.test_client().get("/api/v1/openapi.json").get_json()
        self.client = Client("http://localhost", key, tries=1, send=self._send)

    def __call__(self, method: str, path: str, **options: Any) -> Any:
        """Send a call and return the response, checked against the document."""
        headers = {"Authorization": f"Bearer {self._key}", **options.pop("headers", {})}
        response = self.app.test_client().open(f"/api/v1{path}", method=method, headers=headers, **options)
        self._hold(method, path, response)
        return response

    def register(self, *lines: Mapping[str, str | None], key: str = "k1", **members: Any) -> Any:
        """Post lines to `/registrations` under an idempotency key, with further members of the body."""
        sent = {"lines": list(lines), **members}
        return self("POST", "/registrations", json=sent, headers={"Idempotency-Key": key})

    def _hold(self, method: str, path: str, response: Any) -> None:
        told = self._document["paths"][_template(path)][method.lower()]["responses"][str(response.status_code)]
        assert response.headers["X-Request-Id"]
        if "content" not in told:
            assert response.data == b""
            return
        media = told["content"][response.mimetype]
        if response.mimetype == "application/pdf":
            assert response.data.startswith(b"%PDF-")
            return
        if response.mimetype == "application/xml":
            assert response.data.startswith(b"<?xml")
            return
        Draft202012Validator({**media["schema"], "components": self._document["components"]}).validate(response.json)
        if "examples" in media:
            assert response.json["code"] in media["examples"]

    def _send(self, method: str, address: str, headers: Mapping[str, str], data: bytes | None) -> Answer:
        path = address.removeprefix("http://localhost/api/v1")
        response = self(method, path, data=data, headers=dict(headers))
        body = json.loads(response.data) if response.data and response.is_json else None
        told = {name.lower(): value for name, value in response.headers}
        return Answer(response.status_code, told, body, response.data)


def _template(path: str) -> str:
    parts = path.partition("?")[0].split("/")
    if len(parts) >= 3 and parts[1] == "invoices":
        parts[2] = "{number}" + (f".{parts[2].partition('.')[2]}" if "." in parts[2] else "")
    elif len(parts) >= 3:
        parts[2] = {
            "batches": "{key}", "corrections": "{key}", "registrations": "{id}", "documents": "{number}.pdf"
        }[parts[1]]  # fmt: skip
    return "/".join(parts)


Dial = Callable[..., Caller]


@pytest.fixture
def dial(app: Flask) -> Dial:
    """Make a key and return what calls with it: ``dial("read", sandbox=True)``; all scopes by default."""

    def make(*scopes: str, siret: str = DEMO, **options: Any) -> Caller:
        return Caller(app, api_keys.issue(siret, NewKey("Essais", scopes or ALL, **options)))

    return make


@pytest.fixture
def call(dial: Dial) -> Caller:
    """Call for the demonstration centre, with every scope."""
    return dial()
