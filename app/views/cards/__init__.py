"""The card (CQC): the driver's request in steps, the agents' queue."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(_app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import office, own

    for screen in (office.CardRequestsView, own.CardRequestView):
        appbuilder.add_view_no_menu(screen)
