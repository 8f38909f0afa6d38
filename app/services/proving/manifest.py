"""A backup on disk: what it holds, written last and whole, so that what is not finished is never taken for a backup.

A folder keeps several backups and one copy of each file, whatever their number::

    files/ab/abcd…      a file by its SHA-256: documents, pictures, files sent; shared by all backups
    2026-11-27T030000Z/ one backup: base.sqlite or base.pgdump, files.txt, seal.pem, and manifest.json, which is written last
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.services.core.refusal import Refusal
from app.services.storage.folder import Folder

FORMAT = 1
MANIFEST, LIST, SEAL, POOL = "manifest.json", "files.txt", "seal.pem", "files"
STORE, UPLOADS = "store", "uploads"
_PLACE = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z")
_PIECE = 1024 * 1024


class Broken(Refusal):
    """The backup cannot be used: something is missing, changed or unfinished; the message says what."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a backup: in which place it lay (`STORE` or `UPLOADS`), its path there, SHA-256, bytes."""

    place: str
    path: str
    sha256: str
    size: int

    @property
    def pooled(self) -> str:
        """Return where its content lies below the backups' folder."""
        return f"{POOL}/{self.sha256[:2]}/{self.sha256}"


@dataclass(frozen=True, slots=True)
class Backup:
    """One finished backup: its folder, the folder of all of them, and what its manifest says."""

    folder: Path
    root: Path
    said: dict[str, Any]

    @property
    def base(self) -> Path:
        """Return the file that holds the base."""
        return self.folder / str(self.said["base"]["file"])

    def files(self) -> Iterator[File]:
        """Yield the files it holds. Raises :class:`Broken` for a list that is not the one that was written."""
        content = _whole(self.folder / LIST, self.said["files"]["sha256"])
        for line in content.decode().splitlines():
            place, digest, size, path = line.split("\t")
            yield File(place, path, digest, int(size))


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal; it may be larger than the memory."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def write_list(folder: Path, files: list[File]) -> dict[str, Any]:
    """Write the list of the files of a backup; return what the manifest says of it."""
    lines = (f"{one.place}\t{one.sha256}\t{one.size}\t{one.path}\n" for one in files)
    content = "".join(lines).encode()
    Folder(folder).write(LIST, content, "text/plain")
    return {
        "count": len(files),
        "bytes": sum(one.size for one in files),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def finish(folder: Path, said: dict[str, Any]) -> None:
    """Write the manifest, which makes the folder a backup; whole or not at all."""
    whole = {"format": FORMAT, **said}
    text = json.dumps({**whole, "sha256": _own_digest(whole)}, indent=1, ensure_ascii=False)
    Folder(folder).write(MANIFEST, f"{text}\n".encode(), "application/json")


def finished(root: Path) -> list[Path]:
    """Return the folders of the finished backups, the oldest first."""
    if not root.is_dir():
        return []
    return sorted(one.parent for one in root.glob(f"*/{MANIFEST}") if _PLACE.fullmatch(one.parent.name))


def read(root: Path, name: str = "") -> Backup:
    """Return a backup by its name, the newest by default. Raises :class:`Broken`."""
    places = [one for one in finished(root) if name in ("", one.name)]
    if not places:
        what = f"« {name} » is no finished backup" if name else "there is no finished backup"
        raise Broken(f"{what} in {root}.")
    folder = places[-1]
    try:
        said = json.loads((folder / MANIFEST).read_bytes())
        known = said.pop("sha256")
        if said["format"] != FORMAT:
            raise Broken(f"{folder.name}: this program reads backups of format {FORMAT}, not {said['format']}.")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise Broken(f"{folder.name}: the manifest cannot be read.") from None
    if known != _own_digest(said):
        raise Broken(f"{folder.name}: the manifest was changed.")
    return Backup(folder, root, said)


def verify(backup: Backup) -> int:
    """Read the whole backup and return how many files it holds. Raises :class:`Broken` for the first that is not as written."""
    if not backup.base.is_file():
        raise Broken(f"{backup.folder.name}: the base is missing.")
    if digest_of(backup.base) != backup.said["base"]["sha256"]:
        raise Broken(f"{backup.folder.name}: the base was changed or cut short.")
    _whole(backup.folder / SEAL, backup.said["seal"]["sha256"])
    count = 0
    for one in backup.files():
        content(backup, one)
        count += 1
    return count


def content(backup: Backup, file: File) -> bytes:
    """Return a file of a backup. Raises :class:`Broken` where it is not the one that was stored."""
    return _whole(backup.root / file.pooled, file.sha256, file.path)


def _whole(path: Path, expected: str, name: str = "") -> bytes:
    what = f"{name} ({path.parent.name}/{path.name})" if name else path.name
    try:
        found = path.read_bytes()
    except OSError:
        raise Broken(f"The file {what} is missing from the backup.") from None
    if hashlib.sha256(found).hexdigest() != expected:
        raise Broken(f"The file {what} was changed in the backup.")
    return found


def _own_digest(said: dict[str, Any]) -> str:
    plain = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(plain.encode()).hexdigest()
