"""What a person who acts has said and seen: the reason as it is kept, the version of what was shown before confirming."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from app.validators.fields import visible

from .refusal import Refusal

REASON_MAX = 300
TOO_LONG = f"Le motif fait {REASON_MAX} caractères au plus."


class ReasonNeeded(Refusal):
    """An act says why, and not at length."""


def reason(text: str, missing: str, too_long: str = TOO_LONG) -> str:
    """Return a reason as it is kept.

    Raises :class:`ReasonNeeded` with ``missing`` where there is none, with ``too_long`` where it is too long.
    """
    kept = " ".join(visible(text).split())
    if not 0 < len(kept) <= REASON_MAX:
        raise ReasonNeeded(too_long if kept else missing)
    return kept


def version_of(shown: Any) -> str:
    """Return a text that changes with anything in what a person is shown before confirming it."""
    return hashlib.sha256(json.dumps(shown, default=str, sort_keys=True).encode()).hexdigest()[:20]
