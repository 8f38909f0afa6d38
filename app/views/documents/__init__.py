"""Documents after their drawing: verified by anybody, sent again, revoked."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import lots, offline, resending, revocation, verification

    for screen in (revocation.RevocationView, resending.ResendingView):
        appbuilder.add_view_no_menu(screen)
    app.register_blueprint(lots.blueprint)
    app.register_blueprint(offline.blueprint)
    app.register_blueprint(verification.blueprint)
