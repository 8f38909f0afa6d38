"""Dashboards, exports and the one search."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(_app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import dashboard, exports, find

    for screen in (dashboard.DashboardView, exports.ExportsView, find.FindView):
        appbuilder.add_view_no_menu(screen)
