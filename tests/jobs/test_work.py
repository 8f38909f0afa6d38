"""What a job does, run here and now: documents drawn and stored, mails sent, twice harmless, failures put off."""

from __future__ import annotations

import email
import email.policy
import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import select, update

from app.extensions import db
from app.jobs import work
from app.models import Document, Driver, Mail, Outbox, Registration
from app.models.outbox import DEMONSTRATION, DUNNING, INVOICES, ISSUE, NIGHTLY
from app.services.core import clock, outbox
from app.services.documents import drawing
from app.services.notifications import certificate_mail
from app.services.storage import store
from tests.bases import BOTH, on_sqlite
from tests.support import MARIE, PIERRE, drain, registered, training_id

BACKENDS = BOTH


def outbox_rows() -> list[Outbox]:
    return list(db.session.execute(select(Outbox).order_by(Outbox.id)).scalars())


def all_documents() -> list[Document]:
    return list(db.session.execute(select(Document).order_by(Document.id)).scalars())


def letters(app: Flask) -> list[email.message.EmailMessage]:
    folder = Path(app.config["DATA_DIR"]) / "mails"
    return [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)  # type: ignore[misc]
        for path in sorted(folder.glob("*.eml"))
    ]


def text_of(document: Document, app: Flask) -> str:
    path = Path(app.config["DATA_DIR"]) / "documents" / str(document.path)
    return " ".join(PdfReader(path).pages[0].extract_text().split())


def test_documents_are_drawn_stored_and_hold_what_the_law_asks(app: Flask) -> None:
    registered(MARIE)
    drain()
    recap, certificate = all_documents()
    assert {recap.state, certificate.state} == {"available"}
    for document in (recap, certificate):
        path = store.folder() / str(document.path)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == document.sha256
        assert path.stat().st_size == document.size
        text = text_of(document, app)
        for part in (
            "MARTIN",
            "Marie",
            "12/04/1985",
            "850492100123",
            "FIMO Marchandises",
            "07/01/2022",
            document.number,
        ):
            assert part in text, part
    assert "R. 3314-27" in text_of(certificate, app)
    assert "123 456 782 00010" in text_of(recap, app).replace("\xa0", " ")
    assert drawing.content(certificate).startswith(b"%PDF")


def test_the_driver_with_an_account_gets_the_certificate_by_mail(app: Flask) -> None:
    registered(MARIE, PIERRE)
    drain()
    [letter] = letters(app)
    certificate = db.session.execute(
        select(Document).join(Registration).where(Document.kind == "certificate", Registration.last_name == "MARTIN")
    ).scalar_one()
    assert letter["To"] == "conducteur@demo.example"
    assert certificate.number in letter["Subject"]
    bodies = {part.get_content_type(): part for part in letter.walk()}
    assert {"text/plain", "text/html", "application/pdf"} <= set(bodies)
    assert "10/05/2022" in bodies["text/plain"].get_content()
    assert bodies["application/pdf"].get_filename() == f"certificat-{certificate.number}.pdf"
    assert hashlib.sha256(bodies["application/pdf"].get_content()).hexdigest() == certificate.sha256
    row = db.session.execute(select(Mail)).scalar_one()
    assert (row.state, row.message_id) == ("sent", letter["Message-ID"])


def test_a_module_gives_no_mail_and_withheld_documents_give_none(app: Flask) -> None:
    registered(MARIE, training=training_id("Module FCO"))
    registered({**MARIE, "last_name": "DURAND"})
    drain()
    assert letters(app) == []
    assert {document.state for document in all_documents()} == {"available"}


def test_the_same_row_twice_changes_nothing(app: Flask) -> None:
    registered(MARIE)
    drain()
    before = [(d.path, d.sha256, d.available_at) for d in all_documents()]
    db.session.execute(update(Outbox).values(done_at=None, due_at=clock.machine_now()))
    db.session.commit()
    for row in outbox_rows():
        work.run(row.id)
    db.session.expire_all()
    assert [(d.path, d.sha256, d.available_at) for d in all_documents()] == before
    assert len(letters(app)) == len(list(db.session.execute(select(Mail)).scalars())) == 1
    assert all(row.done_at for row in outbox_rows())


def test_a_row_is_claimed_by_one_worker_until_its_lease_ends(app: Flask) -> None:
    registered(MARIE)
    row_id = outbox_rows()[0].id
    assert outbox.claim(row_id) is not None
    assert outbox.claim(row_id) is None
    work.run(row_id)
    assert {document.state for document in all_documents()} == {"pending"}
    db.session.execute(update(Outbox).values(due_at=clock.machine_now()))
    db.session.commit()
    work.run(row_id)
    db.session.expire_all()
    assert {document.state for document in all_documents()} == {"available"}


def test_a_failure_is_noted_without_personal_data_and_put_off(
    app: Flask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registered(MARIE)

    def broken(document: Document, _place: int) -> bytes:
        raise OSError(f"no room for {document.registration.last_name}")

    monkeypatch.setattr(drawing, "_render", broken)
    row_id, before = outbox_rows()[0].id, clock.machine_now()
    work.run(row_id)
    row = db.session.get_one(Outbox, row_id)
    assert (row.attempts, row.last_error, row.done_at) == (1, "OSError", None)
    assert row.due_at >= before + timedelta(seconds=10)
    assert {document.state for document in all_documents()} == {"pending"}
    assert "MARTIN" not in capsys.readouterr().out
    monkeypatch.undo()
    row.due_at = clock.machine_now()
    db.session.commit()
    work.run(row_id)
    db.session.expire_all()
    assert {document.state for document in all_documents()} == {"available"}


def test_an_altered_or_missing_file_is_never_handed_out(app: Flask) -> None:
    registered(MARIE)
    drain()
    recap, certificate = all_documents()
    path = store.folder() / str(recap.path)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    (store.folder() / str(certificate.path)).unlink()
    for document in (recap, certificate):
        with pytest.raises(store.Missing):
            drawing.content(document)


def test_an_account_made_after_registration_gets_no_mail_by_accident(app: Flask) -> None:
    registered(PIERRE)
    drain()
    driver = db.session.execute(select(Driver).where(Driver.permit_number == "82R987928")).scalar_one()
    assert driver.person_id is None
    assert certificate_mail.make_due(db.session.execute(select(Registration)).scalars()) == []


def test_of_two_workers_that_seal_at_once_one_file_stays(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(MARIE)
    ids = list(db.session.execute(select(Registration.id)).scalars())
    put, stored = store.put, []

    def meanwhile(document_id: int, content: bytes) -> store.Stored:
        """The other worker draws, stores and commits between this one's look and its own writing."""
        monkeypatch.setattr(store, "put", put)
        drawing.draw(ids)
        db.session.commit()
        stored.append(put(document_id, content))
        return stored[0]

    monkeypatch.setattr(store, "put", meanwhile)
    drawing.draw(ids)
    db.session.commit()
    db.session.expire_all()
    rows = all_documents()
    assert len(rows) == 2
    assert {path for path, _ in store.entries()} == {str(document.path) for document in rows}
    assert stored[0].path not in {document.path for document in rows}
    assert all(drawing.content(document) for document in rows)


@on_sqlite
@pytest.mark.parametrize(
    ("kind", "payload"),
    [(NIGHTLY, {"task": INVOICES}), (NIGHTLY, {"task": DUNNING}), (ISSUE, {"credits": True})],
)
def test_nothing_is_billed_while_the_demonstrations_year_is_made(
    app: Flask, kind: str, payload: dict[str, str]
) -> None:
    """Its invoices are of days before: a number given meanwhile would leave them none."""
    outbox.add(DEMONSTRATION, [{}])
    outbox.add(kind, [payload])
    db.session.commit()
    waiting = db.session.execute(select(Outbox).where(Outbox.kind == kind)).scalars().one()
    work.run(waiting.id)
    db.session.expire_all()
    assert (waiting.done_at, waiting.last_error) == (None, None)
    assert waiting.due_at > clock.machine_now()
    db.session.execute(update(Outbox).where(Outbox.kind == DEMONSTRATION).values(done_at=clock.machine_now()))
    waiting.due_at = clock.machine_now()
    db.session.commit()
    work.run(waiting.id)
    db.session.expire_all()
    assert waiting.done_at is not None
