"""The one list of screens: each room registers its own, nothing else exists."""

from __future__ import annotations

from importlib import import_module

from flask import Flask
from flask_appbuilder import AppBuilder

from app.views import shell
from app.views.crud import fab

#: In this order: a screen that stands within another room's card comes before it.
ROOMS = (
    *(
        "contracts",
        "reference",
        "registration",
        "drivers",
        "identities",
        "trainers",
        "decisions",
        "amendments",
        "cards",
    ),
    *("accounts", "documents", "rights", "journal", "imports", "reporting", "api", "billing", "payments", "accounting"),
)


def register(app: Flask, appbuilder: AppBuilder) -> None:
    """Register every screen on the application."""
    shell.register(app)
    fab.register(app)
    for room in ROOMS:
        import_module(f"app.views.{room}").register(app, appbuilder)
