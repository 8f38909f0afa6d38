"""The one list of screens: each room registers its own, nothing else exists."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(app: Flask, appbuilder: AppBuilder) -> None:
    """Register every screen on the application; those that stand within another's card come first."""
    from app.views import (
        accounts,
        amendments,
        api,
        billing,
        cards,
        contracts,
        decisions,
        documents,
        drivers,
        identities,
        imports,
        journal,
        reference,
        registration,
        reporting,
        rights,
        shell,
        trainers,
    )
    from app.views.crud import fab

    shell.register(app)
    fab.register(app)
    for room in (
        contracts,
        reference,
        registration,
        drivers,
        identities,
        trainers,
        decisions,
        amendments,
        cards,
        accounts,
        documents,
        rights,
        journal,
        imports,
        reporting,
        api,
        billing,
    ):
        room.register(app, appbuilder)
