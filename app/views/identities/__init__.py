"""« Corriger l’identité » of a driver, « Réunir avec un autre conducteur » and « Défaire la réunion »: screens of agents."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(_app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import correcting, merging

    for screen in (correcting.IdentityCorrectionView, merging.MergeView, merging.PartView):
        appbuilder.add_view_no_menu(screen)
