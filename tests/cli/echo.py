"""A small application for the tests of the web worker: it says what body it was given, or takes its time."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from typing import Any


def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    """Answer with the length and the hash of the body; `/slow` takes a second first, `/from` says who asks."""
    body = environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/slow":
        time.sleep(1)
    said = f"{len(body)} {hashlib.sha256(body).hexdigest()}"
    if environ["PATH_INFO"] == "/from":
        said = f"{environ.get('HTTP_X_FORWARDED_FOR')} {environ.get('HTTP_X_FORWARDED_PROTO')} {environ['HTTP_HOST']}"
    if environ["PATH_INFO"] == "/fail":
        raise ValueError
    number = ("X-Trace-Id", hashlib.md5(body, usedforsecurity=False).hexdigest())
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(said))), number])
    return [said.encode()]
