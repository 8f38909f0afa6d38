"""Where documents are kept: a local folder, each file written once, whole, and on the disk before it is spoken of."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from flask import current_app


class Missing(Exception):
    """The file of a document is not there, or is not the one that was stored."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a file lies (relative to the store), its SHA-256 in hexadecimal, its size in bytes."""

    path: str
    sha256: str
    size: int


def folder() -> Path:
    """Return the store's folder."""
    return Path(current_app.config["DATA_DIR"]) / "documents"


def put(document_id: int, content: bytes) -> Stored:
    """Store a document's file and return where; durable when it returns.

    The name comes from the id and the content, never from a person; a twin worker that draws the same document writes
    beside it, never over a file that a row already speaks of.
    """
    digest = hashlib.sha256(content).hexdigest()
    path = f"{document_id // 1000:06d}/{document_id}-{digest[:12]}.pdf"
    target = folder() / path
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".tmp-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)
    return Stored(path, digest, len(content))


def get(path: str, sha256: str) -> bytes:
    """Return a stored file; raise :class:`Missing` when it is gone or differs from what was stored."""
    root = folder().resolve()
    target = (root / path).resolve()
    if root not in target.parents or not target.is_file():
        raise Missing(path)
    content = target.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Missing(path)
    return content


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
