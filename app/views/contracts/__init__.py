"""The service contract: offered by an agent, read and signed by the legal representative."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(_app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import office, own

    for screen in (office.ContractsView, own.ContractView):
        appbuilder.add_view_no_menu(screen)
