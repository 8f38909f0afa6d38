"""Cancelling and replacing by API: every reason, once, with the answers that the document foresees."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.extensions import db
from app.models import Batch, Cancellation, Registration, WebhookDelivery
from app.models.amendment import REASONS, REPLACING
from app.services.amendments import orders, requests
from app.services.api import keys as api_keys
from app.services.api import webhooks
from tests.api.conftest import Caller, Dial
from tests.bases import UNDER_THE_ROLE
from tests.support import centre_id, person_id

from .test_acts import OTHER_PERMIT, again, agent, live, mend, new_of, one

BACKENDS = UNDER_THE_ROLE


def cancel(call: Any, row: Registration | int, code: str = "duplicate", key: str = "c1", **more: Any) -> Any:
    id_ = row if isinstance(row, int) else row.id
    body = {"reason_code": code, "reason": "relu", **more}
    return call("POST", f"/registrations/{id_}/cancellation", json=body, headers={"Idempotency-Key": key})


def line(row: Registration, **changes: str) -> dict[str, str]:
    return {**orders.as_typed(row).values(), **changes}


def count(model: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_cancels(call: Caller, code: str) -> None:
    row = one()
    answer = cancel(call, row, code)
    assert (answer.status_code, answer.get_json()) == (200, {"registration": row.id, "status": "cancelled"})
    assert not again(row).is_live
    told = call("GET", f"/registrations/{row.id}").get_json()
    assert (told["status"], told["cancelled_on"], told["replaced_by"]) == ("cancelled", "2022-01-10", None)
    assert {document["state"] for document in told["documents"]} == {"revoked"}


@pytest.mark.parametrize("code", REPLACING)
def test_every_reason_that_replaces(call: Caller, code: str) -> None:
    row = one()
    answer = cancel(call, row, code, replacement=line(row, first_name="Marie-Ange", end_date="2022-01-06"))
    assert answer.status_code == 201
    new = answer.get_json()["replaced_by"]
    assert new["price"] == "25.34"
    assert new["certificate_number"] == live(again(new["id"]))["certificate"].number
    told = call("GET", f"/registrations/{new['id']}").get_json()
    assert (told["status"], told["replaces"]) == ("active", row.id)
    assert call("GET", f"/registrations/{row.id}").get_json()["replaced_by"] == new["id"]


def test_the_same_call_again_has_the_first_answer(call: Caller) -> None:
    row = one()
    body = line(row, **OTHER_PERMIT)
    first = cancel(call, row, "wrong_permit", replacement=body)
    second = cancel(call, row, "wrong_permit", replacement=body)
    assert (first.status_code, first.get_json()) == (second.status_code, second.get_json())
    assert count(Cancellation) == 1


def test_another_call_is_told_what_was_done(call: Caller) -> None:
    row = one()
    mend(row, code="duplicate")
    answer = cancel(call, row)
    assert answer.status_code == 409
    told = answer.get_json()
    assert (told["code"], told["registration"], told["status_of_registration"]) == (
        "already_cancelled", row.id, "cancelled",
    )  # fmt: skip


def test_a_key_that_served_elsewhere_is_refused(call: Caller) -> None:
    row = one()
    cancel(call, row)
    other = one()
    assert cancel(call, other).get_json()["code"] == "idempotency_key_reused"
    assert again(other).is_live


def test_a_replacement_in_error_comes_with_its_analysis(call: Caller) -> None:
    row = one()
    answer = cancel(call, row, "wrong_permit", replacement=line(row, permit_number="?"))
    assert answer.status_code == 422
    assert answer.get_json()["code"] == "lines_in_error"
    assert answer.get_json()["rows"][0]["remarks"]
    for code, more in (("duplicate", {"replacement": line(row, **OTHER_PERMIT)}), ("other", {"reason": " "})):
        assert cancel(call, row, code, **more).get_json()["code"] == "correction_refused"
    assert again(row).is_live


def test_what_an_agent_decides_is_asked_and_followed(app: Flask, call: Caller) -> None:
    row = one()
    app.config["TODAY"] = date(2022, 1, 18)
    answer = cancel(call, row)
    key = answer.get_json()["request"]
    assert answer.status_code == 202
    assert cancel(call, row).get_json() == {"request": key}
    assert call("GET", f"/corrections/{key}").get_json()["state"] == "open"
    waiting = requests.open_of(row.id)
    assert waiting is not None
    requests.refuse(waiting.id, agent().actor_id, "Pièce illisible")
    told = call("GET", f"/corrections/{key}").get_json()
    assert (told["state"], told["answer"]) == ("refused", "Pièce illisible")
    assert call("GET", "/corrections/0000000000000000").status_code == 404


def test_another_centre_s_is_not_found(call: Caller) -> None:
    assert cancel(call, 999_999).status_code == 404


def test_a_key_needs_the_scope(dial: Dial) -> None:
    row = one()
    reader = dial("read", "register")
    assert cancel(reader, row).get_json()["code"] == "scope_missing"
    assert again(row).is_live


def test_a_sandbox_key_rehearses_and_writes_nothing(dial: Dial) -> None:
    row = one()
    rehearsal = dial(sandbox=True)
    batches = count(Batch)
    assert cancel(rehearsal, row).get_json() == {"sandbox": True, "registration": row.id, "status": "cancelled"}
    answer = cancel(rehearsal, row, "wrong_permit", "c2", replacement=line(row, **OTHER_PERMIT))
    assert answer.status_code == 201
    assert (count(Batch), count(Cancellation)) == (batches, 0)
    assert again(row).is_live


def test_the_centre_s_software_is_told(call: Caller) -> None:
    api_keys.subscribe(centre_id(), person_id("representant@demo.example"))
    events = ["registration.cancelled", "documents.revoked"]
    webhooks.create(centre_id(), person_id("representant@demo.example"), "https://logiciel.example/avis", events)
    row = one()
    new = new_of(mend(row, **OTHER_PERMIT))
    rows = db.session.execute(select(WebhookDelivery).order_by(WebhookDelivery.id)).scalars().all()
    assert [one.event for one in rows] == events
    assert f'"replaced_by": {new.id}' in rows[0].body
    assert call is not None
