"""The one list of screens: what is registered here exists, nothing else does."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(app: Flask, appbuilder: AppBuilder) -> None:
    """Register every screen on the application."""
    from app.views import base, border, chrome, errors, fab, filters, headers, pages

    for part in (border, filters, fab, chrome, headers, errors, base):
        part.register(app)
    app.register_blueprint(pages.blueprint)

    _register_spaces(app, appbuilder)
    _register_sessions(appbuilder)
    _register_imports(appbuilder)
    _register_api(app, appbuilder)


def _register_spaces(app: Flask, appbuilder: AppBuilder) -> None:
    """Register the driver's space and account, the verification page, the back office, the addresses of those who watch."""
    from app.views import backoffice, driver_space, health, password_reset, profile, sign_up, verification

    backoffice.register(appbuilder)
    appbuilder.add_view_no_menu(driver_space.DriverSpaceView)
    appbuilder.add_view_no_menu(profile.ProfileView)
    for blueprint in (sign_up.blueprint, password_reset.blueprint, verification.blueprint):
        app.register_blueprint(blueprint)
    app.register_blueprint(health.blueprint)


def _register_sessions(appbuilder: AppBuilder) -> None:
    """Register « Mes sessions », the three steps by hand, the receipt, and the choice of the current centre."""
    from app.views import centre_switch, receipts, sessions, wizard, wizard_lines

    for screen in (
        sessions.SessionsView, wizard.WizardView, wizard_lines.LinesView, receipts.ReceiptView,
        centre_switch.CentreSwitchView,
    ):  # fmt: skip
        appbuilder.add_view_no_menu(screen)


def _register_imports(appbuilder: AppBuilder) -> None:
    """Register « Mes imports », the report of a file and its corrections."""
    from app.views import imports, imports_corrections

    for screen in (imports.ImportsView, imports_corrections.CorrectionsView):
        appbuilder.add_view_no_menu(screen)


def _register_api(app: Flask, appbuilder: AppBuilder) -> None:
    """Register the API with its document, and the screen where a centre subscribes to it."""
    from app.views import api, api_subscription

    api.register(app)
    appbuilder.add_view_no_menu(api_subscription.ApiSubscriptionView)
