"""The reason of an act: what was typed, as it is kept, told and journalled."""

from __future__ import annotations

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
