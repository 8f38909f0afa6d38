"""What is kept no longer: files of documents, hashes, files without row, sign-ups never confirmed; said before it is done."""

from __future__ import annotations

import os
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.extensions import db
from app.models import AccountLink, Document, JournalEntry, Outbox, SignUp
from app.models.registration import AVAILABLE, CERTIFICATE, PURGED, RECAP, REVOKED
from app.services.accounts import opening as account_opening
from app.services.accounts.opening import Applicant
from app.services.core import clock
from app.services.documents import verification
from app.services.documents.verification import State
from app.services.drivers import space as driver_space
from app.services.retention import documents as document_retention
from app.services.retention import purge
from app.services.storage import store
from tests.bases import BOTH
from tests.support import MARIE, drain, many, registered

BACKENDS = BOTH
EACH_VALUE = True


@pytest.fixture
def documents(app: Flask) -> dict[str, Document]:
    """Give the récapitulatif and the certificate of one registration of 10/01/2022."""
    registered(MARIE)
    drain()
    return {one.kind: one for one in db.session.execute(select(Document)).scalars()}


def files() -> set[str]:
    """Return the files of the store."""
    return {path for path, _ in store.entries()}


def age(path: str, days: float) -> None:
    """Make a file older."""
    then = (clock.machine_now() - timedelta(days=days)).timestamp()
    os.utime(store.folder() / path, (then, then))


def test_a_certificate_file_goes_the_day_after_its_last_and_its_number_still_answers(
    app: Flask, documents: dict[str, Document]
) -> None:
    recap, certificate = documents[RECAP], documents[CERTIFICATE]
    app.config["TODAY"] = date(2022, 5, 10)
    assert purge.purge().certificates == 0
    app.config["TODAY"] = date(2022, 5, 11)
    told = purge.purge(dry_run=True)
    assert (told.certificates, told.recaps, len(files())) == (1, 0, 2)
    done = purge.purge()
    assert (done.certificates, done.recaps) == (1, 0)
    assert (certificate.state, certificate.path, recap.state) == (PURGED, None, AVAILABLE)
    assert certificate.sha256
    assert files() == {recap.path}
    assert verification.verify(certificate.number).state is State.EXPIRED
    assert purge.purge().certificates == 0
    entries = db.session.execute(select(JournalEntry).where(JournalEntry.action == "documents.purged")).scalars()
    assert [entry.after for entry in entries] == [{"documents": [certificate.id]}]


def test_the_driver_is_told_why_a_file_is_gone(app: Flask, documents: dict[str, Document]) -> None:
    driver = documents[RECAP].registration.driver
    app.config["TODAY"] = date(2022, 5, 11)
    purge.purge()
    space = driver_space.space(driver)
    assert [own.document.kind for own in space.documents] == [RECAP]
    assert [document.kind for document in space.ended] == [CERTIFICATE]
    assert driver_space.own_document(driver, documents[CERTIFICATE].id) is None


def test_a_recap_and_the_hashes_go_after_six_years(app: Flask, documents: dict[str, Document]) -> None:
    app.config["TODAY"] = date(2028, 1, 10)
    done = purge.purge()
    assert (done.certificates, done.recaps, done.hashes) == (1, 0, 0)
    app.config["TODAY"] = date(2028, 1, 11)
    assert purge.purge(dry_run=True).recaps == 1
    done = purge.purge()
    assert (done.recaps, done.hashes) == (1, 2)
    assert {document.sha256 for document in documents.values()} == {None}
    assert files() == set()
    assert verification.verify(documents[CERTIFICATE].number).state is State.UNKNOWN


def test_a_revoked_certificate_stays_revoked_without_its_file(app: Flask, documents: dict[str, Document]) -> None:
    certificate = documents[CERTIFICATE]
    db.session.execute(update(Document).where(Document.id == certificate.id).values(state=REVOKED))
    db.session.commit()
    app.config["TODAY"] = date(2022, 5, 11)
    purge.purge()
    db.session.refresh(certificate)
    assert (certificate.state, certificate.path) == (REVOKED, None)
    assert verification.verify(certificate.number).state is State.REVOKED


def test_many_are_removed_in_shares(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_retention, "CHUNK", 2)
    registered(*many(3))
    drain()
    app.config["TODAY"] = date(2022, 5, 11)
    assert purge.purge().certificates == 3
    assert len(files()) == 3


def test_a_file_without_row_has_a_day(documents: dict[str, Document]) -> None:
    left, draft, young = store.put(1, b"left by a crash").path, "000000/.tmp-half", store.put(1, b"of a worker").path
    store.put_named(draft, b"half")
    store.put_named("elsewhere/of-somebody.jpg", b"x")
    for path in (left, draft, "elsewhere/of-somebody.jpg", *(str(one.path) for one in documents.values())):
        age(path, 1.1)
    assert purge.purge(dry_run=True).orphans == 2
    assert purge.purge().orphans == 2
    kept = {str(one.path) for one in documents.values()}
    assert files() == kept | {young, "elsewhere/of-somebody.jpg"}


def test_a_walk_through_the_files_that_fails_keeps_nothing_else_from_going(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = Applicant("NOUVEAU", "Ana", date(1990, 1, 1), "123456789", "ana@mail.example")
    account_opening.sign_up(who, "girafe-lampe-nuage-72", "192.0.2.1")
    db.session.execute(update(AccountLink).values(created_at=clock.machine_now() - timedelta(days=8)))
    db.session.commit()
    with monkeypatch.context() as away:
        away.setattr(store, "entries", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            purge.purge()
    assert purge.purge().sign_ups == 0  # gone already


def test_a_sign_up_never_confirmed_goes_after_a_week(app: Flask) -> None:
    who = Applicant("NOUVEAU", "Ana", date(1990, 1, 1), "123456789", "ana@mail.example")
    account_opening.sign_up(who, "girafe-lampe-nuage-72", "192.0.2.1")
    db.session.execute(update(AccountLink).values(created_at=clock.machine_now() - timedelta(days=6.9)))
    db.session.commit()
    assert purge.purge().sign_ups == 0
    db.session.execute(update(AccountLink).values(created_at=clock.machine_now() - timedelta(days=7.1)))
    db.session.commit()
    assert purge.purge(dry_run=True).sign_ups == 1
    assert purge.purge().sign_ups == 1
    assert db.session.execute(select(SignUp)).first() is None


def test_work_done_is_kept_for_ninety_days(documents: dict[str, Document]) -> None:
    rows = db.session.scalar(select(db.func.count()).select_from(Outbox)) or 0
    assert rows
    assert purge.purge().work == 0
    db.session.execute(update(Outbox).values(done_at=clock.machine_now() - timedelta(days=91)))
    db.session.commit()
    assert purge.purge(dry_run=True).work == rows
    assert purge.purge().work == rows
