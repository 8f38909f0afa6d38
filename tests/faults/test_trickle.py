"""`make run`'s own server: senders that trickle do not stop it."""

from __future__ import annotations

import socket
import time
import urllib.request
from contextlib import ExitStack
from urllib.parse import urlsplit

from tests.e2e.conftest import Program


def test_many_that_trickle_stop_nobody(program: Program) -> None:
    at = urlsplit(program.url)
    with ExitStack() as held:
        for _ in range(10):
            client = held.enter_context(socket.create_connection((str(at.hostname), at.port or 0), timeout=10))
            client.send(b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\nusername=")
        began = time.monotonic()
        urllib.request.urlopen(f"{program.url}/healthz", timeout=20).close()
        assert time.monotonic() - began < 5
