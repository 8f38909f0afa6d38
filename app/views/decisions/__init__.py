"""What waits for an agent's decision."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(_app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import identity_checks, incidents, to_handle

    for screen in (to_handle.ToHandleView, identity_checks.IdentityChecksView, incidents.IncidentsView):
        appbuilder.add_view_no_menu(screen)
