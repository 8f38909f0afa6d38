"""Registering by hand in three steps, receipts, the lists of registrations."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(_app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import cells, centre, lines, lists, receipt, sessions, wizard

    for screen in (
        lists.RegistrationsView,
        centre.CentreRegistrationsView,
        sessions.SessionsView,
        wizard.WizardView,
        lines.LinesView,
        cells.CellsView,
        receipt.ReceiptView,
    ):
        appbuilder.add_view_no_menu(screen)
