"""Keys that open nothing, bodies that are not what the document says, too many calls: each with its own code."""

from __future__ import annotations

import json
import sys
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.extensions import db
from app.models import ApiKey
from app.services.api import keys as api_keys
from app.services.api.keys import NewKey

from .conftest import DEMO, Caller, Dial
from .test_calls import MARIE


@pytest.fixture
def backend_name() -> str:
    """What is refused before any service is asked is tested on one base."""
    return "sqlite"


def bare(app: Flask, authorization: str | None) -> Any:
    headers = {"Authorization": authorization} if authorization is not None else {}
    return app.test_client().get("/api/v1/catalogue", headers=headers)


class TestKeys:
    @pytest.mark.parametrize(
        ("authorization", "code"),
        [
            (None, "key_missing"),
            ("", "key_missing"),
            ("Bearer", "key_missing"),
            ("Basic dXNlcjpwYXNz", "key_missing"),
            ("Bearer cqc", "key_invalid"),
            ("Bearer cqc_live_00000000_" + "A" * 43, "key_invalid"),
            ("Bearer " + "é" * 60, "key_invalid"),
        ],
    )
    def test_without_a_key_nothing_opens(self, app: Flask, authorization: str | None, code: str) -> None:
        response = bare(app, authorization)
        assert (response.status_code, response.json["code"]) == (401, code)
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert response.mimetype == "application/problem+json"

    def test_the_right_prefix_with_another_secret_is_as_unknown_as_any(self, app: Flask) -> None:
        key = api_keys.issue(DEMO, NewKey("Essais", ("read",)))
        wrong = bare(app, "Bearer " + key[:-1] + ("a" if key[-1] != "a" else "b"))
        unknown = bare(app, "Bearer cqc_live_00000000_" + "A" * 43)
        assert (wrong.status_code, wrong.json) == (401, unknown.json)
        assert bare(app, f"Bearer {key}").status_code == 200

    def test_a_key_past_its_last_day(self, app: Flask, dial: Dial) -> None:
        call = dial(ends_on=date(2022, 1, 10))
        assert call("GET", "/catalogue").status_code == 200
        app.config["TODAY"] = date(2022, 1, 11)
        response = call("GET", "/catalogue")
        assert (response.status_code, response.json["code"]) == (401, "key_expired")

    def test_a_call_refused_is_not_a_use(self, app: Flask) -> None:
        api_keys.issue(DEMO, NewKey("Essais", ("read",)))
        row = db.session.execute(select(ApiKey)).scalar_one()
        bare(app, f"Bearer cqc_live_{row.prefix}_" + "A" * 43)
        db.session.refresh(row)
        assert row.last_used_at is None

    @pytest.mark.parametrize(
        ("scope", "open_calls"),
        [
            ("read", {"catalogue", "batch"}),
            ("analyse", {"catalogue", "analyses"}),
            ("register", {"catalogue", "batch", "registrations"}),
        ],
    )
    def test_each_scope_opens_its_calls_only(self, dial: Dial, scope: str, open_calls: set[str]) -> None:
        call = dial(scope)
        answers = {
            "catalogue": call("GET", "/catalogue"),
            "analyses": call("POST", "/analyses", json={"lines": [MARIE]}),
            "registrations": call.register(MARIE),
            "batch": call("GET", "/batches/0000000000000000"),
        }
        shut = {name: answer.json["code"] for name, answer in answers.items() if answer.status_code == 403}
        assert shut == dict.fromkeys(answers.keys() - open_calls, "scope_missing")


class TestRate:
    def test_calls_are_counted_and_the_one_too_many_is_put_off(self, app: Flask, dial: Dial) -> None:
        app.config["API_CALLS_PER_MINUTE"] = 2
        call = dial()
        answers = [call("GET", "/catalogue") for _ in range(3)]
        # The minute may turn in between: then the count starts again, and the fourth or fifth call is the one too many.
        while answers[-1].status_code == 200:
            answers.append(call("GET", "/catalogue"))
        assert answers[0].headers["RateLimit-Limit"] == "2"
        assert answers[0].headers["RateLimit-Remaining"] == "1"
        assert answers[-1].json["code"] == "too_many_calls"
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
        assert dial()("GET", "/catalogue").status_code == 200


BODIES: list[tuple[bytes, int, str, str]] = [
    (b"", 400, "invalid_json", ""),
    (b"{", 400, "invalid_json", ""),
    (b"\xff\xfe", 400, "invalid_json", ""),
    (b'{"lines": [NaN]}', 400, "invalid_json", ""),
    (b"[" * 100_000, 400, "invalid_json", ""),
    (b'{"lines": [' + b"[" * 500 + b"]" * 500 + b"]}", 400, "wrong_type", "/lines/0"),
    (b'{"lines": [], "lines": []}', 400, "duplicate_field", ""),
    (b'{"lines": [{"first_name": "a", "first_name": "b"}]}', 400, "duplicate_field", ""),
    (b"[]", 400, "wrong_type", ""),
    (b"null", 400, "wrong_type", ""),
    (b"{}", 400, "missing_field", "/lines"),
    (b'{"lines": []}', 400, "no_line", "/lines"),
    (b'{"lines": {}}', 400, "wrong_type", "/lines"),
    (b'{"lines": [{}], "mode": "x"}', 400, "unknown_field", "/mode"),
    (b'{"lines": [{}, {"prenom": "Marie"}]}', 400, "unknown_field", "/lines/1/prenom"),
    (b'{"lines": [{"first_name": 1}]}', 400, "wrong_type", "/lines/0/first_name"),
    (b'{"lines": [{"first_name": [null]}]}', 400, "wrong_type", "/lines/0/first_name"),
    (b'{"lines": null}', 400, "wrong_type", "/lines"),
    (b'{"lines": [null]}', 400, "wrong_type", "/lines/0"),
    (b'{"lines": [{"permit_number": 850492100123}]}', 400, "wrong_type", "/lines/0/permit_number"),
    (b'{"lines": [{"first_name": "a\\u0000"}]}', 400, "control_character", ""),
    (b'{"lines": [{"first_name": "\\ud800"}]}', 400, "control_character", ""),
    (b'{"lines": [{"first_name": "' + b"a" * 1001 + b'"}]}', 400, "too_long", "/lines/0/first_name"),
    (json.dumps({"lines": [{}] * 1001}).encode(), 413, "too_many_lines", ""),
    (b" " * (2 * 1024 * 1024 + 1), 413, "too_large", ""),
]


FULL = 2 * 1024 * 1024 - 100


def filled(before: bytes, one: bytes, after: bytes) -> bytes:
    """Return a body of 2 MB, made of one value again and again."""
    return before + b",".join([one] * (FULL // (len(one) + 1))) + after


def named(many: int) -> bytes:
    """Return so many members, each of another name that the document does not know."""
    return b",".join(b'"k%d":1' % number for number in range(many))


#: Bodies made to cost: what the refusal is.
COSTLY: dict[str, tuple[bytes, str]] = {
    "unknown members": (b"{" + named(180_000) + b"}", "unknown_field"),
    "unknown members of a line": (b'{"lines":[{' + named(180_000) + b"}]}", "unknown_field"),
    "lines of unknown members": (b'{"lines":[' + b",".join([b"{" + named(180) + b"}"] * 900) + b"]}", "unknown_field"),
    "lines of one": (filled(b'{"lines":[', b'{"zz":1}', b"]}"), "too_many_lines"),
    "empty lines": (filled(b'{"lines":[', b"{}", b"]}"), "too_many_lines"),
    "empty lists": (filled(b'{"lines":[', b"[]", b"]}"), "too_many_lines"),
    "numbers": (filled(b'{"lines":[', b"1", b"]}"), "too_many_lines"),
    "texts": (filled(b"[", b'""', b"]"), "wrong_type"),
    "the same member": (filled(b"{", b'"a":1', b"}"), "duplicate_field"),
    "the same member late": (b"{" + named(180_000) + b',"k1":1}', "unknown_field"),
    "depth": (b"[" * FULL, "invalid_json"),
    "depth of objects": (b'{"lines":' * (FULL // 9), "invalid_json"),
    "a long number": (b'{"lines":[' + b"9" * FULL + b"]}", "invalid_json"),
    "a long fraction": (b'{"lines":[0.' + b"9" * FULL + b"]}", "wrong_type"),
    "a large exponent": (b'{"lines":[1e' + b"9" * 1000 + b"]}", "wrong_type"),
    "a long name": (b'{"' + b"a" * FULL + b'":1}', "missing_field"),
    "wrong lines": (b'{"lines":[' + b",".join([b'{"last_name":1,"first_name":[]}'] * 1000) + b"]}", "wrong_type"),
}  # fmt: skip


class TestBodies:
    @pytest.mark.parametrize("kind", COSTLY)
    def test_a_body_made_to_cost_is_refused_before_it_does(self, call: Caller, kind: str) -> None:
        sent, code = COSTLY[kind]
        assert call("GET", "/catalogue").status_code == 200  # what is done once in a process is done
        calls = 0

        def count(_frame: object, event: str, _argument: object) -> None:
            nonlocal calls
            calls += event in {"call", "c_call"}

        sys.setprofile(count)
        try:
            response = call("POST", "/analyses", data=sent, content_type="application/json")
        finally:
            sys.setprofile(None)
        assert response.json["code"] == code
        # A thousand lines are judged one by one; what is refused for its shape is not looked into.
        assert calls < (500_000 if kind == "wrong lines" else 20_000)

    @pytest.mark.parametrize(("sent", "status", "code", "pointer"), BODIES, ids=[f"{b[2]}{b[3]}" for b in BODIES])
    @pytest.mark.parametrize("path", ["/analyses", "/registrations"])
    def test_what_the_document_does_not_foresee(
        self, call: Caller, path: str, sent: bytes, status: int, code: str, pointer: str
    ) -> None:
        headers = {"Idempotency-Key": "k"} if path == "/registrations" else {}
        response = call("POST", path, data=sent, content_type="application/json", headers=headers)
        assert (response.status_code, response.json["code"]) == (status, code)
        assert response.json.get("pointer", "") == pointer

    @pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
    def test_only_json_is_read(self, call: Caller, media: str) -> None:
        response = call("POST", "/analyses", data=b'{"lines": [{}]}', content_type=media)
        assert (response.status_code, response.json["code"]) == (415, "not_json")

    def test_a_charset_beside_json_is_no_obstacle(self, call: Caller) -> None:
        sent = json.dumps({"lines": [MARIE]}).encode()
        assert call("POST", "/analyses", data=sent, content_type="application/json; charset=utf-8").status_code == 200

    def test_what_the_rules_refuse_is_the_rules_to_say(self, call: Caller) -> None:
        line = {**MARIE, "birth_date": "12/4/85", "end_date": "2022-13-01", "last_name": "11111"}
        row = call("POST", "/analyses", json={"lines": [line]}).json["rows"][0]
        assert [(one["code"], one["field"]) for one in row["remarks"]] == [
            ("format", "end_date"), ("format", "last_name"), ("format", "birth_date"),
        ]  # fmt: skip


class TestAround:
    def test_the_callers_number_comes_back_and_a_strange_one_is_replaced(self, call: Caller) -> None:
        assert (
            call("GET", "/catalogue", headers={"X-Request-Id": "mon-appel.1"}).headers["X-Request-Id"] == "mon-appel.1"
        )
        assert len(call("GET", "/catalogue", headers={"X-Request-Id": "<b>"}).headers["X-Request-Id"]) == 32

    @pytest.mark.parametrize(("method", "path", "status"), [("GET", "nulle-part", 404), ("PUT", "catalogue", 405)])
    def test_other_addresses_answer_as_problems_too(self, app: Flask, method: str, path: str, status: int) -> None:
        response = app.test_client().open(f"/api/v1/{path}", method=method)
        assert (response.status_code, response.mimetype) == (status, "application/problem+json")
        assert response.json["code"]
        assert response.headers["X-Request-Id"]

    def test_a_failure_says_nothing_of_itself(
        self, call: Caller, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError("MARTIN Marie 850492100123")

        monkeypatch.setattr("app.services.registration.analysis.analyse_lines", fail)
        response = call("POST", "/analyses", json={"lines": [MARIE]})
        assert (response.status_code, response.json["code"]) == (500, "internal_error")
        assert "MARTIN" not in response.text + "".join(capsys.readouterr())

    def test_a_base_that_is_away_is_said_and_when_to_come_back(
        self, call: Caller, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def away(*_: object, **__: object) -> None:
            raise OperationalError("SELECT MARTIN", {}, Exception("could not connect"))

        monkeypatch.setattr("app.services.registration.analysis.analyse_lines", away)
        response = call.register(MARIE)
        assert (response.status_code, response.json["code"]) == (503, "service_unavailable")
        assert response.headers["Retry-After"] == "30"
        assert "même clé d’idempotence" in response.json["detail"]
        assert "MARTIN" not in response.text + "".join(capsys.readouterr())

    def test_a_form_of_another_site_has_nothing_to_forge(self, app: Flask, call: Caller) -> None:
        app.config["WTF_CSRF_ENABLED"] = True
        assert call.register(MARIE).status_code == 201
