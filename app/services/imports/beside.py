"""A fork of this process that acts on messages in their order, beside what goes on here: a second core for what takes long."""

from __future__ import annotations

import marshal
import os
import signal
import struct
from collections.abc import Callable
from typing import Any, NoReturn

import structlog
from flask import current_app

from app.extensions import db
from app.services.core import actor, transaction

_PLACE = struct.Struct("!QQ")  # where a message lies in the memory that both share, and its length
log = structlog.get_logger()


class Broken(Exception):
    """The fork did not act on all it was told; why stands in the log."""


def possible() -> bool:
    """Tell whether a fork may act: its connections are its own, so that it sees nothing that is not committed here."""
    return not transaction.is_whole() and not db.engine.pool.checkedout()  # type: ignore[attr-defined]


class Beside:
    """Takes messages, which nobody waits for, until `finish`. It ends with whoever started it: the pipe's end is its own."""

    def __init__(self, act: Callable[[Any], None]) -> None:
        """Begin; ``act`` is called for each message in the fork, as the same actor. Only where `possible`."""
        db.engine.dispose()  # no connection may be carried over: what the base's libraries know of their locks would be wrong
        self._memory, self._end = os.memfd_create("beside"), 0
        take, self._tell = os.pipe()
        parent, self._pid = os.getpid(), os.fork()
        if not self._pid:
            os.close(self._tell)
            _serve(take, self._memory, act, parent)
        os.close(take)

    def tell(self, message: Any) -> None:
        """Send a message, of what `marshal` knows. Raises `Broken` when nobody listens any more."""
        content = memoryview(marshal.dumps(message))
        place = _PLACE.pack(self._end, len(content))
        while content:
            written = os.pwrite(self._memory, content, self._end)
            self._end += written
            content = content[written:]
        try:
            os.write(self._tell, place)
        except BrokenPipeError:
            raise Broken from None

    def finish(self) -> None:
        """Wait until all was acted on. Raises `Broken` when it was not."""
        os.close(self._tell)
        os.close(self._memory)
        try:
            status = os.waitpid(self._pid, 0)[1]
        except BaseException:  # the time is up: what it has in hand must not be written beside the next attempt
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            raise
        if status:
            raise Broken


def _serve(take: int, memory: int, act: Callable[[Any], None], parent: int) -> NoReturn:
    """Act on what comes while the parent lives, then end without a word to anything that it left open."""
    code, who = 1, actor.current()
    try:
        with os.fdopen(take, "rb") as pipe, current_app._get_current_object().app_context():  # type: ignore[attr-defined]
            actor.be(who)
            while len(place := pipe.read(_PLACE.size)) == _PLACE.size and os.getppid() == parent:
                at, length = _PLACE.unpack(place)
                act(marshal.loads(os.pread(memory, length, at)))  # noqa: S302  written by this program, in memory
        code = 0
    except BaseException as error:
        log.warning("beside: a message was not acted on", error=type(error).__name__)  # its own words hold rows
    finally:
        os._exit(code)
