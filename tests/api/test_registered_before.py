"""What a call would bill a second time, what it leaves out, and whose documents it would withhold."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import Batch, BatchLine, Registration
from app.services.registration import analysis, announced, confirm
from clients.python.registre_cqc import AlreadyRegistered
from tests.bases import EVERY
from tests.support import MARIE as TYPED
from tests.support import draft, person_id

from .conftest import NEIGHBOUR, Caller, Dial
from .test_calls import MARIE, PIERRE, count

BACKENDS = EVERY
EACH_VALUE = True


class TestRegisteredBefore:
    """A line that the centre registered before would be billed again: the call says that it is meant, or nothing is done."""

    def test_the_call_is_refused_with_its_lines(self, call: Caller) -> None:
        call.register(PIERRE)
        refused = call.register(MARIE, PIERRE, key="k2")
        assert (refused.status_code, refused.json["code"]) == (409, "already_registered")
        first = refused.json["rows"][0]
        assert (first["line"], first["remarks"][0]["code"]) == (2, "already_registered")
        assert (count(Batch), count(BatchLine), count(Registration)) == (1, 1, 1)

    def test_it_leaves_nothing_under_its_key(self, call: Caller) -> None:
        call.register(MARIE)
        assert call.register(MARIE, key="k2").status_code == 409
        assert call.register(MARIE, key="k2", accept_duplicates=False).status_code == 409
        accepted = call.register(MARIE, key="k2", accept_duplicates=True)
        assert accepted.status_code == 201
        assert call.register(MARIE, key="k2", accept_duplicates=True).json == accepted.json
        assert call.register(MARIE, key="k2").json["code"] == "idempotency_key_reused"
        assert count(Registration) == 2

    def test_the_first_answer_is_given_again_though_its_lines_are_registered_by_now(self, call: Caller) -> None:
        first = call.register(MARIE)
        assert (call.register(MARIE).status_code, call.register(MARIE).json) == (201, first.json)

    def test_errors_are_told_first(self, call: Caller) -> None:
        call.register(MARIE)
        assert call.register(MARIE, {**PIERRE, "first_name": ""}, key="k2").status_code == 422

    def test_a_trial_key_is_refused_alike(self, call: Caller, dial: Dial) -> None:
        trial = dial(sandbox=True)
        assert trial.register(MARIE).status_code == 201
        assert trial.register(MARIE, key="k2").status_code == 201  # a trial registers nothing
        call.register(MARIE)
        assert trial.register(MARIE, key="k3").json["code"] == "already_registered"
        assert trial.register(MARIE, key="k3", accept_duplicates=True).json["sandbox"] is True
        assert count(Registration) == 1

    def test_another_centre_s_registration_says_nothing(self, call: Caller, dial: Dial) -> None:
        line = {**MARIE, "training_label": "FIMO Voyageurs", "category": "Voyageurs"}
        dial(siret=NEIGHBOUR).register(line)
        assert call.register(line).status_code == 201

    def test_the_client_says_which_lines_and_may_insist(self, call: Caller) -> None:
        call.client.register([MARIE], "k1")
        with pytest.raises(AlreadyRegistered) as refused:
            call.client.register([MARIE, PIERRE], "k2")
        assert refused.value.analysis["rows"][0]["line"] == 1
        assert len(call.client.register([MARIE, PIERRE], "k2", accept_duplicates=True)["registrations"]) == 2

    def test_a_draft_by_hand_after_a_call_is_stopped(self, call: Caller) -> None:
        batch_id = draft(TYPED)
        analysis.check(batch_id)
        call.register(MARIE)
        with pytest.raises(announced.NewFacts):
            confirm.register(batch_id, person_id())

    def test_of_six_calls_at_once_with_the_same_line_one_is_billed(self, call: Caller) -> None:
        answers: list[int] = []
        gate = threading.Barrier(6)

        def send(key: str) -> None:
            gate.wait()
            answers.append(call.register(MARIE, key=key).status_code)

        threads = [threading.Thread(target=send, args=(f"k{at}",)) for at in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (sorted(answers), count(Registration)) == ([201, *[409] * 5], 1)


class TestNull:
    """Software writes `null` for what it does not fill in: it is as if the member were left out."""

    def test_in_an_optional_field(self, call: Caller) -> None:
        sent = {**MARIE, "reference": None}
        assert call.client.analyse([sent])["rows"][0]["remarks"] == []
        first = call.register(sent, accept_duplicates=None)
        left_out = {name: value for name, value in MARIE.items() if name != "reference"}
        assert (first.status_code, call.register(left_out).json) == (201, first.json)
        assert db.session.scalar(select(Registration.reference)) == ""

    def test_in_a_field_that_is_needed(self, call: Caller) -> None:
        found = call.client.analyse([{**MARIE, "first_name": None}])
        assert found["rows"][0]["remarks"][0]["code"] == "missing"


def test_the_analysis_tells_whose_documents_would_be_withheld(call: Caller) -> None:
    """Of drivers the centre registered only: nothing tells of others whether they are known."""
    durand = {**MARIE, "last_name": "DURAND"}
    assert call.client.analyse([durand])["withheld"] == []
    call.register(MARIE)
    found = call.client.analyse([PIERRE, durand])
    assert found["withheld"] == [2]
    call.register(durand, key="k2", accept_duplicates=True)
    assert list(db.session.execute(select(Registration.withheld).order_by(Registration.id)).scalars()) == [False, True]
