"""What waits for an agent's decision."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(_app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import to_handle

    appbuilder.add_view_no_menu(to_handle.ToHandleView)
