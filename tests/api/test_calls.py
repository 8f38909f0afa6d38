"""The five calls, as a program of a centre meets them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.extensions import db
from app.models import (
    AskedIdentity,
    Batch,
    BatchLine,
    Document,
    JournalEntry,
    Mail,
    Outbox,
    Registration,
    ServiceContract,
)
from app.models.outbox import INVITATION_MAIL
from clients.python.registre_cqc import ApiError, LinesInError
from tests.bases import UNDER_THE_ROLE, on_sqlite
from tests.support import centre_id, drain, many, statements

from .conftest import NEIGHBOUR, Caller, Dial

FIMO = {"training_label": "FIMO Marchandises", "category": "Marchandises", "end_date": "2022-01-07"}
MARIE = {
    **FIMO, "reference": "REF1", "order_number": "COM1", "first_name": "Marie", "last_name": "MARTIN",
    "birth_date": "1985-04-12", "permit_number": "850492100123",
}  # fmt: skip
PIERRE = {
    **MARIE, "first_name": "Pierre", "last_name": "DUPONT", "birth_date": "01/01/1990", "permit_number": "82R987928"
}  # fmt: skip
MODULE = {**MARIE, "training_label": "Module FCO"}


BACKENDS = UNDER_THE_ROLE


def count(model: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def lines(number: int) -> list[dict[str, str]]:
    return [{**FIMO, **row} for row in many(number)]


class TestCatalogue:
    def test_what_the_centre_is_accredited_for_with_its_price(self, call: Caller) -> None:
        answer = call("GET", "/catalogue").json
        assert answer["on"] == "2022-01-10"
        told = {(one["label"], one["category"]): one["price"] for one in answer["trainings"]}
        assert told["FIMO Marchandises", "Marchandises"] == "25.34"
        assert told["Module FCO", "Voyageurs"] == "5.07"
        assert not any("CTCR" in label for label, _ in told)

    @pytest.mark.parametrize("on", ["2019-12-31", "31/12/2019"])
    def test_the_day_asked_for_counts(self, call: Caller, on: str) -> None:
        assert call("GET", f"/catalogue?on={on}").json == {"on": "2019-12-31", "trainings": []}

    @on_sqlite
    @pytest.mark.parametrize(
        ("query", "code"),
        [("on=2022-02-30", "invalid_date"), ("on=hier", "invalid_date"), ("jour=2022-01-01", "unknown_parameter")],
    )
    def test_a_question_without_meaning_is_refused(self, call: Caller, query: str, code: str) -> None:
        response = call("GET", f"/catalogue?{query}")
        assert (response.status_code, response.json["code"]) == (400, code)


class TestAnalyses:
    @on_sqlite
    def test_iso_and_french_dates_are_the_same_and_nothing_is_written(self, call: Caller) -> None:
        report = call.client.analyse([MARIE, PIERRE])
        assert (report["lines"], report["errors"], report["informations"], report["importable"]) == (2, 0, 1, True)
        assert [(row["line"], [remark["code"] for remark in row["remarks"]]) for row in report["rows"]] == [
            (2, ["no_account"]), (1, []),
        ]  # fmt: skip
        assert (count(Batch), count(BatchLine), count(Registration)) == (0, 0, 0)

    @on_sqlite
    def test_a_field_left_out_is_empty(self, call: Caller) -> None:
        report = call.client.analyse([{name: text for name, text in MARIE.items() if name != "first_name"}])
        assert [remark["message"] for remark in report["rows"][0]["remarks"]] == ["Prénom non renseigné"]

    def test_a_thousand_lines_take_as_many_reads_as_one(self, call: Caller) -> None:
        with statements() as few:
            call.client.analyse(lines(1))
        with statements() as most:
            assert call.client.analyse(lines(1000))["lines"] == 1000
        assert len(most) == len(few) <= 8


class TestStrangers:
    """`no_account` is no oracle: whatever numbers are tried, nobody's account is found under a false name."""

    def test_twenty_thousand_numbers_under_a_false_name_learn_nothing(self, app: Flask, dial: Dial) -> None:
        app.config["API_CALLS_PER_MINUTE"] = 1000
        call, told, refused = dial("analyse"), set(), 0
        for start in range(0, 20_000, 1000):
            tried = [{**MARIE, "last_name": "INCONNU", "permit_number": f"{start + at:012d}"} for at in range(999)]
            answer = call("POST", "/analyses", json={"lines": [*tried, {**MARIE, "last_name": "INCONNU"}]})
            if answer.status_code == 429:
                refused += 1
                assert answer.json["code"] == "too_many_strangers"
                assert "plus de 5\N{NO-BREAK SPACE}000 conducteurs" in answer.json["detail"]
                assert 0 < int(answer.headers["Retry-After"]) <= 25 * 3600
                continue
            assert {row["line"] for row in answer.json["rows"] if row["remarks"]} == set(range(1, 1001))
            told |= {remark["code"] for row in answer.json["rows"] for remark in row["remarks"]}
        assert told == {"no_account"}, "the driver with an account looks like all others"
        assert refused == 15
        entries = (
            db.session.execute(select(JournalEntry).where(JournalEntry.action == "asking.limit_reached"))
            .scalars()
            .all()
        )
        assert [(entry.centre_id, entry.after) for entry in entries] == [(centre_id(), {"limit": 5000})]
        assert count(AskedIdentity) == 5000

    def test_beyond_the_limit_registering_goes_on(self, app: Flask, dial: Dial) -> None:
        app.config["STRANGERS_PER_DAY"] = 3
        call = dial()
        assert call("POST", "/analyses", json={"lines": lines(5)}).status_code == 429
        assert call.register(*lines(5)).status_code == 201
        assert call("POST", "/analyses", json={"lines": lines(5)}).status_code == 200, "its own are no strangers"
        assert call.register({**MARIE, "order_number": ""}, key="k2").status_code == 422

    def test_a_refused_registration_counts_and_tells_no_more(self, app: Flask, dial: Dial) -> None:
        app.config["STRANGERS_PER_DAY"] = 3
        call = dial()
        bad = [{**row, "order_number": ""} for row in lines(3)]
        assert call.register(*bad, key="k1").status_code == 422
        assert count(AskedIdentity) == 3
        told = call.register({**MARIE, "order_number": ""}, key="k2").json["rows"][0]["remarks"]
        assert [remark["code"] for remark in told] == ["missing", "no_account"], "she has an account"

    def test_a_trial_key_is_no_way_round(self, app: Flask, dial: Dial) -> None:
        app.config["STRANGERS_PER_DAY"] = 3
        call = dial(sandbox=True)
        assert call.register(*lines(5), key="k1").status_code == 429
        assert count(Registration) == 0


class TestRegistrations:
    def test_lines_become_registrations_at_the_price_of_the_day(self, call: Caller) -> None:
        response = call.register(MARIE, MODULE, PIERRE)
        assert response.status_code == 201
        told = response.json["registrations"]
        assert [(one["line"], one["price"], bool(one["certificate_number"])) for one in told] == [
            (1, "25.34", True), (2, "5.07", False), (3, "25.34", True),
        ]  # fmt: skip
        batch = db.session.execute(select(Batch)).scalar_one()
        assert (batch.key, batch.mode, batch.state, batch.idempotency_key) == (
            response.json["batch"], "api", "registered", "k1",
        )  # fmt: skip
        assert batch.summary["kept"] == 3
        numbers = set(db.session.execute(select(Document.number).where(Document.kind == "certificate")).scalars())
        assert numbers == {one["certificate_number"] for one in told} - {None}
        entry = db.session.execute(select(JournalEntry).where(JournalEntry.action == "batch.registered")).scalar_one()
        assert entry.after["registrations"] == 3
        assert len(entry.after["api_key"]) == 8

    def test_a_line_in_error_keeps_everything_out(self, call: Caller) -> None:
        response = call.register(MARIE, {**PIERRE, "first_name": ""})
        assert (response.status_code, response.json["code"], response.json["errors"]) == (422, "lines_in_error", 1)
        assert response.json["rows"][0]["remarks"][0]["code"] == "missing"
        assert [count(model) for model in (Batch, BatchLine, Registration, Outbox)] == [0, 0, 0, 0]
        with pytest.raises(LinesInError) as refused:
            call.client.register([{**MARIE, "permit_number": ""}])
        assert refused.value.analysis["errors"] == 1

    def test_after_a_refusal_the_same_key_serves_for_the_corrected_lines(self, call: Caller) -> None:
        assert call.register({**MARIE, "last_name": "1"}).status_code == 422
        assert call.register(MARIE).status_code == 201

    def test_an_identical_line_is_not_billed(self, call: Caller) -> None:
        assert [one["line"] for one in call.register(MARIE, MARIE).json["registrations"]] == [1]

    def test_without_contract_nothing_is_registered(self, call: Caller) -> None:
        db.session.execute(update(ServiceContract).values(state="suspended"))
        db.session.commit()
        response = call.register(MARIE)
        assert (response.status_code, response.json["code"]) == (403, "not_allowed")
        assert call("POST", "/analyses", json={"lines": [MARIE]}).status_code == 200
        assert count(Batch) == 0

    def test_one_line_takes_few_statements_however_much_the_base_holds(self, call: Caller) -> None:
        call.register(*lines(200), key="before")
        with statements() as seen:
            assert call.register({**PIERRE}, key="one").status_code == 201
        trips = [text for text in seen if not text.startswith("PRAGMA")]
        # The lines go in by COPY or executemany, below what is listened to: one more. One asks for the centre's ceilings, one
        # whether a driver was joined to another meanwhile.
        assert len(trips) + 1 <= 17, trips

    def test_a_thousand_lines_in_one_call(self, call: Caller) -> None:
        told = call.register(*lines(1000)).json["registrations"]
        assert [one["line"] for one in told] == list(range(1, 1001))
        assert count(Registration) == 1000
        assert len(call.client.batch(db.session.execute(select(Batch.key)).scalar_one())["registrations"]) == 1000


class TestIdempotency:
    def test_the_first_answer_is_given_again(self, call: Caller) -> None:
        first = call.register(MARIE)
        again = call.register(dict(reversed(MARIE.items())))
        assert (again.status_code, again.json) == (201, first.json)
        assert count(Registration) == 1

    def test_it_is_given_again_even_where_the_lines_would_be_refused_today(self, app: Flask, call: Caller) -> None:
        first = call.register(MARIE)
        app.config["TODAY"] = app.config["TODAY"].replace(year=2021)
        assert call.register(MARIE).json == first.json
        assert call.register(MARIE, key="other").status_code == 422

    def test_the_same_key_with_other_lines_is_refused(self, call: Caller) -> None:
        call.register(MARIE)
        response = call.register(PIERRE)
        assert (response.status_code, response.json["code"]) == (409, "idempotency_key_reused")
        assert count(Registration) == 1

    def test_another_centre_may_use_the_same_key(self, dial: Dial) -> None:
        voyageurs = {**MARIE, "training_label": "FIMO Voyageurs", "category": "Voyageurs"}
        answers = [dial().register(voyageurs), dial(siret=NEIGHBOUR).register(voyageurs)]
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json["batch"] != answers[1].json["batch"]

    @on_sqlite
    @pytest.mark.parametrize(
        ("headers", "code"),
        [
            ({}, "idempotency_key_missing"),
            ({"Idempotency-Key": ""}, "idempotency_key_invalid"),
            ({"Idempotency-Key": "a b"}, "idempotency_key_invalid"),
            ({"Idempotency-Key": "x" * 81}, "idempotency_key_invalid"),
        ],
    )
    def test_the_key_is_needed(self, call: Caller, headers: dict[str, str], code: str) -> None:
        response = call("POST", "/registrations", json={"lines": [MARIE]}, headers=headers)
        assert (response.status_code, response.json["code"]) == (400, code)

    def test_twins_sent_at_once_wait_and_get_one_answer(self, call: Caller) -> None:
        gate = threading.Barrier(10)
        answers: list[Any] = []

        def act() -> None:
            gate.wait()
            answers.append(call.register(MARIE, PIERRE))

        threads = [threading.Thread(target=act) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [answer.status_code for answer in answers] == [201] * 10
        assert len({answer.data for answer in answers}) == 1
        assert (count(Batch), count(Registration), count(Document)) == (1, 2, 4)


class TestReading:
    def test_documents_become_available(self, call: Caller) -> None:
        told = call.register(MARIE, MODULE).json
        before = call.client.batch(told["batch"])
        assert (before["state"], before["mode"], before["registrations"]) == (
            "registered",
            "api",
            told["registrations"],
        )
        assert [one["state"] for one in before["documents"]] == ["pending"] * 3
        drain()
        found = call.client.registration(told["registrations"][0]["id"])
        number = told["registrations"][0]["certificate_number"]
        assert [(one["kind"], one["state"]) for one in found["documents"]] == [
            ("recap", "available"), ("certificate", "available"),
        ]  # fmt: skip
        assert found["documents"][1]["number"] == number
        assert found["documents"][1]["verify_url"] == f"http://127.0.0.1:8080/verifier/{number}"
        assert found["batch"] == told["batch"]

    def test_a_withheld_document_is_not_said_to_be_available(self, call: Caller) -> None:
        told = call.register({**MARIE, "last_name": "DURAND"}).json
        drain()
        documents = call.client.registration(told["registrations"][0]["id"])["documents"]
        assert {one["state"] for one in documents} == {"pending"}

    def test_what_has_not_changed_is_not_sent_again(self, call: Caller) -> None:
        path = f"/batches/{call.register(MARIE).json['batch']}"
        first = call("GET", path)
        tag = first.headers["ETag"]
        same = call("GET", path, headers={"If-None-Match": tag})
        assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", tag)
        for answer in (first, same):
            assert answer.headers["Cache-Control"] == "private, no-cache"
            assert "Authorization" in answer.headers["Vary"]
            assert answer.headers["RateLimit-Remaining"]
        drain()
        assert call("GET", path, headers={"If-None-Match": tag}).status_code == 200
        for kept_nowhere in (call.register(MARIE, key="k2"), call("GET", "/batches/0000000000000000")):
            assert kept_nowhere.headers["Cache-Control"] == "no-store"

    def test_a_batch_is_read_page_by_page(self, call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.services.api.reading.PAGE", 2)
        key = call.register(*lines(5)).json["batch"]
        seen, after = [], 0
        while after is not None:
            page = call.client.batch(key, after)
            assert len(page["documents"]) == 2 * len(page["registrations"])
            seen += [one["line"] for one in page["registrations"]]
            after = page["next"]
        assert seen == [1, 2, 3, 4, 5]
        assert call("GET", f"/batches/{key}?after=-1").json["code"] == "invalid_cursor"

    def test_another_centre_finds_nothing(self, dial: Dial) -> None:
        told = dial().register(MARIE).json
        stranger = dial(siret=NEIGHBOUR)
        for path in (f"/batches/{told['batch']}", f"/registrations/{told['registrations'][0]['id']}"):
            mine, unknown = stranger("GET", path), stranger("GET", "/batches/0000000000000000")
            assert (mine.status_code, mine.json) == (404, unknown.json)

    @on_sqlite
    @pytest.mark.parametrize(
        "path", ["/batches/%00", "/registrations/0", "/registrations/x", "/registrations/9" + "9" * 30]
    )
    def test_an_odd_address_is_not_found(self, call: Caller, path: str) -> None:
        assert call("GET", path).status_code == 404


class TestSandbox:
    def test_nothing_is_left_and_the_answer_says_so(self, dial: Dial) -> None:
        trial = dial(sandbox=True)
        before = [count(model) for model in (Batch, BatchLine, Registration, Document, Outbox)]
        answer = trial.register(MARIE, MODULE)
        assert (answer.status_code, answer.json["sandbox"]) == (201, True)
        first, second = answer.json["registrations"]
        assert first["certificate_number"].startswith("SPECIMEN-")
        assert (first["price"], second["certificate_number"], second["price"]) == ("25.34", None, "5.07")
        assert [count(model) for model in (Batch, BatchLine, Registration, Document, Outbox)] == before == [0] * 5
        assert trial.register(MARIE, MODULE).json == answer.json

    def test_the_rules_are_the_same(self, dial: Dial) -> None:
        assert dial(sandbox=True).register({**MARIE, "end_date": "2022-01-11"}).status_code == 422


class TestAddress:
    def invited(self) -> list[tuple[str, str]]:
        query = select(Mail.recipient, Mail.state).where(Mail.kind == INVITATION_MAIL)
        return [(row.recipient, row.state) for row in db.session.execute(query)]

    def test_the_driver_without_account_is_invited_once_registered(self, call: Caller) -> None:
        answer = call.register({**MARIE, "email": "m@mail.example"}, {**PIERRE, "email": "Pierre@Mail.example"})
        assert answer.status_code == 201
        drain()
        assert self.invited() == [("pierre@mail.example", "sent")]
        assert set(db.session.scalars(select(BatchLine.email))) == {""}

    def test_a_bad_one_is_told_and_registers_all_the_same(self, call: Caller) -> None:
        bad = {**PIERRE, "email": "pierre@"}
        [row] = call("POST", "/analyses", json={"lines": [bad]}).json["rows"]
        assert [(one["code"], one["severity"], one["field"]) for one in row["remarks"]] == [
            ("no_account", "information", None), ("address_unusable", "information", "email"),
        ]  # fmt: skip
        assert row["values"]["email"] == "pierre@"
        assert call.register(bad).status_code == 201
        drain()
        assert self.invited() == []

    @on_sqlite
    def test_left_out_or_null_it_changes_nothing(self, call: Caller) -> None:
        told = call("POST", "/analyses", json={"lines": [PIERRE, {**MARIE, "email": None}]}).json
        assert all("email" not in row["values"] for row in told["rows"])
        assert call.register(PIERRE).json == call.register({**PIERRE, "email": None}).json

    @on_sqlite
    def test_a_trial_invites_nobody(self, dial: Dial) -> None:
        assert dial(sandbox=True).register({**PIERRE, "email": "p@mail.example"}).status_code == 201
        drain()
        assert (self.invited(), count(Outbox)) == ([], 0)

    @on_sqlite
    def test_a_replacement_takes_none(self, dial: Dial) -> None:
        sent = {"reason_code": "wrong_permit", "replacement": {**PIERRE, "email": "p@mail.example"}}
        call = dial()
        one = call.register(PIERRE).json["registrations"][0]["id"]
        answer = call("POST", f"/registrations/{one}/cancellation", json=sent, headers={"Idempotency-Key": "another"})
        assert (answer.status_code, answer.json["code"]) == (400, "unknown_field")


@on_sqlite
def test_the_client_says_what_was_refused(dial: Dial) -> None:
    with pytest.raises(ApiError) as refused:
        dial("read").client.analyse([MARIE])
    assert (refused.value.status, refused.value.code) == (403, "scope_missing")
    assert refused.value.request_id


def test_the_centre_of_the_key_is_the_only_one_written_for(dial: Dial) -> None:
    dial(siret=NEIGHBOUR).register({**MARIE, "training_label": "FIMO Voyageurs", "category": "Voyageurs"})
    assert set(db.session.execute(select(Registration.centre_id)).scalars()) == {centre_id(NEIGHBOUR)}
