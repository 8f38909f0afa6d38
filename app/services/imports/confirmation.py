"""« Importer » a file: a small one at once, a large one by a job that the person may leave to itself."""

from __future__ import annotations

from sqlalchemy import update

from app.extensions import db
from app.models import Batch, ImportFile
from app.models.batch import READY, REGISTERED, REGISTERING
from app.models.centre import REGISTER
from app.models.outbox import REGISTRATION
from app.services.core import outbox
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.registration import announced, batches
from app.services.registration import confirm as registration
from app.services.registration.announced import Told
from app.services.rights import access

#: Lines registered while the person waits; more of them would outlast the patience of a browser.
AT_ONCE = 2_000

GIVEN_UP = (
    "Le service a rencontré une erreur : rien n’a été enregistré ni facturé. Cliquez de nouveau sur « Importer » ; "
    "si l’erreur revient, contactez l’exploitant du registre."
)


def confirm(file: ImportFile, person_id: int, shown: int | None = None, told: Told | None = None) -> bool:
    """Register the batch of a file, or order its registration; answer whether it is registered already.

    Whatever is sent twice, it is registered once. ``shown`` and ``told`` are those of `registration.register`, which says
    what is raised. The job of a large file judges it again, against the report that the person has seen.
    """
    if (file.batch.summary or {}).get("lines", 0) <= AT_ONCE:
        registration.register(file.batch_id, person_id, shown=shown, told=told)
        return True
    return _order(file.batch_id, person_id, shown, told)


def _order(batch_id: int, person_id: int, shown: int | None, told: Told | None) -> bool:
    with transaction():
        if not batches.transition(batch_id, REGISTERING, only_from=(READY,)):
            batch = db.session.get_one(Batch, batch_id, populate_existing=True)
            if batch.state in (REGISTERING, REGISTERED):  # the same click, twice
                return batch.state == REGISTERED
            raise registration.NotChecked if batch.is_open else batches.BatchClosed
        batch = db.session.get_one(Batch, batch_id, populate_existing=True)
        registration.require_as_shown(batch, shown)
        if told is not None and not told.covers(announced.told(batch)):
            raise registration.Changed
        access.require(person_id, batch.centre_id, REGISTER)
        _note(batch_id, None)
        journal.record("import.confirmed", "batch", batch_id, actor_id=person_id, centre_id=batch.centre_id)
        outbox.add(REGISTRATION, [{"batch": batch_id, "person": person_id}], first_turn=-1)
    outbox.ring()
    return False


def carry_out(batch_id: int, person_id: int) -> None:
    """Register a batch as ordered, all of it or nothing; a refusal puts it back with its sentence, and is an outcome.

    Run again after a crash, it finds what stands.
    """
    if db.session.get_one(Batch, batch_id, populate_existing=True).state != REGISTERING:
        return
    try:
        registration.register(batch_id, person_id, ordered=True)
    except Refusal as refusal:
        _put_back(batch_id, refusal.message)


def give_up(batch_id: int) -> None:
    """Put a batch back whose registration broke again and again: the person is told, nothing was registered."""
    _put_back(batch_id, GIVEN_UP)


def _put_back(batch_id: int, sentence: str) -> None:
    with transaction():
        batches.transition(batch_id, READY, only_from=(REGISTERING,))
        if db.session.get_one(Batch, batch_id, populate_existing=True).state != REGISTERED:
            _note(batch_id, sentence)


def _note(batch_id: int, sentence: str | None) -> None:
    db.session.execute(update(ImportFile).where(ImportFile.batch_id == batch_id).values(refusal=sentence))
