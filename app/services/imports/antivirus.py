"""Is a file infected? Three answers: clean, infected, and no answer, which is never taken for clean."""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from app.validators.file import FileCode, FileRefused

from . import zipguard

CONNECT_SECONDS = 5.0
SCAN_SECONDS = 60.0
"""For the whole dialogue, from the connection to the answer."""

_PIECE = 64 * 1024
_CLAMD_PORT = 3310
_LONGEST_ANSWER = 4096


@dataclass(frozen=True, slots=True)
class Clean:
    """Nothing was found."""


@dataclass(frozen=True, slots=True)
class Infected:
    """Something was found: the name the scanner gives it."""

    signature: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """No answer that could be trusted: the reason, for the log."""

    reason: str


Verdict = Clean | Infected | Unavailable


def check(path: Path, url: str | None) -> None:
    """Raises FileRefused unless the file is clean."""
    match scan(path, url):
        case Infected(signature):
            raise FileRefused(FileCode.INFECTED, signature=signature)
        case Unavailable():
            raise FileRefused(FileCode.ANTIVIRUS_UNAVAILABLE)


def scan(path: Path, url: str | None, seconds: float = SCAN_SECONDS) -> Verdict:
    """What clamd says of the file, or without address the built-in check, which is no antivirus.

    `url` is clamd://host:port or clamd+unix:///path (ValueError for another scheme). Raises FileRefused (active
    content) for what the built-in check refuses although it is no virus.
    """
    if not url:
        return _built_in(path)
    try:
        with _connected(url, time.monotonic() + seconds) as dialogue, path.open("rb") as file:
            return _understood(dialogue.instream(file))
    except OSError as fault:
        return Unavailable(f"{type(fault).__name__}: {fault}")


# --- clamd ------------------------------------------------------------------------------------------------------------


class _Dialogue:
    """One connection to clamd that ends at a fixed moment, however slowly the other side talks."""

    def __init__(self, link: socket.socket, deadline: float) -> None:
        self._link = link
        self._deadline = deadline

    def __enter__(self) -> _Dialogue:
        return self

    def __exit__(self, *_: object) -> None:
        self._link.close()

    def instream(self, file: BinaryIO) -> str:
        """clamd's answer on the content of the file, which it gets in pieces (zINSTREAM)."""
        try:
            self._send(b"zINSTREAM\0")
            while piece := file.read(_PIECE):
                self._send(struct.pack("!I", len(piece)) + piece)
            self._send(struct.pack("!I", 0))
        except (BrokenPipeError, ConnectionResetError):
            pass  # it hangs up on a stream above its limit, and has said why
        return self._answer()

    def _send(self, data: bytes) -> None:
        self._link.settimeout(self._left())
        self._link.sendall(data)

    def _answer(self) -> str:
        answer = b""
        while not answer.endswith(b"\0") and len(answer) < _LONGEST_ANSWER:
            self._link.settimeout(self._left())
            if not (piece := self._link.recv(_LONGEST_ANSWER)):
                break
            answer += piece
        return answer.rstrip(b"\0\n").decode(errors="replace")

    def _left(self) -> float:
        if (left := self._deadline - time.monotonic()) <= 0:
            raise TimeoutError("no answer in time")
        return left


def _connected(url: str, deadline: float) -> _Dialogue:
    address = urlsplit(url)
    wait = min(CONNECT_SECONDS, max(0.001, deadline - time.monotonic()))
    if address.scheme == "clamd" and address.hostname:
        return _Dialogue(socket.create_connection((address.hostname, address.port or _CLAMD_PORT), wait), deadline)
    if address.scheme != "clamd+unix" or not address.path:
        raise ValueError("ANTIVIRUS_URL must be clamd://host:port or clamd+unix:///path")
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        link.settimeout(wait)
        link.connect(address.path)
    except OSError:
        link.close()
        raise
    return _Dialogue(link, deadline)


def _understood(answer: str) -> Verdict:
    if answer == "stream: OK":
        return Clean()
    if found := re.fullmatch(r"stream: (.+) FOUND", answer):
        return Infected(found[1])
    return Unavailable(answer or "hung up without an answer")


# --- the built-in check -----------------------------------------------------------------------------------------------

# In two halves, so that no antivirus takes this source for the test file.
_EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
_EICAR_FORMS = (_EICAR, _EICAR.decode().encode("utf-16-le"))
EICAR_NAME = "Eicar-Test-Signature"

_PARTS = (
    ("vbaproject", "macros"),
    ("macrosheets/", "macros"),
    ("embeddings/", "objets incorporés"),
    ("activex/", "objets incorporés"),
    ("ctrlprops/", "contrôles"),
    ("externallinks/", "liaisons externes"),
    ("connections.xml", "liaisons externes"),
)
_EXTERNAL = re.compile(rb"<(?:\w+:)?Relationship\b[^>]*TargetMode\s*=\s*[\"']External[\"'][^>]*>")
_DDE = re.compile(rb"<(?:\w+:)?(?:f|formula1)(?:\s[^>]*)?>[^<]{0,200}\|\s*(?:'|&apos;|[\w/])[^<]{0,500}!")

# Names of streams in an .xls, as its directory holds them (UTF-16); looking for them needs no parser.
_STREAMS = tuple(
    (name.encode("utf-16-le"), what)
    for name, what in (
        ("_VBA_PROJECT", "macros"),
        ("Ole10Native", "objets incorporés"),
        ("MBD0", "objets incorporés"),
    )
)
# BIFF8 SUPBOOK record of another document (its path begins with \x01) or of a DDE source (application \x03 topic).
_SUPBOOK = re.compile(rb"\xae\x01....[\x01-\xff]\x00(?:[\x00\x01]\x01|\x00[ -~]{1,40}\x03)", re.DOTALL)


def _built_in(path: Path) -> Verdict:
    head = path.read_bytes()
    if _has_eicar(head):
        return Infected(EICAR_NAME)
    if not head.startswith(b"PK"):
        _refuse_ole(head)
        return Clean()
    return _built_in_zip(path)


def _built_in_zip(path: Path) -> Verdict:
    """Looks into the members as far as the zip guard would; what lies beyond, the guard, which always follows, refuses."""
    try:
        with zipguard.opened(path) as (stream, entries):
            _refuse_parts([entry.filename for entry in entries])
            inflated = 0
            for entry in entries:
                for piece in _overlapping(zipguard.inflate(stream, entry)):
                    inflated += len(piece)
                    if inflated > zipguard.MAX_INFLATED:
                        return Clean()
                    if _has_eicar(piece):
                        return Infected(EICAR_NAME)
                    _refuse_xml(entry.filename, piece)
    except FileRefused as refusal:
        if refusal.code is FileCode.ACTIVE_CONTENT:
            raise
    return Clean()


def _overlapping(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces, each with the end of the one before, so that nothing hides between two."""
    tail = b""
    for piece in pieces:
        yield tail + piece
        tail = piece[-1024:]


def _has_eicar(data: bytes) -> bool:
    return any(form in data for form in _EICAR_FORMS)


def _refuse(what: str) -> None:
    raise FileRefused(FileCode.ACTIVE_CONTENT, what=what)


def _refuse_parts(names: list[str]) -> None:
    for name in names:
        for mark, what in _PARTS:
            if mark in name.replace("\\", "/").lower():
                _refuse(what)


def _refuse_xml(name: str, piece: bytes) -> None:
    piece = piece.replace(b"\0", b"")  # a part may be in UTF-16
    if name.lower().endswith(".rels"):
        for relation in _EXTERNAL.findall(piece):
            if b"/hyperlink" not in relation:  # Excel makes one of every mail address typed
                _refuse("liaisons externes")
    elif b"|" in piece and _DDE.search(piece):
        _refuse("liaisons DDE")


def _refuse_ole(content: bytes) -> None:
    for mark, what in _STREAMS:
        if mark in content:
            _refuse(what)
    if _SUPBOOK.search(content):
        _refuse("liaisons externes")
