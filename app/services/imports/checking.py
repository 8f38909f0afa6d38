"""Before a file is opened: its name, its size, its first bytes, then the antivirus. Nothing here reads a spreadsheet."""

from __future__ import annotations

from pathlib import Path

from flask import current_app

from app.validators.file import Kind, check_content, check_name, check_size

from . import antivirus


def check_arrival(name: str, size: int, head: bytes) -> Kind:
    """Return what a file is by its name, its size in bytes and its first eight bytes. Raises `FileRefused`."""
    check_name(name)
    check_size(size)
    return check_content(head)


def check(place: Path, name: str) -> Kind:
    """Return what the file at this place is, sent under that name, once the antivirus has let it pass.

    Raises `FileRefused`, or what `antivirus.check` raises where nobody answers.
    """
    with place.open("rb") as file:
        kind = check_arrival(name, place.stat().st_size, file.read(8))
    antivirus.check(place, current_app.config["ANTIVIRUS_URL"] or None)
    return kind
