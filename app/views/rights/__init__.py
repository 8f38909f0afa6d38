"""Who may do what at a centre: places, rights, invitations, the centre's own pages."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import centre_switch, invitation, members, my_centre, office

    for screen in (
        office.RepresentativesView,
        office.ManagersView,
        centre_switch.CentreSwitchView,
        my_centre.MyCentreView,
        members.MyPeopleView,
        members.CentrePeopleView,
    ):
        appbuilder.add_view_no_menu(screen)
    app.register_blueprint(invitation.blueprint)
