"""« Encaissements », for agents: statements of the bank, which invoice each euro is for, balances, rates of late interest."""

from __future__ import annotations

from flask import Flask
from flask_appbuilder import AppBuilder


def register(_app: Flask, appbuilder: AppBuilder) -> None:
    """Register this room's screens."""
    from . import entries, late, notes, payments

    for screen in (payments.PaymentsView, entries.EntriesView, notes.NotesView, late.LateView):
        appbuilder.add_view_no_menu(screen)
