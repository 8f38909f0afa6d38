"""The bytes of a document by API: handed out as far as the receipt says, and a clear reason otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.extensions import db
from app.models import Document, Registration
from app.models.registration import CERTIFICATE, RECAP
from app.services.decisions import withheld_documents
from app.services.documents import revocation
from app.services.storage import store
from clients.python.registre_cqc import ApiError
from tests.amendments.test_acts import mend
from tests.bases import UNDER_THE_ROLE, on_sqlite
from tests.support import MARIE, PIERRE, drain, person_id, registered

from .conftest import NEIGHBOUR, Caller, Dial
from .test_calls import MARIE as LINE

BACKENDS = UNDER_THE_ROLE


def documents(row: dict[str, str], *, drawn: bool = True) -> dict[str, Document]:
    """Register a line and return its documents by kind."""
    batch = registered(row)
    if drawn:
        drain()
    query = select(Document).join(Registration).where(Registration.batch_id == batch.id)
    found = {one.kind: one for one in db.session.execute(query.order_by(Document.id)).scalars()}
    db.session.commit()
    return found


def get(call: Caller, document: Document | str, **options: Any) -> Any:
    number = document if isinstance(document, str) else document.number
    return call("GET", f"/documents/{number}.pdf", **options)


def test_both_documents_as_they_were_sealed(call: Caller) -> None:
    for document in documents(MARIE).values():
        answer = get(call, document)
        assert answer.status_code == 200
        assert (
            answer.data == store.get(str(document.path), str(document.sha256)) == call.client.document(document.number)
        )
        assert document.number in answer.headers["Content-Disposition"]
        tag = answer.headers["ETag"]
        assert get(call, document, headers={"If-None-Match": tag}).status_code == 304


def refused(call: Caller, document: Document | str) -> tuple[int, str]:
    answer = get(call, document)
    assert answer.json["detail"]
    return answer.status_code, answer.json["code"]


def test_what_is_not_handed_over_says_why(app: Flask, call: Caller) -> None:
    pending = documents(MARIE, drawn=False)
    assert refused(call, pending[RECAP]) == (409, "document_pending")
    drain()
    assert get(call, pending[RECAP]).status_code == 200
    revocation.revoke(pending[CERTIFICATE].id, person_id("agent@demo.example"), "Fraude")
    assert refused(call, pending[CERTIFICATE]) == (410, "document_revoked")
    with pytest.raises(ApiError) as raised:
        call.client.document(pending[CERTIFICATE].number)
    assert raised.value.code == "document_revoked"


def test_a_certificate_waits_for_its_driver_s_account(call: Caller) -> None:
    found = documents(PIERRE)
    assert get(call, found[RECAP]).status_code == 200
    assert refused(call, found[CERTIFICATE]) == (409, "document_awaits_account")


def test_documents_withheld(call: Caller) -> None:
    found = documents({**MARIE, "last_name": "MARTINEZ", "first_name": "Maria"})
    assert {refused(call, document) for document in found.values()} == {(409, "document_withheld")}
    withheld_documents.release(found[RECAP].registration_id, person_id("agent@demo.example"))
    assert get(call, found[CERTIFICATE]).status_code == 200


def test_documents_of_a_cancelled_registration(call: Caller) -> None:
    found = documents(MARIE)
    mend(found[RECAP].registration, code="duplicate")
    assert {refused(call, document) for document in found.values()} == {(410, "document_revoked")}


@on_sqlite
def test_documents_whose_time_has_passed(app: Flask, call: Caller) -> None:
    found = documents(MARIE)
    app.config["TODAY"] = found[CERTIFICATE].valid_until.replace(year=2023)
    assert refused(call, found[CERTIFICATE]) == (410, "document_ended")
    assert get(call, found[RECAP]).status_code == 200
    db.session.execute(update(Document).values(state="purged", path=None))
    db.session.commit()
    assert refused(call, found[RECAP]) == (410, "document_ended")


@on_sqlite
def test_a_file_gone(call: Caller) -> None:
    found = documents(MARIE)
    store.remove(str(found[RECAP].path))
    assert refused(call, found[RECAP]) == (503, "document_unreadable")


def test_another_centre_s_is_not_found(dial: Dial) -> None:
    found = documents(MARIE)
    for number in (found[RECAP].number, "RF-22-00000-00000", "SPECIMEN-AAAAA-00001"):
        assert refused(dial(siret=NEIGHBOUR), number) == (404, "not_found")
    assert refused(dial("register"), found[RECAP]) == (403, "scope_missing")


def test_a_trial_key_gets_a_specimen_for_the_number_it_was_answered(call: Caller, dial: Dial) -> None:
    rehearsal = dial(sandbox=True)
    number = rehearsal.register(LINE).json["registrations"][0]["certificate_number"]
    assert get(rehearsal, number).status_code == 200
    assert refused(call, number) == (404, "not_found")
