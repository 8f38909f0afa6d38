"""The web process: one request at a time, as Flask-AppBuilder needs it, and none before it is all here.

Gunicorn's sync worker reads the request it has accepted, however slowly it comes: as many senders that trickle as there are
processes stop the site. This one waits for all its connections at once and hands a request over when its last byte has come.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import time
from typing import Any

from gunicorn.workers.sync import SyncWorker

from .arrival import Arrival, Received

#: Connections that one process waits for, and bytes it keeps of them: beyond, the one that has waited longest is let go.
MOST_ARRIVALS, MOST_BYTES = 256, 256 * 1024 * 1024
#: Seconds: for a piece of an answer to be taken; for a client to hang up; for those under way when the process is to end.
ANSWER_SECONDS, LINGER_SECONDS, LAST_SECONDS = 30.0, 2.0, 1.0
TICK = 0.5
TOO_SLOW = "408 Request Timeout", "La requête n’est pas arrivée en entier à temps. Renvoyez-la."
TOO_LONG = "431 Request Header Fields Too Large", "L’en-tête de la requête est trop long."


class WebWorker(SyncWorker):
    """A sync worker that waits for whole requests."""

    def run(self) -> None:
        """Serve until told to stop; then what is on its way, for a moment."""
        self.desk = selectors.DefaultSelector()
        self.arrivals: dict[socket.socket, Arrival] = {}
        self.leaving: dict[socket.socket, float] = {}
        self.desk.register(self.PIPE[0], selectors.EVENT_READ)
        for listener in self.sockets:
            listener.setblocking(False)
            with contextlib.suppress(OSError, AttributeError):  # Linux: a connection is told of when it says something
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)
            self.desk.register(listener, selectors.EVENT_READ)
        while self.alive and self.is_parent_alive():
            self._turn()
        self._finish()

    def _turn(self) -> None:
        """Take what has come in, serve the requests that are all here, let go of those that are late."""
        self.notify()
        for key, _events in self.desk.select(TICK):
            self._heard(key.fileobj)
        now = time.monotonic()
        late = [arrival for arrival in self.arrivals.values() if arrival.deadline < now]
        for arrival in late or self._too_many():
            self._refuse(arrival, *TOO_SLOW)
        crowd = max(0, len(self.leaving) - MOST_ARRIVALS)
        for number, (client, until) in enumerate(list(self.leaving.items())):
            if until < now or number < crowd:
                self._forget(client)

    def _heard(self, what: Any) -> None:
        if what == self.PIPE[0]:
            os.read(what, 64)
        elif what in self.arrivals:
            self._read(self.arrivals[what])
        elif what in self.leaving:
            self._drain(what)
        elif what in self.sockets:
            self._accept(what)

    def _accept(self, listener: Any) -> None:
        with contextlib.suppress(OSError):  # another process was quicker, the client has gone, or no descriptor is left
            client, address = listener.accept()
            arrival = self.arrivals[client] = Arrival(client, address, listener, time.monotonic())
            self.desk.register(client, selectors.EVENT_READ)
            self._read(arrival)

    def _read(self, arrival: Arrival) -> None:
        try:
            done = arrival.read()
        except OSError:
            done = arrival.has_gone = True
        if arrival.is_too_long:
            self._refuse(arrival, *TOO_LONG)
        elif done:
            self._serve(arrival)

    def _serve(self, arrival: Arrival) -> None:
        """Answer a request that is all here; the time it takes is not counted against those that wait."""
        del self.arrivals[arrival.client]
        began = time.monotonic()
        if not arrival.has_gone:
            arrival.client.settimeout(ANSWER_SECONDS)
            self.notify()
            self.handle(arrival.listener, Received(arrival), arrival.address)
        self._leave(arrival)
        for other in self.arrivals.values():
            other.deadline += time.monotonic() - began

    def _refuse(self, arrival: Arrival, status: str, sentence: str) -> None:
        """Let go of a request that will not be all here, saying so where it has begun at all."""
        del self.arrivals[arrival.client]
        if arrival.size:
            self.log.warning("Request from ip=%s let go: %s", (arrival.address or ("",))[0], status)
            with contextlib.suppress(OSError):
                arrival.client.send(_answer(status, sentence))
        self._leave(arrival)

    def _leave(self, arrival: Arrival) -> None:
        """Say that there is nothing more, and let the client hang up, without waiting for it."""
        arrival.close()
        client = arrival.client
        try:
            client.setblocking(False)
            client.shutdown(socket.SHUT_WR)
            self.leaving[client] = time.monotonic() + LINGER_SECONDS
        except OSError:
            self._forget(client)

    def _drain(self, client: socket.socket) -> None:
        try:
            if client.recv(1 << 16):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._forget(client)

    def _forget(self, client: socket.socket) -> None:
        self.leaving.pop(client, None)
        self.desk.unregister(client)
        client.close()

    def _too_many(self) -> list[Arrival]:
        """Return the request that has waited longest, where there are too many, or too much of them."""
        held = sum(arrival.size for arrival in self.arrivals.values())
        if len(self.arrivals) <= MOST_ARRIVALS and held <= MOST_BYTES:
            return []
        return [next(iter(self.arrivals.values()))]

    def _finish(self) -> None:
        """Take no more; serve for a moment what was coming in."""
        for listener in self.sockets:
            self.desk.unregister(listener)
        until = time.monotonic() + LAST_SECONDS
        while self.arrivals and time.monotonic() < until:
            self._turn()
        for arrival in list(self.arrivals.values()):
            self._refuse(arrival, *TOO_SLOW)


def _answer(status: str, sentence: str) -> bytes:
    body = f"{sentence}\n".encode()
    head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body
