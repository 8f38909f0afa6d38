"""The back office: agents run the reference data; centres read their own registrations."""

from __future__ import annotations

from flask_appbuilder import AppBuilder


def register(appbuilder: AppBuilder) -> None:
    """Register every screen of the back office; those that stand within another's card come first."""
    from . import (
        accounts,
        accreditations,
        cards,
        catalogue,
        centre_drivers,
        centre_registrations,
        centres,
        contracts,
        drivers,
        journal,
        members,
        registrations,
        revocation,
        suspensions,
        tariffs,
        to_handle,
        trainers,
    )

    for view in (
        suspensions.SuspensionsView, accreditations.AccreditationsView, contracts.ContractsView, centres.CentresView,
        catalogue.CatalogueView, tariffs.TariffsView, registrations.RegistrationsView, drivers.DriversView,
        centre_registrations.CentreRegistrationsView, centre_drivers.CentreDriversView, trainers.AgentTrainersView,
        trainers.CentreTrainersView, to_handle.ToHandleView,
        cards.CardRequestsView, accounts.AccountsView,
        revocation.RevocationView,
        members.RepresentativesView, members.ManagersView,
        journal.JournalView,
    ):  # fmt: skip
        appbuilder.add_view_no_menu(view)
