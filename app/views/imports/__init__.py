"""Registering by file: upload, analysis, report, corrections."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(_app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import corrections, files, office

    for screen in (files.ImportsView, corrections.CorrectionsView, office.ImportFilesView):
        appbuilder.add_view_no_menu(screen)
