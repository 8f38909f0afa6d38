"""Photographs and signatures do not outlive their purpose: gone some time after the card was sent, refused or given up."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from sqlalchemy import and_, or_, select

from app.extensions import db
from app.models import CardRequest, DataExport, IdentityCheck
from app.models.card import DRAFT, REFUSED, SENT
from app.services.cards import requests as card_requests
from app.services.cards.moves import Moved
from app.services.core import clock
from app.services.drivers import data_copy
from app.services.storage import pictures

#: After the card was sent: time to say that it never came.
AFTER_SENT = timedelta(days=90)
#: After a refusal nobody corrected: a day more than may be corrected, whatever the months.
AFTER_REFUSAL = timedelta(days=125)
#: Where files lie that only such a row speaks of.
FOLDERS = (f"{pictures.FOLDER}/", f"{data_copy.FOLDER}/")
#: A draft nobody touches any more is given up.
DRAFTS = timedelta(days=30)


def paths_kept() -> set[str]:
    """Return the paths in the store of every picture and every copy of own data that a row speaks of."""
    columns = (CardRequest.photo_path, CardRequest.signature_path, DataExport.path, IdentityCheck.path)
    return {path for column in columns for path in db.session.execute(select(column)).scalars() if path}


def purge(*, dry_run: bool = False) -> int:
    """Remove the pictures of requests whose delay is over, give old drafts up; return how many requests are concerned."""
    now, state, changed = clock.machine_now(), CardRequest.state, CardRequest.updated_at
    over = or_(
        and_(state == SENT, changed < now - AFTER_SENT),
        and_(state == REFUSED, changed < now - AFTER_REFUSAL),
        and_(state == DRAFT, changed < now - DRAFTS),
    )
    pictured = or_(CardRequest.photo_path.is_not(None), CardRequest.signature_path.is_not(None), state == DRAFT)
    requests = list(db.session.execute(select(CardRequest).where(over, pictured)).scalars())
    for request in requests if not dry_run else []:
        _purge(request)
    return len(requests)


def _purge(request: CardRequest) -> None:
    if request.state != DRAFT:
        card_requests.drop_pictures(request, "Délai de conservation écoulé")
        return
    with suppress(Moved):  # sent at this very moment
        card_requests.cancel(request, None)
