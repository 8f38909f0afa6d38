"""« Importer » a large file: ordered once, registered by a job, all of it or nothing, and a refusal is told."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select, update

from app.extensions import db
from app.jobs import work
from app.models import Accreditation, Batch, ImportFile, JournalEntry, Outbox, Registration, ServiceContract
from app.services.imports import confirmation as import_confirmation
from app.services.imports import corrections
from app.services.imports.confirmation import carry_out, confirm
from app.services.registration import batches
from app.services.registration import confirm as registration
from app.services.rights import access
from tests.bases import BOTH
from tests.imports.test_intake import analysed, rows_of
from tests.registration.test_analysis import FIRST_TABLE, SECOND_TABLE
from tests.support import drain, person_id

BACKENDS = BOTH

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture(autouse=True)
def every_file_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_confirmation, "AT_ONCE", 1)


def ready() -> ImportFile:
    return db.session.get_one(ImportFile, analysed(*rows_of(SECOND_TABLE)).id)


def state(file: ImportFile) -> tuple[str, int, str | None]:
    """State of the batch, registrations there are, sentence told."""
    db.session.expire_all()
    count = db.session.scalar(select(func.count()).select_from(Registration)) or 0
    return db.session.get_one(Batch, file.batch_id).state, count, file.refusal


def orders() -> list[Outbox]:
    query = select(Outbox).where(Outbox.kind == "registration", Outbox.done_at.is_(None))
    return list(db.session.execute(query).scalars())


def test_it_is_ordered_once_and_registered_once_by_the_job() -> None:
    file = ready()
    assert [confirm(file, person_id()), confirm(file, person_id())] == [False, False]
    assert (state(file), len(orders())) == (("registering", 0, None), 1)
    [row] = orders()
    drain()
    assert state(file) == ("registered", 6, None)
    assert confirm(file, person_id())
    carry_out(row.payload["batch"], row.payload["person"])
    assert state(file) == ("registered", 6, None)
    told = select(JournalEntry.action, JournalEntry.actor_id).where(JournalEntry.subject_type == "batch")
    acts = [(action, actor) for action, actor in db.session.execute(told)]
    assert acts[-2:] == [("import.confirmed", person_id()), ("batch.registered", person_id())]


def test_a_small_file_is_registered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_confirmation, "AT_ONCE", 6)
    file = ready()
    assert confirm(file, person_id())
    assert (state(file), orders()) == (("registered", 6, None), [])


def test_nothing_changes_while_it_is_registered() -> None:
    file = ready()
    confirm(file, person_id())
    with pytest.raises(batches.BatchClosed):
        corrections.correct_cell(file.batch_id, 1, "first_name", "PAUL", person_id())
    with pytest.raises(batches.BatchClosed):
        batches.cancel(file.batch_id, person_id())
    with pytest.raises(batches.BatchClosed):
        registration.register(file.batch_id, person_id())


def test_errors_or_no_right_are_refused_before_anything_is_ordered() -> None:
    file = db.session.get_one(ImportFile, analysed(*rows_of(FIRST_TABLE)).id)
    with pytest.raises(registration.NotChecked):
        confirm(file, person_id())
    other = ready()
    with pytest.raises(access.NotAllowed):
        confirm(other, person_id("sansdroit@demo.example"))
    assert state(other)[0] == "ready"
    assert orders() == []


def test_a_contract_suspended_meanwhile_puts_it_back_with_the_sentence() -> None:
    file = ready()
    confirm(file, person_id())
    db.session.execute(update(ServiceContract).values(state="suspended"))
    db.session.commit()
    drain()
    assert state(file) == ("ready", 0, access.NO_CONTRACT)
    assert orders() == []
    db.session.execute(update(ServiceContract).values(state="signed"))
    db.session.commit()
    confirm(file, person_id())
    assert state(file) == ("registering", 0, None)
    drain()
    assert state(file)[:2] == ("registered", 6)


def test_errors_found_meanwhile_are_kept_and_told() -> None:
    file = ready()
    confirm(file, person_id())
    db.session.execute(update(Accreditation).values(withdrawn_on=date(2022, 1, 1)))
    db.session.commit()
    drain()
    assert state(file) == ("in_error", 0, registration.HasErrors.message)
    corrections.set_aside(file.batch_id, 1, True, person_id())
    assert state(file) == ("in_error", 0, None)


def test_a_job_that_breaks_again_and_again_gives_the_file_back(monkeypatch: pytest.MonkeyPatch) -> None:
    file = ready()
    confirm(file, person_id())
    [row] = orders()

    def broken(*_args: object, **_options: object) -> None:
        raise OSError("disk")

    with monkeypatch.context() as patched:
        patched.setattr(registration, "_write", broken)
        for _ in range(work.TRIES):
            row.due_at = row.created_at
            db.session.commit()
            work.run(row.id)
    assert state(file) == ("ready", 0, import_confirmation.GIVEN_UP)
    # Tried again much later, it must not register behind the person's back.
    row.due_at = row.created_at
    db.session.commit()
    work.run(row.id)
    assert state(file) == ("ready", 0, import_confirmation.GIVEN_UP)
