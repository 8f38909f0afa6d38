"""Accounts: opening one, signing in, password, address, second factor, one's profile; the agents' accounts."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import address_change, office, password_reset, profile, second_factor, sign_up

    for screen in (
        office.AccountsView,
        profile.ProfileView,
        address_change.AddressView,
        second_factor.SecondFactorView,
    ):
        appbuilder.add_view_no_menu(screen)
    for blueprint in (sign_up.blueprint, password_reset.blueprint, address_change.blueprint):
        app.register_blueprint(blueprint)
