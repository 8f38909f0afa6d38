"""« Corriger ou annuler » a registration, and the requests for it that agents decide."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(_app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import centre, correction, decisions, several, trainer_rights

    for screen in (
        correction.CorrectionView,
        several.SeveralView,
        decisions.CorrectionDecisionsView,
        centre.CentreToHandleView,
        centre.ReportsView,
        trainer_rights.TrainerRightView,
    ):
        appbuilder.add_view_no_menu(screen)
