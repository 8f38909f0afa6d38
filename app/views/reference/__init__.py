"""What agents keep: centres, accreditations and their suspensions, catalogue, tariffs."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(_app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import accreditations, catalogue, centres, suspensions, tariffs

    for screen in (
        suspensions.SuspensionsView,
        accreditations.AccreditationsView,
        centres.CentresView,
        catalogue.CatalogueView,
        tariffs.TariffsView,
    ):
        appbuilder.add_view_no_menu(screen)
