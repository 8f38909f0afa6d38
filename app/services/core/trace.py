"""The number of what is under way: one for all that follows from a click, a call, a command or a task of the night.

It is a trace-id of W3C Trace Context: 32 hexadecimal signs drawn at random, which say nothing of anybody. It stands in each
line of the log, in the answer, in the journal, and on the work made due (`outbox`), which takes it up again: so also in mails
and webhooks. It is always made here: one that came from outside would let callers mix their own with others' (decision 39).
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import structlog
from flask import Flask, current_app, has_app_context
from structlog.contextvars import bound_contextvars, get_contextvars

log = structlog.get_logger()

#: The header of answers and mails that bears it, and its name in lines of the log.
HEADER = "X-Trace-Id"
NAME = "trace"
#: Signs of a number; of its beginning, as many as are needed to look for it.
LENGTH = 32
ENOUGH = 8
#: How lines of Python's own logging bear it.
FORMAT = logging.Formatter(
    "[%(asctime)s] %(levelname)s in %(module)s: %(message)s trace=%(trace)s", defaults={NAME: "-"}
)


@dataclass(slots=True)
class Stretch:
    """A stretch of work under one number: its kind (request, work, command, task), its name, when it began (seconds since
    1970), how many seconds it took, whether it failed.
    """

    trace: str
    kind: str
    name: str
    began: float
    seconds: float = 0.0
    failed: bool = False


def current() -> str:
    """Return the number of what is under way; empty outside of everything."""
    return str(get_contextvars().get(NAME, ""))


@contextmanager
def stretch(kind: str, name: str, app: Flask | None = None, *, number: str | None = None) -> Iterator[Stretch]:
    """Do all of the block under one number: the one given, that of earlier work, else a new one.

    ``app``: the application, where the block is entered outside of its context.
    """
    one = Stretch(number or secrets.token_hex(LENGTH // 2), kind, name, time.time())
    began = time.perf_counter()
    try:
        with bound_contextvars(**{NAME: one.trace}):
            yield one
    except BaseException:
        one.failed = True
        raise
    finally:
        one.seconds = time.perf_counter() - began
        _hand_over(one, app.config if app else current_app.config if has_app_context() else {})


def parent(number: str) -> str:
    """Return the header `traceparent` that hands a number on to another program; it asks nobody to keep anything."""
    return f"00-{number}-{secrets.token_hex(8)}-00"


class InRecords(logging.Filter):
    """Puts the number into records of Python's own logging, which Flask writes failures to."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        record.trace = current() or "-"
        return True


IN_RECORDS = InRecords()


def _hand_over(one: Stretch, settings: Mapping[str, Any]) -> None:
    """Hand a stretch that has ended to the exporter, if the settings name one; what fails there fails nothing here."""
    exporter = settings.get("TRACE_EXPORTER")
    if not exporter:
        return
    try:
        _exporter(exporter)(one)
    except Exception as error:
        log.warning("trace not exported", error=type(error).__name__)


@cache
def _exporter(address: str) -> Callable[[Stretch], object]:
    """Import `module:function`."""
    module, _, name = address.partition(":")
    found: Callable[[Stretch], object] = getattr(import_module(module), name)
    return found
