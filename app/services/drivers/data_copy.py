"""A copy of a person's own data, made by a job on demand: JSON for programs, a page to read, the documents themselves."""

from __future__ import annotations

import io
import json
import secrets
import zipfile
from collections.abc import Iterator
from datetime import timedelta

from flask import render_template
from sqlalchemy import delete, select, update

from app.extensions import db
from app.models import DataExport
from app.models.card import ASKED, GONE, READY
from app.models.outbox import EXPORT
from app.services.core import clock, outbox, throttle
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.throttle import Limit
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.storage import store

from . import data_gathered

#: How long a copy waits to be fetched.
KEPT = timedelta(days=7)
#: The trace that a copy was made; the journal keeps it longer.
ROWS_KEPT = timedelta(days=30)
ASKING = Limit("data export", 3)
FOLDER = "exports"


class InTheMaking(Refusal):
    """A copy is being made already."""

    message = "Une copie de vos données est déjà en préparation."


def ask(person_id: int) -> DataExport:
    """Have a copy made and return its row; an earlier one is removed. Raises :class:`InTheMaking`, `throttle.TooOften`."""
    of_person = DataExport.person_id == person_id
    if db.session.execute(select(DataExport.id).where(of_person, DataExport.state == ASKED)).first():
        raise InTheMaking
    throttle.count(ASKING, str(person_id))
    earlier = list(db.session.execute(select(DataExport).where(of_person, DataExport.state == READY)).scalars())
    for export in earlier:
        _remove(export)
    with transaction():
        export = DataExport(person_id=person_id, state=ASKED, asked_at=clock.now())
        db.session.add(export)
        db.session.flush()
        outbox.add(EXPORT, [{"export": export.id}], first_turn=-1)  # somebody waits for it
        journal.record("data.asked", "data_export", export.id, actor_id=person_id)
    outbox.ring()
    return export


def make(export_id: int) -> None:
    """Make and store the copy; no commit. Run twice, the second does nothing, or writes beside the first."""
    export = db.session.get_one(DataExport, export_id)
    if export.state != ASKED:
        return
    content = _packed(export.person_id)
    name = secrets.token_hex(16)
    stored = store.put_named(f"{FOLDER}/{name[:2]}/{name}.zip", content)
    done = taken(
        update(DataExport)
        .where(DataExport.id == export_id, DataExport.state == ASKED)
        .values(
            state=READY,
            path=stored.path,
            sha256=stored.sha256,
            size=stored.size,
            ready_at=clock.now(),
            expires_at=clock.machine_now() + KEPT,
        )
    )
    if not done:
        store.remove(stored.path)


def last(person_id: int) -> DataExport | None:
    """Return the copy asked for last, None where there was none."""
    query = select(DataExport).where(DataExport.person_id == person_id).order_by(DataExport.id.desc()).limit(1)
    return db.session.execute(query).scalar_one_or_none()


def is_there(export: DataExport) -> bool:
    """Tell whether a copy may be fetched now."""
    return export.state == READY and export.expires_at is not None and export.expires_at > clock.machine_now()


def fetch(person_id: int, export_id: int) -> bytes | None:
    """Return one's own copy and note that it was fetched; None where there is none, whatever the reason.

    Raises `store.Missing` when its file cannot be read.
    """
    query = select(DataExport).where(
        DataExport.id == export_id,
        DataExport.person_id == person_id,
        DataExport.state == READY,
        DataExport.expires_at > clock.machine_now(),
    )
    export = db.session.execute(query).scalar_one_or_none()
    if export is None:
        return None
    content = store.get(str(export.path), str(export.sha256))
    with transaction():
        journal.record("data.fetched", "data_export", export_id, actor_id=person_id)
    return content


def purge(*, dry_run: bool = False) -> int:
    """Remove the copies nobody fetched in time, and old rows; return how many files go."""
    now = clock.machine_now()
    over = select(DataExport).where(DataExport.state == READY, DataExport.expires_at < now)
    exports = list(db.session.execute(over).scalars())
    if not dry_run:
        for export in exports:
            _remove(export)
        with transaction():
            db.session.execute(
                delete(DataExport).where(DataExport.state == GONE, DataExport.expires_at < now - ROWS_KEPT)
            )
    return len(exports)


def _remove(export: DataExport) -> None:
    path = str(export.path)
    with transaction():
        export.state, export.path, export.sha256 = GONE, None, None
    store.remove(path)


def _packed(person_id: int) -> bytes:
    data = data_gathered.gather(person_id)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mes-donnees.json", json.dumps(data, ensure_ascii=False, indent=2))
        archive.writestr("mes-donnees.html", render_template("drivers/data_copy.html", data=data, made_at=clock.now()))
        for name, content in _files(person_id):
            archive.writestr(name, content)
    return out.getvalue()


def _files(person_id: int) -> Iterator[tuple[str, bytes]]:
    """Yield the person's files that are there; one that is lost is named in a note, and fails nothing.

    Raises `store.Unreadable` while the store does not hand one over: the copy is made later, not without it.
    """
    lost = []
    for name, path, digest in data_gathered.files(person_id):
        try:
            yield name, store.get(path, digest)
        except store.Unreadable:
            raise
        except store.Missing:
            lost.append(name)
    if lost:
        yield "fichiers-indisponibles.txt", "\n".join(lost).encode()
