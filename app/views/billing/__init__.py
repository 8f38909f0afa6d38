"""Money: how a centre is billed, what it will be billed, what its order numbers have cost."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(_app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import consumption, invoices, issued, office, order_numbers, platform, profile

    for screen in (
        profile.MyBillingView,
        profile.CentreBillingView,
        invoices.InvoicesView,
        order_numbers.OrderNumbersView,
        office.BillingView,
        issued.IssuedView,
        platform.PlatformView,
        consumption.ConsumptionView,
    ):
        appbuilder.add_view_no_menu(screen)
