"""Checking a webhook of the Registre CQC (Standard Webhooks). Python 3.10 or later, nothing beyond the standard library.

>>> event = verify("whsec_…", request.headers, request.body)
>>> event["type"], event["data"]
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

#: Seconds a message may be old (or early): an older one is a copy that somebody kept.
TOLERANCE = 300


class NotGenuine(Exception):
    """The message does not come from the registre, was altered, or is too old: answer 400 and forget it."""


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float | None = None) -> dict[str, Any]:
    """Return the event of a message, given its headers and its body as they came; raise :class:`NotGenuine`."""
    told = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, timestamp = told["webhook-id"], int(told["webhook-timestamp"])
        signatures = told["webhook-signature"].split()
    except (KeyError, ValueError):
        raise NotGenuine("a header is missing") from None
    if abs((time.time() if now is None else now) - timestamp) > TOLERANCE:
        raise NotGenuine("too old")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(digest)
    # While a secret is replaced there are two signatures: one of them is enough.
    if not any(hmac.compare_digest(expected, signature.encode()) for signature in signatures):
        raise NotGenuine("no signature matches")
    event: dict[str, Any] = json.loads(body)
    return event
