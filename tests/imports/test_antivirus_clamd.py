"""The real clamd, with a database of one line."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.services.imports import antivirus
from app.services.imports.antivirus import Clean, Infected, Unavailable
from tests.corpus.builders import HEADERS, LINE, xls, xlsx
from tests.imports.test_antivirus import EICAR, WITH_EICAR

PROGRAM = shutil.which("clamd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
READY_SECONDS = 60


@dataclass
class Clamd:
    """A running clamd of our own."""

    process: subprocess.Popen[bytes]
    url: str


@pytest.fixture
def clamd() -> Iterator[Clamd]:
    if PROGRAM is None:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail("clamd is required (Debian: clamav-daemon)")
        pytest.skip("clamd is not installed (Debian: clamav-daemon)")
    # A short path: a Unix socket's has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="clamd") as name:
        folder = Path(name)
        (folder / "test.ndb").write_text(f"Eicar-Test-Signature:0:*:{EICAR.encode().hex()}\n")
        (folder / "clamd.conf").write_text(
            f"DatabaseDirectory {folder}\nLocalSocket {folder}/clamd.ctl\nForeground yes\nPidFile {folder}/pid\n"
            f"TemporaryDirectory {folder}\nStreamMaxLength 12M\n"
        )
        process = subprocess.Popen(
            [PROGRAM, "--config-file", str(folder / "clamd.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until_ready(process, folder / "clamd.ctl")
            yield Clamd(process, f"clamd+unix://{folder}/clamd.ctl")
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(30)


def wait_until_ready(process: subprocess.Popen[bytes], path: Path) -> None:
    """Returns once it answers PING."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as link:
            link.connect(str(path))
            link.sendall(b"zPING\0")
            if link.recv(16) == b"PONG\0":
                return
        time.sleep(0.02)
    pytest.fail(f"clamd does not start (exit {process.returncode})")


def test_clean_infected_inside_hanging_stopped(clamd: Clamd, tmp_path: Path) -> None:
    path = tmp_path / "upload"

    def verdict(content: bytes, seconds: float = 30) -> antivirus.Verdict:
        path.write_bytes(content)
        return antivirus.scan(path, clamd.url, seconds)

    infected = Infected("Eicar-Test-Signature.UNOFFICIAL")
    assert verdict(xlsx(HEADERS, LINE)) == Clean()
    assert verdict(xls(HEADERS, LINE)) == Clean()
    assert verdict(EICAR.encode()) == infected
    assert verdict(xlsx(HEADERS, WITH_EICAR)) == infected
    assert verdict(xls(HEADERS, WITH_EICAR)) == infected
    assert verdict(os.urandom(10 * 1024 * 1024)) == Clean()
    assert isinstance(verdict(os.urandom(13 * 1024 * 1024)), Unavailable)

    clamd.process.send_signal(signal.SIGSTOP)
    assert isinstance(verdict(xlsx(HEADERS, LINE), seconds=0.5), Unavailable)
    clamd.process.send_signal(signal.SIGCONT)
    assert verdict(xlsx(HEADERS, LINE)) == Clean()

    clamd.process.terminate()
    clamd.process.wait(30)
    assert isinstance(verdict(xlsx(HEADERS, LINE)), Unavailable)
