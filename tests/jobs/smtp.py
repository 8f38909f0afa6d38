"""A mail server of a few lines: answers each recipient as told, keeps what it accepts."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Postbox:
    """What the server has accepted, and what it answers to RCPT and at the end of DATA."""

    def __init__(self) -> None:
        self.accepted: list[bytes] = []
        self.on_recipient = b"250 ok"
        self.on_data = b"250 kept"
        self.port = 0


class _Handler(socketserver.StreamRequestHandler):
    postbox: Postbox

    def handle(self) -> None:
        say = lambda line: self.wfile.write(line + b"\r\n")  # noqa: E731
        say(b"220 test")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"EHLO":
                say(b"250 test")
            elif word == b"RCPT":
                say(self.postbox.on_recipient)
            elif word == b"DATA":
                say(b"354 go on")
                say(self._take())
            elif word == b"QUIT":
                say(b"221 bye")
                return
            else:
                say(b"250 ok")

    def _take(self) -> bytes:
        content = bytearray()
        while (line := self.rfile.readline()) != b".\r\n":
            content += line
        if self.postbox.on_data.startswith(b"250"):
            self.postbox.accepted.append(bytes(content))
        return self.postbox.on_data


@contextmanager
def mail_server() -> Iterator[Postbox]:
    """Run the server on a free port of this machine."""
    postbox = Postbox()
    handler = type("Handler", (_Handler,), {"postbox": postbox})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        postbox.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield postbox
        finally:
            server.shutdown()
