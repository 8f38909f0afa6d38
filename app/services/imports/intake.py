"""Registering by file: the file is received and waits for its analysis; nothing is registered before « Importer »."""

from __future__ import annotations

from typing import IO

from app.extensions import db
from app.models import Batch, ImportFile
from app.models.batch import ANALYSING, FILE
from app.models.outbox import ANALYSIS
from app.services.core import clock, outbox
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.validators.fields import visible
from app.validators.file import FileRefused

from . import checking, storing, uploads


def receive(centre_id: int, person_id: int, name: str, stream: IO[bytes]) -> Batch:
    """Take a file in and ring for its analysis; return its batch, already « refused » where name, size or content say so."""
    upload, name = uploads.keep(stream), visible(name)
    now = clock.machine_now()
    with transaction():
        batch = Batch(
            centre_id=centre_id, created_by_id=person_id, mode=FILE, state=ANALYSING, created_at=now, updated_at=now
        )
        db.session.add(batch)
        db.session.flush()
        db.session.add(
            ImportFile(batch_id=batch.id, name=name[-255:], size=upload.size, sha256=upload.sha256, path=upload.path)
        )
        journal.record(
            "import.received",
            "batch",
            batch.id,
            actor_id=person_id,
            centre_id=centre_id,
            after={"file": name[-255:], "size": upload.size, "sha256": upload.sha256},
        )
        try:
            checking.check_arrival(name, upload.size, upload.head)
        except FileRefused as refusal:
            db.session.flush()
            storing.refuse(batch.id, refusal)
        else:
            outbox.add(ANALYSIS, [{"batch": batch.id}], first_turn=-1)
    outbox.ring()
    return batch
