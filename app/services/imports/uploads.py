"""Where files that were sent wait: each under a random name in a folder of its own, never under the name it came with."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from flask import current_app

from app.validators.file import MAX_BYTES

_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as received: path below the uploads folder, bytes, SHA-256, and its first eight bytes.

    A file larger than the limit is cut one byte above it: it is refused anyway.
    """

    path: str
    size: int
    sha256: str
    head: bytes


def folder() -> Path:
    """Return the folder of the files that wait."""
    return Path(current_app.config["DATA_DIR"]) / "uploads"


def keep(stream: IO[bytes]) -> Upload:
    """Write a stream to a new file and return what was received; durable when it returns."""
    name = secrets.token_hex(16)
    place = folder() / name
    place.mkdir(parents=True, mode=0o700)
    digest, size, head = hashlib.sha256(), 0, b""
    with (place / "file").open("xb") as file:
        while size <= MAX_BYTES and (piece := stream.read(min(_PIECE, MAX_BYTES + 1 - size))):
            head = head or piece[:8]
            digest.update(piece)
            size += len(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return Upload(f"{name}/file", size, digest.hexdigest(), head)


def path_of(upload_path: str) -> Path:
    """Return the file behind a path that :func:`keep` gave."""
    return folder() / upload_path


def remove(upload_path: str) -> None:
    """Delete a file and its folder; one already gone is no error."""
    shutil.rmtree(path_of(upload_path).parent, ignore_errors=True)
