"""Drivers: a person's own space and data, the lists of agents and centres."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(_app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import centre, invitations, office, own_data, own_identity, own_report, space

    for screen in (
        office.DriversView,
        centre.CentreDriversView,
        invitations.WithoutAccountView,
        space.DriverSpaceView,
        own_data.OwnDataView,
        own_identity.OwnIdentityView,
        own_report.OwnReportView,
    ):
        appbuilder.add_view_no_menu(screen)
