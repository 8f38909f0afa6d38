"""A copy of the register that stands by itself: the base, and every file that its rows speak of, of one instant."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from cryptography.hazmat.primitives import serialization
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError

from app.extensions import db
from app.models import JournalCheckpoint, JournalLink
from app.services.core import clock, vault
from app.services.core.refusal import Refusal
from app.services.operations import nightly
from app.services.seal import sealing
from app.services.storage import store
from app.services.storage.folder import Folder

from . import bases, files, manifest
from .manifest import File

log = structlog.get_logger()

#: How often the base is taken again where a file went meanwhile, at the end of its keeping.
TRIES = 3
#: Backups kept in a folder unless said otherwise.
KEEP = 14
#: What a backup holds of secrets, and what it does not; told in its manifest.
SECRETS = {
    "inside": [
        "passwords and tokens as hashes, as the base holds them",
        "secrets of webhooks and of second factors, encrypted under SECRET_KEY",
        "certificates of the seal (public): seal.pem",
    ],
    "outside": [
        "SECRET_KEY",
        "SEAL_KEY",
        "SEAL_KEY_PASSWORD",
        "STATEMENT_KEY",
        "STATEMENT_KEY_PASSWORD",
        "passwords of the base, of Redis and of the mail server",
    ],
}


class Busy(Refusal):
    """Another backup is being written to this folder."""

    message = "Another backup is being written to this folder."


@dataclass
class Done:
    """A backup that was finished: its name; files in it, of those new ones, their bytes; rows of the base; files at fault.

    ``faults``: files that rows speak of and that the store no longer holds as they were stored: kind, id of the row, path.
    """

    name: str
    files: int = 0
    new: int = 0
    new_bytes: int = 0
    rows: int = 0
    faults: list[str] = field(default_factory=list)


def back_up(root: Path, *, keep: int = KEEP, verify: bool = False) -> Done:
    """Write one more backup into a folder, remove those beyond the ``keep`` last, and return what it holds.

    The base is taken first, in one view of it, then the files that its rows speak of; a file that went meanwhile, at the end of
    its keeping, has the base taken again. To ``verify`` is to read all of it again before it counts, and before those of before
    are removed. Raises :class:`Busy`, `bases.ToolFailed`, what `manifest.verify` raises, or `OSError` when store or folder do
    not answer.
    """
    store.check()
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(root):
        _sweep(root)
        done = _taken(root)
        if verify:
            manifest.verify(manifest.read(root, done.name))
        _forget(root, keep)
        _note()
        return done


def _note() -> None:
    """Have the register know of it; the backup stands even where it cannot be told (a base that is only read)."""
    try:
        nightly.note_backup()
    except DBAPIError as error:
        log.warning("backup not noted", error=type(error).__name__)


def _taken(root: Path) -> Done:
    for last in (*(False,) * (TRIES - 1), True):
        folder = _new_folder(root)
        done = Done(folder.name)
        try:
            said = _fill(root, folder, done)
            if done.faults and not last and _went(done):
                shutil.rmtree(folder)
                continue
            manifest.finish(folder, said)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return done
    raise AssertionError("the last try ends it")


def _fill(root: Path, folder: Path, done: Done) -> dict[str, Any]:
    kind = bases.kind()
    base = folder / bases.FILES[kind]
    with bases.taken(base) as connection:
        counts = bases.counts(connection)
        head = _head(connection)
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        listed = list(_collected(root, connection, done))
    done.files, done.rows = len(listed), sum(counts.values())
    seal = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (*_seal().chain, *_seal().former))
    Folder(folder).write(manifest.SEAL, seal, "application/x-pem-file")
    return {
        "taken_at": clock.machine_now().isoformat(timespec="seconds"),
        "base": {
            "kind": kind,
            "file": base.name,
            "sha256": manifest.digest_of(base),
            "size": base.stat().st_size,
            "revision": revision,
        },
        "tables": counts,
        "journal_head": head,
        "files": manifest.write_list(folder, listed),
        "faults": done.faults,
        "seal": {"title": _seal().title, "sha256": hashlib.sha256(seal).hexdigest()},
        "secret_key_check": key_checks()[0],
        "secrets": SECRETS,
    }


def key_checks() -> list[str]:
    """Return what tells whether a SECRET_KEY, the present one or one of before, is a backup's; nothing of the key itself."""
    return [hashlib.sha256(key).hexdigest()[:16] for key in vault.keys("backup check")]


def _seal() -> Any:
    return sealing.authority()


def _head(connection: Connection) -> str:
    """Return the head of the journal's chain as `journal verify --head` takes it; empty before the first link."""
    for model in (JournalLink, JournalCheckpoint):
        query = select(model.position, model.hash).order_by(model.position.desc()).limit(1)
        if (row := connection.execute(query).one_or_none()) is not None:
            return f"{row.position}:{row.hash}"
    return ""


def _collected(root: Path, connection: Connection, done: Done) -> Iterator[File]:
    """Copy the files that rows of the base taken speak of, unless a backup before holds them; yield each, once."""
    seen: set[tuple[str, str]] = set()
    for kind in files.KINDS:
        place = manifest.STORE if kind.code != files.UPLOAD else manifest.UPLOADS
        for id_, path, digest in connection.execute(kind.rows()):
            if (place, path) in seen:
                continue
            seen.add((place, path))
            file = _copied(root, kind, File(place, path, digest, 0), done)
            if file is None:
                done.faults.append(f"{kind.code} {id_}: {path}")
            else:
                yield file


def _copied(root: Path, kind: files.Kind, file: File, done: Done) -> File | None:
    """Return the file with its size, copied unless it is there already; None where it is not as it was stored."""
    target = root / file.pooled
    if target.is_file():
        return File(file.place, file.path, file.sha256, target.stat().st_size)
    try:
        content = kind.read(file.path)
    except FileNotFoundError:
        return None
    if hashlib.sha256(content).hexdigest() != file.sha256:
        return None
    Folder(root).write(file.pooled, content, "application/octet-stream")
    done.new, done.new_bytes = done.new + 1, done.new_bytes + len(content)
    return File(file.place, file.path, file.sha256, len(content))


def _went(done: Done) -> bool:
    """Tell whether rows of today's base no longer speak of a file that was not there: it went at the end of its keeping."""
    missing = {one.rpartition(": ")[2] for one in done.faults}
    known = {path for kind in files.KINDS for _, path, _ in db.session.execute(kind.rows())}
    db.session.rollback()
    return not missing <= known


def _new_folder(root: Path) -> Path:
    """Make the folder of a backup, named by the real instant; two within a second have one second after the other.

    Its name comes after that of every finished one, though the machine's clock went back: the oldest ones are removed by it.
    """
    instant = clock.machine_now()
    if whole := manifest.finished(root):
        instant = max(instant, datetime.strptime(whole[-1].name, "%Y-%m-%dT%H%M%S%z") + timedelta(seconds=1))
    while True:
        folder = root / f"{instant:%Y-%m-%dT%H%M%S}Z"
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            instant += timedelta(seconds=1)
            continue
        return folder


def _sweep(root: Path) -> None:
    """Remove what backups that were never finished left."""
    whole = set(manifest.finished(root))
    for place in root.iterdir():
        if place.is_dir() and place.name != manifest.POOL and place not in whole:
            shutil.rmtree(place)


def _forget(root: Path, keep: int) -> None:
    """Remove the backups beyond the last ones, and the files that none of those left speaks of."""
    whole = manifest.finished(root)
    old = whole[: max(len(whole) - keep, 0)] if keep else []
    if not old:
        return
    for folder in old:
        (folder / manifest.MANIFEST).unlink()
        shutil.rmtree(folder)
    kept = {file.sha256 for folder in manifest.finished(root) for file in manifest.read(root, folder.name).files()}
    for path in (root / manifest.POOL).glob("*/*"):
        if path.name not in kept:
            path.unlink()


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    handle = os.open(root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy from None
        yield
    finally:
        os.close(handle)
