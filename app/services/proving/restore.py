"""A backup put back into an empty place, whole or not at all, and proved by what it must hold."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from alembic.script import ScriptDirectory
from flask import current_app

from app.services.core.refusal import Refusal
from app.services.imports import uploads
from app.services.journal import chain
from app.services.seal import sealing
from app.services.storage import store
from app.services.storage.folder import Folder
from config import ROOT

from . import backup, bases, check, manifest
from .bases import NotEmpty
from .manifest import Backup, Broken


class OtherBase(Refusal):
    """The backup is of the other kind of base."""


class OtherVersion(Refusal):
    """The base of the backup is of another version of the program, which cannot read it yet."""

    message = (
        "The base of this backup is of another version of the program: restore it without --prove, then "
        "flask --app run db upgrade and flask --app run check --files prove it."
    )


@dataclass
class Restored:
    """What was put back: the backup's name and instant, files, rows and tables of its base.

    ``notes``: what who restores it has to know, sentences in English.
    """

    name: str
    taken_at: str
    files: int
    rows: int
    tables: int
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proved of a restored place: links of the journal's chain, what is wrong with it; what the check found."""

    links: int
    wrong: str
    report: check.Report

    @property
    def holds(self) -> bool:
        """Tell whether all of it holds."""
        return not self.wrong and self.report.is_sound


def restore(root: Path, name: str = "", *, to_prove: bool = False) -> Restored:
    """Put a backup (the newest by default) back into the base and the store of the settings, both empty.

    Everything is read and compared before anything is written; files first, the base last, in one step. Raises
    `manifest.Broken`, `bases.NotEmpty`, `bases.NotTheSame`, `bases.ToolFailed`, :class:`OtherBase`, or `OSError` when the store
    does not answer; then nothing of it stays. ``to_prove``: also :class:`OtherVersion`, where :func:`prove` could not read it.
    """
    found = manifest.read(root, name)
    revision = ScriptDirectory(str(ROOT / "migrations")).get_current_head()
    is_of_today = found.said["base"]["revision"] == revision
    if to_prove and not is_of_today:
        raise OtherVersion
    if found.said["base"]["kind"] != bases.kind():
        raise OtherBase(
            f"{found.folder.name} is a backup of {found.said['base']['kind']}, DATABASE_URL names {bases.kind()}: "
            "a backup is restored into its own kind of base."
        )
    _require_empty()
    count = manifest.verify(found)
    if count != found.said["files"]["count"]:
        raise Broken(f"{found.folder.name}: {count} files are listed, {found.said['files']['count']} were backed up.")
    _put_back(found)
    counts = found.said["tables"]
    done = Restored(found.folder.name, found.said["taken_at"], count, sum(counts.values()), len(counts))
    if not is_of_today:
        done.notes.append(
            "The base is of another version: flask --app run db upgrade, then flask --app run check --files"
        )
    _note(found, done)
    return done


def prove(root: Path, name: str = "") -> Proof:
    """Read what was restored as the program itself does: the chain of the journal up to the backup's head, every invariant,
    every file, its hash and its seal.
    """
    found = manifest.read(root, name)
    sealing.recognise((found.folder / manifest.SEAL).read_bytes())
    chain.seal()  # what was written in the last minute before the backup: no relay runs here yet
    verdict = chain.verify(found.said["journal_head"])
    return Proof(verdict.links, verdict.wrong, check.run(with_files=True))


def _require_empty() -> None:
    bases.require_empty()
    store.check()
    if next(iter(store.entries()), None) is not None:
        raise NotEmpty("The store holds files already: a backup is restored into an empty one only.")
    folder = uploads.folder()
    if folder.is_dir() and any(folder.iterdir()):
        raise NotEmpty("The folder of files sent holds some already: a backup is restored into an empty one only.")


def _put_back(found: Backup) -> None:
    written: list[Callable[[], None]] = []
    sent = Folder(uploads.folder())
    try:
        for one in found.files():
            content = manifest.content(found, one)
            if one.place == manifest.UPLOADS:
                written.append(lambda path=one.path: uploads.remove(path))  # type: ignore[misc]
                sent.write(one.path, content, "application/octet-stream")
            else:
                written.append(lambda path=one.path: store.remove(path))  # type: ignore[misc]
                kind = mimetypes.guess_type(one.path)[0] or "application/octet-stream"
                store.backend().write(one.path, content, kind)
        bases.put_back(found.base, found.said["tables"])
    except BaseException:
        for remove in written:
            remove()
        raise


def _note(found: Backup, done: Restored) -> None:
    if found.said["faults"]:
        done.notes.append(f"{len(found.said['faults'])} file(s) were at fault already when the backup was taken.")
    if found.said["secret_key_check"] not in backup.key_checks():
        done.notes.append(
            "SECRET_KEY is another one: secrets of webhooks and second factors cannot be read, activation codes and "
            "invitation links are void. Set the former one, or have them made anew."
        )
    if not sealing.knows((found.folder / manifest.SEAL).read_bytes()):
        done.notes.append(
            f"The seal is another one than « {found.said['seal']['title']} »: add {manifest.SEAL} of the backup to "
            "SEAL_FORMER, or documents sealed before are no longer recognised."
        )
    if current_app.config["DATABASE_OWNER_URL"] or current_app.extensions["settings"].IS_OWNER:
        done.notes.append("Give the program's role its rights: flask --app run db-role")
