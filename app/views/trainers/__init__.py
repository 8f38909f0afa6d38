"""Registering trainers (formateurs, moniteurs), and their lists."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(_app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import lists, wizard

    for screen in (lists.AgentTrainersView, lists.CentreTrainersView, wizard.TrainersView):
        appbuilder.add_view_no_menu(screen)
