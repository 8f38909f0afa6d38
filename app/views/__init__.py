"""The one list of screens: what is registered here exists, nothing else does."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(app: Flask, appbuilder: AppBuilder) -> None:
    """Register every screen on the application."""
    from app.views import actors, base, border, chrome, errors, fab, filters, headers, pages, sign_ins, timing

    for part in (timing, border, sign_ins, actors, filters, fab, chrome, headers, errors, base):
        part.register(app)
    app.register_blueprint(pages.blueprint)

    _register_spaces(app, appbuilder)
    _register_sessions(appbuilder)
    _register_imports(appbuilder)
    _register_api(app, appbuilder)


def _register_spaces(app: Flask, appbuilder: AppBuilder) -> None:
    """Register the driver's space and account, the verification page, the back office, the addresses of those who watch."""
    from app.views import (
        address_change,
        backoffice,
        cards,
        driver_space,
        health,
        member_invitation,
        own_data,
        password_reset,
        profile,
        second_factor,
        sign_up,
        verification,
    )

    backoffice.register(appbuilder)
    appbuilder.add_view_no_menu(driver_space.DriverSpaceView)
    appbuilder.add_view_no_menu(cards.CardRequestView)
    appbuilder.add_view_no_menu(own_data.OwnDataView)
    appbuilder.add_view_no_menu(profile.ProfileView)
    appbuilder.add_view_no_menu(address_change.AddressView)
    appbuilder.add_view_no_menu(second_factor.SecondFactorView)
    for blueprint in (sign_up.blueprint, password_reset.blueprint, address_change.blueprint, verification.blueprint):
        app.register_blueprint(blueprint)
    app.register_blueprint(member_invitation.blueprint)
    app.register_blueprint(health.blueprint)


def _register_sessions(appbuilder: AppBuilder) -> None:
    """Register « Mes sessions », the steps by hand of drivers and of trainers, receipts, dashboards, the centre's choice."""
    from app.views import (
        centre_switch,
        dashboard,
        exports,
        my_centre,
        people,
        receipts,
        resending,
        sessions,
        trainers,
        wizard,
        wizard_lines,
    )  # fmt: skip

    for screen in (
        sessions.SessionsView, wizard.WizardView, wizard_lines.LinesView, receipts.ReceiptView,
        trainers.TrainersView, centre_switch.CentreSwitchView, dashboard.DashboardView,
        my_centre.MyCentreView, my_centre.ContractView, people.MyPeopleView, people.CentrePeopleView,
        exports.ExportsView, resending.ResendingView,
    ):  # fmt: skip
        appbuilder.add_view_no_menu(screen)


def _register_imports(appbuilder: AppBuilder) -> None:
    """Register « Mes imports », the report of a file and its corrections."""
    from app.views import imports, imports_corrections

    for screen in (imports.ImportsView, imports_corrections.CorrectionsView):
        appbuilder.add_view_no_menu(screen)


def _register_api(app: Flask, appbuilder: AppBuilder) -> None:
    """Register the API with its document, and the screen where a centre subscribes to it."""
    from app.views import api, api_subscription, webhooks

    api.register(app)
    appbuilder.add_view_no_menu(api_subscription.ApiSubscriptionView)
    appbuilder.add_view_no_menu(webhooks.WebhooksView)
