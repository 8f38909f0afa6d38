"""Where documents are kept: a folder or an S3 bucket, as DOCUMENTS_URL says; a file's hash is checked on reading."""

from __future__ import annotations

import hashlib
import mimetypes
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import structlog
from flask import current_app

from .folder import Folder

log = structlog.get_logger()


class Missing(Exception):
    """The file of a document is not there, or is not the one that was stored."""


class Changed(Missing):
    """A file is there, but not the one that was stored."""


class Unreadable(Missing):
    """The store does not hand the file over: a disk or a server that fails."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a file lies (relative to the store), its SHA-256 in hexadecimal, its size in bytes."""

    path: str
    sha256: str
    size: int


class Backend(Protocol):
    """What keeps files. A failure is an OSError, a file that is not there FileNotFoundError."""

    def write(self, path: str, content: bytes, content_type: str) -> None:
        """Write a file, whole and durable when it returns."""

    def read(self, path: str) -> bytes:
        """Return a file."""

    def delete(self, path: str) -> None:
        """Remove a file; one already gone is no error."""

    def entries(self) -> Iterator[tuple[str, datetime]]:
        """Yield path and instant of the last change of every file."""

    def check(self) -> None:
        """Raise OSError when the store cannot be used."""


def folder() -> Path:
    """Return the folder of a local store."""
    url = urlsplit(current_app.config["DOCUMENTS_URL"])
    return Path(unquote(url.path)) if url.scheme == "file" else Path(current_app.config["DATA_DIR"]) / "documents"


def backend() -> Backend:
    """Return what keeps the files, made once a process: a fork must not share its parent's connections."""
    wanted = (os.getpid(), current_app.config["DOCUMENTS_URL"])
    made_for, known = current_app.extensions.get("store", (None, None))
    if made_for != wanted:
        known = _backend(wanted[1])
        current_app.extensions["store"] = (wanted, known)
    return known  # type: ignore[no-any-return]


def put(document_id: int, content: bytes) -> Stored:
    """Store a document's file and return where; durable when it returns. Raises OSError when it cannot be.

    The name comes from the id and the content, never from a person; a twin worker that draws the same document writes
    beside it, never over a file that a row already speaks of.
    """
    digest = hashlib.sha256(content).hexdigest()
    return put_named(f"{document_id // 1000:06d}/{document_id}-{digest[:12]}.pdf", content)


def put_named(path: str, content: bytes) -> Stored:
    """Store a file under this path and return where; durable and whole when it returns."""
    content_type = mimetypes.guess_type(path)[0] or "application/octet-stream"
    backend().write(path, content, content_type)
    return Stored(path, hashlib.sha256(content).hexdigest(), len(content))


def get(path: str, sha256: str) -> bytes:
    """Return a stored file; raise :class:`Missing` when it is gone, :class:`Changed` or :class:`Unreadable`."""
    try:
        content = backend().read(path)
    except FileNotFoundError:
        raise Missing(path) from None
    except OSError as error:
        raise Unreadable(path) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Changed(path)
    return content


def remove(path: str) -> None:
    """Remove a stored file that no row speaks of any more; one already gone is no error.

    A store that fails is logged: what was done before stands, and the purge removes the file another night.
    """
    try:
        backend().delete(path)
    except OSError as error:
        log.warning("file not removed, the purge will", path=path, error=type(error).__name__)


def entries() -> Iterator[tuple[str, datetime]]:
    """Yield path and instant of the last change of every file of the store, pictures and half-written ones included."""
    return backend().entries()


def check() -> None:
    """Raise OSError when the store cannot be used now."""
    backend().check()


def _backend(url: str) -> Backend:
    if url.startswith("s3://"):
        from .bucket import Bucket  # takes a moment to load, and most need it not

        return Bucket(url)
    return Folder(folder())
