"""Drivers: a person's own space and data, the lists of agents and centres."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import centre, invitations, lending, lent, office, own_data, own_identity, own_report, reminders, space

    for screen in (
        office.DriversView,
        centre.CentreDriversView,
        invitations.WithoutAccountView,
        space.DriverSpaceView,
        own_data.OwnDataView,
        own_identity.OwnIdentityView,
        own_report.OwnReportView,
        lending.LendingView,
        reminders.RemindersView,
    ):
        appbuilder.add_view_no_menu(screen)
    app.register_blueprint(lent.blueprint)
    app.register_blueprint(reminders.blueprint)
