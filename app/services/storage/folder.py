"""Documents in a folder of this machine, each file written once, whole, and on the disk before it is spoken of."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

_DRAFT = ".tmp-"


class Folder:
    """A store below one folder; paths are relative to it and never lead out of it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, content: bytes, content_type: str) -> None:
        """Write a file; durable and whole when it returns."""
        target = self._place(path)
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=_DRAFT)
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

    def read(self, path: str) -> bytes:
        """Return a file; raise FileNotFoundError when there is none, OSError when it cannot be read."""
        return self._place(path).read_bytes()

    def delete(self, path: str) -> None:
        """Remove a file; one already gone is no error."""
        self._place(path).unlink(missing_ok=True)

    def entries(self) -> Iterator[tuple[str, datetime]]:
        """Yield path and instant of the last change of each file, those left half-written included."""
        for path in self.root.rglob("*"):
            if path.is_file():
                yield path.relative_to(self.root).as_posix(), datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def check(self) -> None:
        """Raise OSError unless files can be read and written here."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(self.root, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(self.root.name)

    def _place(self, path: str) -> Path:
        root = self.root.resolve()
        target = (root / path).resolve()
        if root not in target.parents:
            raise FileNotFoundError(path)
        return target


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
