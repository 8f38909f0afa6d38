"""Exports of the two long lists, registrations and drivers: short ones at once, long ones by the worker.

Rows are read by their key, some thousands at a time: memory stays the same whatever the list.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from flask import current_app
from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import Accreditation, Batch, Cancellation, Centre, Document, Driver, Export, Registration, Training
from app.models.amendment import REASONS
from app.models.batch import MODE_NAMES
from app.models.catalogue import full_label
from app.models.export import MAKING, READY
from app.models.outbox import LISTING
from app.models.registration import CERTIFICATE, DOCUMENT_STATES, RECAP
from app.services.core import clock, narrowing, outbox
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.drivers import search as driver_search
from app.services.journal import record as journal
from app.services.registration import search as registration_search

from . import sheets

#: Up to so many rows an export is answered at once.
AT_ONCE = 5_000
STEP = 5_000
KEPT = timedelta(days=7)
#: A file that no export speaks of is what a crash left half-written; it is given a day.
LEFT = timedelta(days=1)
REGISTRATIONS, DRIVERS = "registrations", "drivers"
TITLES = {REGISTRATIONS: "Enregistrements", DRIVERS: "Conducteurs"}
FILE_NAMES = {REGISTRATIONS: "enregistrements", DRIVERS: "conducteurs"}

R = Registration
HEADS = {
    REGISTRATIONS: (
        "Reçu", "Enregistré le", "Centre", "SIRET", "N° d’agrément", "Nom", "Prénom", "Date de naissance", "N° de permis",
        "Formation", "Catégorie", "Fin de formation", "N° de commande", "Référence", "Prix HT", "Mode", "Récapitulatif",
        "Certificat", "État du certificat", "Documents retenus", "Annulé le", "Motif de l’annulation", "Remplacé par",
    ),
    DRIVERS: ("Nom", "Prénom", "Date de naissance", "N° de permis", "Possède un compte"),
}  # fmt: skip


class TooMany(Refusal):
    """A sheet of a spreadsheet program ends somewhere."""

    message = "Un fichier XLSX ne peut pas contenir autant de lignes : choisissez le format CSV, ou filtrez la liste."


@dataclass(frozen=True)
class Found:
    """What an export is made of: which list, the statement of its keys, and the conditions they meet."""

    sheet: str
    key: Any
    conditions: list[ColumnElement[bool]]

    @property
    def keys(self) -> Select[Any]:
        """Return the statement that finds the rows' keys."""
        return select(self.key).where(*self.conditions)


def find(sheet: str, asked: Mapping[str, str], centre_id: int | None) -> Found:
    """Return the rows of a list that answer these questions (question → text), within a centre's own where one is given."""
    if sheet == DRIVERS:
        return Found(sheet, Driver.id, driver_search.conditions(asked))
    own = [R.centre_id == centre_id] if centre_id is not None else []
    return Found(sheet, R.id, [*own, *registration_search.conditions(asked)])


def is_short(found: Found) -> bool:
    """Tell whether the export can be answered at once."""
    return not isinstance(narrowing.up_to(AT_ONCE, found.keys), narrowing.MoreThan)


def write(found: Found, kind: str, target: BinaryIO) -> int:
    """Write the rows as a file of this kind and return how many."""
    return sheets.write(kind, HEADS[found.sheet], rows(found), target)


def order(sheet: str, kind: str, asked: Mapping[str, str], centre_id: int | None, person_id: int) -> Export:
    """Make a long export due and return it; raise :class:`TooMany` where its kind cannot hold it."""
    limit = narrowing.up_to(sheets.XLSX_ROWS, find(sheet, asked, centre_id).keys) if kind == sheets.XLSX else 0
    if isinstance(limit, narrowing.MoreThan):
        raise TooMany
    with transaction():
        row = Export(
            person_id=person_id,
            sheet=sheet,
            format=kind,
            created_at=clock.now(),
            state=MAKING,
            asked={"questions": dict(asked), "centre": centre_id},
        )
        db.session.add(row)
        db.session.flush()
        outbox.add(LISTING, [{"export": row.id}])
        note(sheet, kind, None, person_id, centre_id)
    outbox.ring()
    return row


def note(sheet: str, kind: str, rows: int | None, person_id: int, centre_id: int | None) -> None:
    """Note in the journal that a list left as a file; ``rows`` is None where it is still to be written. No commit."""
    after = {"format": kind, **({"rows": rows} if rows is not None else {})}
    journal.record("list.exported", "list", sheet, actor_id=person_id, centre_id=centre_id, after=after)


def build(export_id: int) -> None:
    """Write the file of an export; no commit. Run twice, the second finds it done or writes the same again."""
    row = db.session.get_one(Export, export_id)
    if row.state == READY:
        return
    found = find(row.sheet, row.asked["questions"], row.asked["centre"])
    target, kind = path_of(row), row.format
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".tmp-")
    try:
        with os.fdopen(handle, "wb") as file:
            count = write(found, kind, file)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    row = db.session.get_one(Export, export_id)
    row.state, row.rows, row.ready_at = READY, count, clock.machine_now()


def own(person_id: int, limit: int = 20) -> list[Export]:
    """Return a person's exports, the last first."""
    query = select(Export).where(Export.person_id == person_id).order_by(Export.id.desc()).limit(limit)
    return list(db.session.execute(query).scalars())


def own_file(person_id: int, key: str) -> tuple[Export, Path] | None:
    """Return a person's export and its file; None for another's, one that is not ready, or one no longer kept."""
    row = db.session.execute(
        select(Export).where(Export.key == key, Export.person_id == person_id)
    ).scalar_one_or_none()
    if row is None or row.state != READY or not path_of(row).is_file():
        return None
    return row, path_of(row)


def path_of(row: Export) -> Path:
    """Return where the file of an export lies."""
    return _folder() / f"{row.key}.{row.format}"


def purge(*, dry_run: bool = False) -> int:
    """Remove the exports older than a week, with their files, and what crashes left; return how many exports and such files."""
    left = _left_behind()
    old = select(Export).where(Export.created_at < clock.now() - KEPT)
    old_rows = list(db.session.execute(old).scalars())
    if not dry_run:
        with transaction():
            for row in old_rows:
                with contextlib.suppress(FileNotFoundError):
                    path_of(row).unlink()
                db.session.delete(row)
        for path in left:
            path.unlink(missing_ok=True)
    return len(old_rows) + len(left)


def _folder() -> Path:
    return Path(current_app.config["DATA_DIR"]) / "exports"


def _left_behind() -> list[Path]:
    limit = (clock.machine_now() - LEFT).timestamp()
    old = [path for path in _folder().iterdir() if path.stat().st_mtime < limit] if _folder().is_dir() else []
    known = (
        {f"{key}.{kind}" for key, kind in db.session.execute(select(Export.key, Export.format)).tuples()}
        if old
        else set()
    )
    return [path for path in old if path.name not in known]


def rows(found: Found) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of an export in the order of their keys, some thousands read at a time."""
    statement = _registrations() if found.sheet == REGISTRATIONS else _drivers()
    last = 0
    while True:
        keys = found.keys.where(found.key > last).order_by(found.key).limit(STEP)
        step = [key for (key,) in db.session.execute(keys)]
        if not step:
            return
        within = and_(found.key >= step[0], found.key <= step[-1])
        wanted = set(step)
        for key, *values in db.session.execute(statement.where(within).order_by(found.key)):
            if key in wanted:
                yield _registration(values) if found.sheet == REGISTRATIONS else tuple(values)
        last = step[-1]


def _registrations() -> Any:
    recap, certificate, new, receipt = aliased(Document), aliased(Document), aliased(R), aliased(Batch)
    return (
        select(
            R.id,
            Batch.receipt_number,
            R.registered_on,
            Centre.name,
            Centre.siret,
            Accreditation.number,
            R.last_name,
            R.first_name,
            Driver.birth_date,
            Driver.permit_number,
            Training.label,
            Training.category,
            R.end_date,
            R.order_number,
            R.reference,
            R.price,
            Batch.mode,
            recap.number,
            certificate.number,
            certificate.state,
            R.withheld,
            R.cancelled_on,
            Cancellation.reason_code,
            receipt.receipt_number,
        )
        .join(Batch, Batch.id == R.batch_id)
        .join(Centre, Centre.id == R.centre_id)
        .join(Accreditation, Accreditation.id == R.accreditation_id)
        .join(Driver, Driver.id == R.identity_id())
        .join(Training, Training.id == R.training_id)
        .outerjoin(recap, recap.id == _last(RECAP))
        .outerjoin(certificate, certificate.id == _last(CERTIFICATE))
        .outerjoin(Cancellation, Cancellation.registration_id == R.id)
        .outerjoin(new, new.id == Cancellation.replaced_by_id)
        .outerjoin(receipt, receipt.id == new.batch_id)
    )


def _last(kind: str) -> Any:
    """Return the statement of a registration's last document of a kind: the one that holds, if any does."""
    one = aliased(Document)
    return select(func.max(one.id)).where(one.registration_id == R.id, one.kind == kind).correlate(R).scalar_subquery()


def _registration(values: list[Any]) -> tuple[Any, ...]:
    values[9] = full_label(values[9], values[10])
    values[15] = MODE_NAMES[values[15]]
    values[18] = DOCUMENT_STATES.get(values[18], "")
    values[21] = REASONS.get(values[21], "")
    return tuple(values)


def _drivers() -> Any:
    return select(
        Driver.id,
        Driver.last_name,
        Driver.first_name,
        Driver.birth_date,
        Driver.permit_number,
        Driver.person_id.is_not(None),
    )
