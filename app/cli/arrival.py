"""A request on its way in: its bytes are kept aside until all of it is here, so that a slow sender holds nobody up."""

from __future__ import annotations

import re
import socket
import tempfile
from typing import Any

from config import Config

#: What a request is at most: the largest file, its form around it, and the framing of its pieces.
LARGEST = Config.MAX_CONTENT_LENGTH + 1024 * 1024
LONGEST_HEAD = 128 * 1024
#: Seconds for the head; for the body so many more, and one for each so many bytes that came: a slow line may send a large file.
HEAD_SECONDS, BODY_SECONDS, BYTES_A_SECOND = 10.0, 20.0, 4 * 1024
#: Bytes of a request kept in memory; beyond, they lie in a file without a name.
IN_MEMORY = 256 * 1024
_PIECE = 64 * 1024
_LENGTH = re.compile(rb"(?im)^content-length:[ \t]*(\d{1,15})[ \t]*\r$")
_FRAMING = re.compile(rb"(?im)^(?:content-length|transfer-encoding)[ \t]*:")
_CHUNKED = re.compile(rb"(?im)^transfer-encoding:[ \t]*chunked[ \t]*\r$")
_EXPECTS = re.compile(rb"(?im)^expect:[ \t]*100-continue[ \t]*\r\n")


class Arrival:
    """One request as it comes in from one connection."""

    def __init__(self, client: socket.socket, address: Any, listener: socket.socket, now: float) -> None:
        client.setblocking(False)
        self.client, self.address, self.listener = client, address, listener
        self.head = bytearray()
        self.rest = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  lives as long as the request
        self.size = 0
        self.body: Length | Chunks | None = None
        self.has_gone = self.is_too_long = False
        self.deadline = now + HEAD_SECONDS

    def read(self) -> bool:
        """Take what has come; tell whether the request is all here, or will never be."""
        try:
            data = self.client.recv(_PIECE)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        self.has_gone = not data
        self.size += len(data)
        return self.has_gone or (self._in_head(data) if self.body is None else self._in_body(data))

    def close(self) -> None:
        """Let go of the bytes; the connection is the caller's."""
        self.rest.close()

    def _in_head(self, data: bytes) -> bool:
        seen = max(0, len(self.head) - 3)
        self.head += data
        end = self.head.find(b"\r\n\r\n", seen)
        if end < 0:
            self.is_too_long = len(self.head) > LONGEST_HEAD
            return self.is_too_long
        after = bytes(self.head[end + 4 :])
        del self.head[end + 4 :]
        self.body = _body(bytes(self.head))
        self.deadline += BODY_SECONDS
        done = self._in_body(after)
        if not done and _EXPECTS.search(self.head):
            self.head[:] = _EXPECTS.sub(b"", self.head)
            self.client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return done

    def _in_body(self, data: bytes) -> bool:
        assert self.body is not None
        self.deadline += len(data) / BYTES_A_SECOND
        self.rest.write(data)
        return self.body.feed(data) or self.size > LARGEST


class Length:
    """A body of a known length; one that is too long is over at once: it is refused by its head."""

    def __init__(self, total: int) -> None:
        self.left = total if total <= LARGEST else 0

    def feed(self, data: bytes) -> bool:
        """Count what has come; tell whether it is all."""
        self.left -= len(data)
        return self.left <= 0


class Chunks:
    """A body in pieces (« chunked »), which end with an empty one. What makes no sense is left to the server's parser."""

    def __init__(self) -> None:
        self.left, self.line, self.in_trailer = 0, bytearray(), False

    def feed(self, data: bytes) -> bool:
        """Walk through what has come; tell whether it is all."""
        at = 0
        while at < len(data):
            if self.left:
                step = min(self.left, len(data) - at)
                self.left, at = self.left - step, at + step
                continue
            end = data.find(b"\n", at)
            self.line += data[at : end if end >= 0 else len(data)]
            if end < 0:
                return len(self.line) > LONGEST_HEAD
            at = end + 1
            if self._line_ends():
                return True
        return False

    def _line_ends(self) -> bool:
        """Read the line of a piece's size, or of the trailer; tell whether the body ends with it."""
        line = bytes(self.line).strip()
        self.line.clear()
        if self.in_trailer:
            return not line
        size = line.partition(b";")[0].strip()
        if not re.fullmatch(rb"[0-9a-fA-F]{1,15}", size):
            return True
        self.in_trailer = int(size, 16) == 0
        self.left = 0 if self.in_trailer else int(size, 16) + 2
        return False


def _body(head: bytes) -> Length | Chunks:
    """Return how to know the body's end; a head that says it twice, or oddly, is for the server's parser to refuse."""
    if len(_FRAMING.findall(head)) == 1:
        if length := _LENGTH.search(head):
            return Length(int(length[1]))
        if _CHUNKED.search(head):
            return Chunks()
    return Length(0)


class Received:
    """The socket of a request that is all here, as the server reads and answers it: its end is the end of the request."""

    def __init__(self, arrival: Arrival) -> None:
        self._client, self._head, self._rest = arrival.client, bytes(arrival.head), arrival.rest
        arrival.rest.seek(0)

    def recv(self, size: int) -> bytes:
        """Return the next bytes of the request, or none at its end."""
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._rest.read(size)

    def settimeout(self, _seconds: float | None) -> None:
        """Do nothing: how long an answer may take was set."""

    def close(self) -> None:
        """Do nothing: the worker closes the connection, without waiting for who lingers."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)
