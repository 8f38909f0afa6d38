"""What waits in « À traiter »: all of it counted in one query, for the page, the dashboard and the menu alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import Select, select

from app.extensions import db
from app.services.amendments import card_stops, trainer_rights
from app.services.amendments import reports as error_reports
from app.services.amendments import requests as correction_requests
from app.services.cards import desk as card_desk
from app.services.decisions import account_requests, identity_checks, to_handle, withheld_documents, withheld_rights
from app.services.deposits import watching as deposits
from app.services.payments import dunning
from app.services.payments import reading as payments
from app.services.rights import asking

#: Anchor of a part of the page → the queries that count what waits there, each answered by an index.
PARTS: dict[str, tuple[Callable[[], Select[Any]], ...]] = {
    "identites": (identity_checks.counting,),
    "interrogations": (asking.counting,),
    "comptes": (account_requests.counting,),
    "corrections": (
        correction_requests.counting,
        card_stops.counting,
        error_reports.counting,
        trainer_rights.counting,
    ),
    "cartes": (card_desk.counting,),
    "factures": (deposits.counting_said, deposits.counting_failed),
    "encaissements": (payments.counting, dunning.counting),
    "retenus": (withheld_documents.counting,),
    "droits": (withheld_rights.counting,),
    "fichiers": (to_handle.counting_faulty,),
    "controles": (to_handle.counting_breaches,),
    "travaux": (to_handle.counting_failed,),
    "courriels": (to_handle.counting_refused,),
}


def counts() -> dict[str, int]:
    """Return what waits for an agent: its part's anchor → count; one query."""
    found = dict.fromkeys(PARTS, 0)
    asked = [anchor for anchor, makers in PARTS.items() for _ in makers]
    for anchor, count in zip(asked, db.session.execute(_statement()).one(), strict=True):
        found[anchor] += count
    return found


@cache
def _statement() -> Select[Any]:
    """Return that query, put together once: the menu of each page of an agent asks it, and nothing in it changes."""
    return select(*(query().scalar_subquery() for makers in PARTS.values() for query in makers))
