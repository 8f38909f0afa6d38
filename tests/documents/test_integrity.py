"""The nightly look at the stored documents: what is missing or altered is found, named, shown, and forgotten once mended."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.jobs import work
from app.models import Document, JournalEntry, Outbox
from app.services.decisions import to_handle
from app.services.documents import integrity
from app.services.operations import nightly
from app.services.storage import store
from tests.bases import BOTH
from tests.support import drain, many, registered

BACKENDS = BOTH
EACH_VALUE = True

#: Three in the morning in Paris, in winter.
NIGHT = datetime(2022, 1, 10, 2, 0, tzinfo=UTC)


@pytest.fixture
def documents(app: Flask) -> list[Document]:
    """Give four sealed documents."""
    registered(*many(2))
    drain()
    return list(db.session.execute(select(Document).order_by(Document.id)).scalars())


def spoil(document: Document, content: bytes) -> None:
    """Write something else in the place of a file."""
    (store.folder() / str(document.path)).write_bytes(content)


def faults() -> dict[int, str]:
    """Return the faults that stand on the documents."""
    db.session.expire_all()
    query = select(Document.id, Document.fault).where(Document.fault.is_not(None))
    return dict(db.session.execute(query).tuples().all())


def journal(action: str) -> list[JournalEntry]:
    """Return the entries of an act."""
    query = select(JournalEntry).where(JournalEntry.action == action).order_by(JournalEntry.id)
    return list(db.session.execute(query).scalars())


def test_sound_documents_are_found_sound(documents: list[Document], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integrity, "CHUNK", 3)
    report = integrity.verify_all()
    assert (report.checked, report.is_sound, faults()) == (4, True, {})
    (entry,) = journal("documents.verified")
    assert entry.after == {"checked": 4, "faults": {}}


def test_each_fault_is_named_shown_journalled_and_lifted(documents: list[Document]) -> None:
    gone, changed, unsealed, _sound = documents
    contents = {one.id: (store.folder() / str(one.path)).read_bytes() for one in documents}
    (store.folder() / str(gone.path)).unlink()
    spoil(changed, contents[changed.id][:-1] + b"x")
    # Somebody who can write to the base as well cannot make our seal.
    forged = contents[unsealed.id].replace(b"/XObject", b"/XObjecT")
    spoil(unsealed, forged)
    unsealed.sha256 = hashlib.sha256(forged).hexdigest()
    db.session.commit()
    report = integrity.verify_all()
    expected = {gone.id: "missing", changed.id: "changed", unsealed.id: "unsealed"}
    assert (report.checked, dict(report.faults)) == (4, {"missing": 1, "changed": 1, "unsealed": 1})
    assert faults() == expected
    shown, total = to_handle.faulty_documents()
    assert ([one.id for one in shown], total) == ([changed.id, gone.id, unsealed.id], 3)
    integrity.verify_all()
    assert len(journal("document.fault")) == 3
    spoil(gone, contents[gone.id])
    assert integrity.verify_all().checked == 4
    assert gone.id not in faults()
    assert [entry.subject_id for entry in journal("document.mended")] == [str(gone.id)]


def test_a_store_that_is_down_is_no_fault_of_the_documents(documents: list[Document], app: Flask, tmp_path) -> None:
    (tmp_path / "file").write_text("no folder")
    app.config["DOCUMENTS_URL"] = f"file://{tmp_path}/file"
    with pytest.raises(OSError, match="exists"):
        integrity.verify_all()
    assert faults() == {}


def test_a_document_drawn_before_seals_were_is_judged_by_its_hash(documents: list[Document]) -> None:
    document = documents[0]
    stored = store.put(document.id, b"%PDF-1.4 as it was")
    document.path, document.sha256, document.sealed_at = stored.path, stored.sha256, None
    db.session.commit()
    assert integrity.verify_all().is_sound


def test_it_is_due_once_a_night_and_goes_on_in_shares(
    documents: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrity, "A_JOB", 3)
    (store.folder() / str(documents[3].path)).unlink()
    assert nightly.make_due(datetime(2022, 1, 10, 1, 59, tzinfo=UTC)) == []
    tasks = ["revocations", "invoices", "dunning", "verify", "purge", "look_alikes", "reminders", "volumes", "check"]
    assert nightly.make_due(NIGHT) == tasks
    assert nightly.make_due(NIGHT) == []
    assert nightly.make_due(datetime(2022, 1, 10, 22, 59, tzinfo=UTC)) == []
    assert nightly.make_due(datetime(2022, 1, 10, 23, 59, tzinfo=UTC)) == []  # 00:59 in Paris, the next day
    drain()
    assert nightly.make_due(datetime(2022, 1, 11, 2, 0, tzinfo=UTC)) == tasks
    drain()
    assert db.session.query(Outbox).where(Outbox.kind == "nightly").count() == 20
    assert faults() == {documents[3].id: "missing"}
    assert [entry.after for entry in journal("documents.verified")] == [{"checked": 4, "faults": {"missing": 1}}] * 2
    assert db.session.execute(select(Outbox.id).where(Outbox.done_at.is_(None))).first() is None


def test_a_look_that_outlasts_the_night_is_not_begun_a_second_time(
    documents: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrity, "A_JOB", 3)
    waiting = select(Outbox).where(Outbox.kind == "nightly", Outbox.done_at.is_(None)).order_by(Outbox.id)
    task = Outbox.payload["task"].as_string()
    assert "verify" in nightly.make_due(NIGHT)
    work.run(db.session.scalars(waiting.where(task == "verify")).one().id)  # its first share of two
    next_night = datetime(2022, 1, 11, 2, 0, tzinfo=UTC)
    assert not {"verify", "check"} & set(nightly.make_due(next_night))  # nor the check, of which no share was done
    share = db.session.scalars(waiting.where(task == "verify")).one()
    assert share.payload["after"] == documents[2].id
    work.run(share.id)
    assert nightly.make_due(next_night) == ["verify"]
    share = db.session.scalars(waiting.where(task == "verify")).one()
    share.created_at -= timedelta(hours=49)  # tried for two days, in vain
    db.session.commit()
    assert "verify" in nightly.make_due(datetime(2022, 1, 12, 2, 0, tzinfo=UTC))


def test_a_failing_store_is_tried_again_later(documents: list[Document], app: Flask, tmp_path) -> None:
    (tmp_path / "file").write_text("no folder")
    nightly.make_due(NIGHT)
    due = db.session.execute(select(Outbox).where(Outbox.kind == "nightly")).scalars()
    [row] = [one for one in due if one.payload["task"] == "verify"]
    app.config["DOCUMENTS_URL"] = f"file://{tmp_path}/file"
    work.run(row.id)
    assert (row.done_at, row.attempts, row.last_error) == (None, 1, "FileExistsError")
