"""« Ce qui s’est passé »: what happened around a driver, put together from the rows themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time

from app.models import CardRequest
from app.models.card import DRAFT
from app.services.core.clock import PARIS

from .space import Space

LIMIT = 12
TRAINING, DOCUMENT, CARD = "training", "document", "card"


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened: when, of which kind, what it concerns (a label), and the state or kind of document."""

    at: datetime
    kind: str
    label: str
    state: str = ""
    key: str = ""
    #: Only the day is known.
    is_day: bool = False


def events(space: Space, requests: Iterable[CardRequest]) -> list[Happening]:
    """Return the last things that happened, the latest first; no query."""
    found = [
        Happening(
            datetime.combine(r.registered_on, time.min, PARIS),
            TRAINING,
            r.training.full_label,
            r.centre.name,
            is_day=True,
        )
        for r in space.registrations
    ]
    found += [
        Happening(own.document.available_at, DOCUMENT, own.document.registration.training.full_label, own.document.kind)
        for own in space.documents
        if own.document.available_at is not None and own.is_offered
    ]
    found += [
        Happening(event.at, CARD, str(request.number), event.state, request.key)
        for request in requests
        for event in request.events
        if event.state != DRAFT
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)[:LIMIT]
