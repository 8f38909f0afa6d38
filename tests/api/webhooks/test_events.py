"""What centres are told of, when, and in which words."""

from __future__ import annotations

import base64
import html
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator
from sqlalchemy import func, select
from standardwebhooks import Webhook

from app.extensions import db
from app.models import Batch, Outbox, Registration, WebhookDelivery
from app.models.api import AVAILABLE, CONFIRMED, REFUSED
from app.services.api import gate as api_gate
from app.services.api import keys as api_keys
from app.services.api import webhooks
from app.services.api.keys import NewKey
from app.services.api.registering import Demand, LinesInError
from app.services.api.registering import register as register_by_api
from app.services.decisions import withheld_documents
from app.services.registration import analysis, confirm
from app.validators.line import RawLine
from app.views.api.event_schemas import EVENT_SCHEMAS
from clients.python.verifier_webhook import NotGenuine, verify
from tests.api.webhooks.conftest import deliveries
from tests.bases import on_both
from tests.receiver import Receiver
from tests.support import MARIE, PIERRE, centre_id, draft, drain, many, person_id, registered, statements

NEIGHBOUR = "98765432400019"


def raw(row: dict[str, str]) -> RawLine:
    named = {**row, "training_label": "FIMO Marchandises", "category": "Marchandises", "end_date": "07/01/2022"}
    return RawLine(number=1, not_text="", **named)


def by_api(row: dict[str, str], *, sandbox: bool = False, siret: str = "12345678200010") -> None:
    key = api_keys.issue(siret, NewKey("Essais", ("register",), sandbox=sandbox))
    register_by_api(api_gate.authenticate(key, "127.0.0.1"), Demand("envoi-1", "0" * 64, [raw(row)]))


@pytest.mark.usefixtures("endpoint")
class TestEvents:
    @on_both
    def test_a_registration_on_screen_is_told_signed_and_without_any_name(
        self, software: Receiver, endpoint: tuple[int, str]
    ) -> None:
        batch = registered(MARIE, PIERRE)
        drain()
        [confirmed, available] = software.messages
        for message in (confirmed, available):
            Webhook(endpoint[1]).verify(message.body, message.headers)
            assert verify(endpoint[1], message.headers, message.body.encode()) == message.told
            Draft202012Validator(EVENT_SCHEMAS[message.told["type"]]).validate(message.told)
            assert not [text for text in (*MARIE.values(), *PIERRE.values()) if text in message.body]
        assert (confirmed.told["type"], confirmed.told["data"]) == (
            CONFIRMED,
            {
                "batch": batch.key, "mode": "manual", "receipt_number": batch.receipt_number, "registrations": 2,
                "idempotency_key": None,
            },
        )  # fmt: skip
        ids = db.session.execute(select(Registration.id).order_by(Registration.line_number)).scalars()
        assert (available.told["type"], available.told["data"]) == (
            AVAILABLE,
            {"batch": batch.key, "registrations": [{"id": id_, "line": line} for line, id_ in enumerate(ids, 1)]},
        )
        assert (confirmed.path, confirmed.headers["content-type"]) == ("/avis?centre=1", "application/json")
        assert {one.state for one in deliveries()} == {"delivered"}

    def test_a_call_of_the_api_is_told_with_the_callers_own_key(self, software: Receiver) -> None:
        by_api(MARIE)
        drain()
        data = software.messages[0].told["data"]
        assert (data["mode"], data["idempotency_key"], data["registrations"]) == ("api", "envoi-1", 1)

    def test_a_call_refused_for_its_lines_is_told(self, software: Receiver) -> None:
        with pytest.raises(LinesInError):
            by_api({**MARIE, "first_name": ""})
        drain()
        [message] = software.messages
        Draft202012Validator(EVENT_SCHEMAS[REFUSED]).validate(message.told)
        assert (message.told["type"], message.told["data"]) == (
            REFUSED,
            {
                "batch": None, "mode": "api", "code": "lines_in_error", "lines": 1, "errors": 1,
                "idempotency_key": "envoi-1",
            },
        )  # fmt: skip
        assert db.session.scalar(select(func.count()).select_from(Batch)) == 0

    def test_a_confirmation_refused_by_its_last_check_is_told(self, app: Flask, software: Receiver) -> None:
        batch_id = draft(MARIE)
        analysis.check(batch_id)
        app.config["TODAY"] = app.config["TODAY"].replace(year=2021)
        with pytest.raises(confirm.HasErrors):
            confirm.register(batch_id, person_id())
        drain()
        [message] = software.messages
        assert message.told["type"] == REFUSED
        assert message.told["data"]["batch"] == db.session.get_one(Batch, batch_id).key

    def test_withheld_documents_are_spoken_of_once_an_agent_has_decided(self, software: Receiver) -> None:
        registered({**MARIE, "last_name": "DURAND"})
        drain()
        assert [one.told["type"] for one in software.messages] == [CONFIRMED]
        withheld_documents.release(
            db.session.execute(select(Registration.id)).scalar_one(), person_id("agent@demo.example")
        )
        drain()
        assert [one.told["type"] for one in software.messages] == [CONFIRMED, AVAILABLE]

    def test_a_sandbox_key_tells_nothing(self) -> None:
        by_api(MARIE, sandbox=True)
        with pytest.raises(LinesInError):
            by_api({**MARIE, "first_name": ""}, sandbox=True)
        assert deliveries() == []

    def test_another_centre_is_not_told(self) -> None:
        with pytest.raises(LinesInError):
            by_api(MARIE, siret=NEIGHBOUR)
        assert deliveries() == []

    @on_both
    def test_documents_come_in_as_many_messages_as_jobs(self, software: Receiver) -> None:
        registered(*many(30))
        drain()
        told = [one.told["data"] for one in software.messages if one.told["type"] == AVAILABLE]
        assert sorted(len(data["registrations"]) for data in told) == [5, 25]
        assert sorted(one["line"] for data in told for one in data["registrations"]) == list(range(1, 31))


@on_both
def test_only_what_was_asked_for_is_told(software: Receiver, subscribed: int) -> None:
    webhooks.create(centre_id(), subscribed, software.url, [AVAILABLE])
    silent, _ = webhooks.create(centre_id(), subscribed, software.url, [CONFIRMED])
    webhooks.switch(centre_id(), silent, subscribed, active=False)
    registered(MARIE)
    drain()
    assert [one.told["type"] for one in software.messages] == [AVAILABLE]


@on_both
@pytest.mark.usefixtures("endpoint")
def test_an_act_that_does_not_stand_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    batch_id = draft(MARIE)
    analysis.check(batch_id)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("app.services.registration.confirm.webhook_events.outbox.add", fail)
    with pytest.raises(RuntimeError):
        confirm.register(batch_id, person_id())
    assert (deliveries(), db.session.scalar(select(func.count()).select_from(Outbox))) == ([], 0)


def test_a_centre_without_address_costs_one_read(app: Flask) -> None:
    batch_id = draft(MARIE)
    analysis.check(batch_id)
    with statements() as seen:
        confirm.register(batch_id, person_id())
    assert len([text for text in seen if "webhook" in text]) == 1
    assert db.session.scalar(select(func.count()).select_from(WebhookDelivery)) == 0


class TestTheReceiversOwnCheck:
    """`clients/python/verifier_webhook.py`, which « Intégrer l'API » shows."""

    def headers(self, secret: str, at: datetime) -> dict[str, str]:
        signature = Webhook(secret).sign("msg_1", at, '{"type": "x"}')
        return {
            "Webhook-Id": "msg_1", "Webhook-Timestamp": str(int(at.timestamp())),
            "Webhook-Signature": f"v1,AAAA {signature}",
        }  # fmt: skip

    def test_what_is_signed_is_taken_and_all_else_refused(self) -> None:
        secret, other = (f"whsec_{base64.b64encode(bytes([one]) * 32).decode()}" for one in (1, 2))
        now = datetime.now(UTC)
        good = self.headers(secret, now)
        assert verify(secret, good, b'{"type": "x"}') == {"type": "x"}
        for headers, body in (
            (self.headers(other, now), b'{"type": "x"}'),
            (good, b'{"type": "y"}'),
            ({**good, "Webhook-Id": "msg_2"}, b'{"type": "x"}'),
            ({**good, "Webhook-Timestamp": "soon"}, b'{"type": "x"}'),
            (self.headers(secret, now - timedelta(minutes=6)), b'{"type": "x"}'),
            ({}, b'{"type": "x"}'),
        ):
            with pytest.raises(NotGenuine):
                verify(secret, headers, body)

    def test_the_guide_shows_it_letter_by_letter(self, app: Flask) -> None:
        page = html.unescape(app.test_client().get("/aide/api/").text)
        shown = page[page.index("import base64") :].partition("</pre>")[0]
        told: dict[str, Any] = {}
        exec(compile(shown, "guide", "exec"), told)
        secret = f"whsec_{base64.b64encode(b'k' * 32).decode()}"
        now = datetime.now(UTC)
        assert told["verify"](secret, self.headers(secret, now), b'{"type": "x"}') == {"type": "x"}
        for event in EVENT_SCHEMAS:
            assert event in page
