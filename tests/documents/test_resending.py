"""A certificate sent again: the same document to the account's address, noted, not too often, never when it may not go."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.extensions import db
from app.models import Document, JournalEntry, Mail, Registration
from app.services.core.refusal import Refusal
from app.services.core.throttle import TooOften
from app.services.documents import resending
from tests.bases import on_both
from tests.support import MARIE, PIERRE, centre_id, drain, person_id, registered


def _id(last_name: str = "MARTIN") -> int:
    return db.session.execute(select(Registration.id).where(Registration.last_name == last_name)).scalar_one()


def _mails() -> list[Mail]:
    return list(db.session.execute(select(Mail).where(Mail.kind == "certificate").order_by(Mail.sequence)).scalars())


@pytest.fixture
def sent(app: Flask) -> int:
    """Give a registration whose certificate was mailed once."""
    registered(MARIE, PIERRE)
    drain()
    return _id()


@on_both
def test_the_same_certificate_leaves_in_a_new_mail(sent: int) -> None:
    files = db.session.execute(select(Document.path, Document.sha256)).all()
    assert resending.resend(sent, person_id(), centre_id()) == "conducteur@demo.example"
    drain()
    first, second = _mails()
    assert (first.state, second.state, second.sequence) == ("sent", "sent", 2)
    assert first.message_id != second.message_id
    assert db.session.execute(select(Document.path, Document.sha256)).all() == files
    entry = db.session.execute(select(JournalEntry).where(JournalEntry.action == "certificate.resent")).scalar_one()
    assert (entry.actor_id, entry.centre_id, entry.subject_id) == (person_id(), centre_id(), str(sent))


@on_both
def test_one_that_waits_is_not_sent_twice(sent: int) -> None:
    resending.resend(sent, person_id())
    with pytest.raises(resending.StillPending):
        resending.resend(sent, person_id())
    assert len(_mails()) == 2


@on_both
def test_it_is_not_sent_too_often(sent: int) -> None:
    for _ in range(2):
        resending.resend(sent, person_id())
        drain()
    with pytest.raises(TooOften):
        resending.resend(sent, person_id())
    assert len(_mails()) == 3


def test_another_centre_s_registration_is_not_found(sent: int) -> None:
    with pytest.raises(LookupError):
        resending.resend(sent, person_id(), centre_id("98765432400019"))
    with pytest.raises(LookupError):
        resending.resend(10**6, person_id())
    assert len(_mails()) == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (update(Registration).values(withheld=True), "retenus"),
        (update(Document).values(state="revoked"), "n’est plus valable"),
        (update(Document).values(valid_until=Document.valid_from), None),
    ],
)
def test_what_may_not_go_is_refused_in_words(sent: int, change, sentence: str | None) -> None:  # type: ignore[no-untyped-def]
    db.session.execute(change)
    db.session.commit()
    if sentence is None:  # its last day is today: it still holds
        resending.resend(sent, person_id())
        return
    with pytest.raises(Refusal, match=sentence):
        resending.resend(sent, person_id())
    assert len(_mails()) == 1


def test_a_driver_without_account_has_no_address(sent: int) -> None:
    with pytest.raises(Refusal, match="ne possède pas encore de compte"):
        resending.resend(_id("DUPONT"), person_id())
