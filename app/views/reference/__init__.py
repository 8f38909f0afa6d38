"""What agents keep: centres, accreditations and their suspensions, catalogue, tariffs, VAT, the seller."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(_app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import accreditations, catalogue, centres, sellers, suspensions, tariffs, vat_regimes

    for screen in (
        suspensions.SuspensionsView,
        accreditations.AccreditationsView,
        centres.CentresView,
        catalogue.CatalogueView,
        tariffs.TariffsView,
        vat_regimes.VatRegimesView,
        sellers.SellersView,
    ):
        appbuilder.add_view_no_menu(screen)
