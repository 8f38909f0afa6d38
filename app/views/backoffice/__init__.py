"""The back office: agents run the reference data; centres read their own registrations."""

from __future__ import annotations

from flask_appbuilder import AppBuilder


def register(appbuilder: AppBuilder) -> None:
    """Register every screen of the back office; those that stand within another's card come first."""
    from . import (
        accreditations,
        catalogue,
        centre_drivers,
        centre_registrations,
        centres,
        contracts,
        drivers,
        registrations,
        suspensions,
        tariffs,
        to_handle,
    )

    for view in (
        suspensions.SuspensionsView, accreditations.AccreditationsView, contracts.ContractsView, centres.CentresView,
        catalogue.CatalogueView, tariffs.TariffsView, registrations.RegistrationsView, drivers.DriversView,
        centre_registrations.CentreRegistrationsView, centre_drivers.CentreDriversView, to_handle.ToHandleView,
    ):  # fmt: skip
        appbuilder.add_view_no_menu(view)
