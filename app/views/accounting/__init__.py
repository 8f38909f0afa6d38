"""For agents: the sales journal and its accounts, what was registered against what was invoiced and paid."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(_app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import accounts, journal, reconciling

    for screen in (journal.SalesJournalView, accounts.AccountsMapView, reconciling.ReconciliationView):
        appbuilder.add_view_no_menu(screen)
