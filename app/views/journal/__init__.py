"""The journal, as agents read it."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(_app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import journal

    appbuilder.add_view_no_menu(journal.JournalView)
