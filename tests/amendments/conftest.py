"""Fixtures of corrections: a caller of the API, as its own tests have it."""

from __future__ import annotations

from tests.api.conftest import call, dial

__all__ = ["call", "dial"]
