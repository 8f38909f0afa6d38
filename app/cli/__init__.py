"""Commands of `flask --app run …`."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Add our commands to the application."""
