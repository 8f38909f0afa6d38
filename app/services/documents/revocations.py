"""The lists of revocations: a bit a document, made each night and signed, for programs that verify without network.

A list holds 2^20 places, 128 KiB before it is packed. A document's place is drawn at random, in the list of its id: half of a
list's places are given, so that a free one is found at once and a place tells nothing of how many papers there are.
All lists go out together: whoever fetches them tells nobody which document is looked at.
"""

from __future__ import annotations

import json
import secrets
import zlib
from collections.abc import Iterable, Sequence

from flask import current_app
from sqlalchemy import delete, func, select

from app.extensions import db
from app.models import Document, Registration, RevocationList
from app.models.registration import REVOKED
from app.services.core import clock
from app.services.seal import statement_key
from app.services.seal.statement_key import encoded

#: Places of a list, and how many documents share one.
PLACES = 1 << 20
_DOCUMENTS = PLACES // 2
#: What the header of the signed list calls it.
TYPE = "revocations+jwt"


def places(document_ids: Sequence[int]) -> dict[int, int]:
    """Return a free place for each of these documents, a job's; none is kept yet, and the unique index has the last word."""
    found: dict[int, int] = {}
    while missing := [id_ for id_ in document_ids if id_ not in found]:
        tried = {_drawn(id_): id_ for id_ in missing}
        given = set(found.values())
        known = select(Document.status_place).where(Document.status_place.in_(tried))
        given |= {place for place in db.session.execute(known).scalars() if place is not None}
        found |= {id_: place for place, id_ in tried.items() if place not in given}
    return found


def _drawn(document_id: int) -> int:
    return document_id // _DOCUMENTS * PLACES + secrets.randbelow(PLACES)


def make() -> None:
    """Make the lists anew and keep them in the place of those before; no commit."""
    made_at = clock.machine_now()
    last = db.session.scalar(select(func.max(Document.status_place))) or 0
    lists = packed(last // PLACES + 1, _revoked())
    content = signed({"iss": current_app.config["BASE_URL"], "iat": int(made_at.timestamp()), "lists": lists})
    db.session.execute(delete(RevocationList))
    db.session.add(RevocationList(made_at=made_at, content=content))


def current() -> str | None:
    """Return the signed lists of last night; None where no night has been yet."""
    return db.session.scalar(select(RevocationList.content).order_by(RevocationList.id.desc()).limit(1))


def packed(count: int, revoked: Iterable[int]) -> list[str]:
    """Return so many lists, each packed by zlib, the bits of these places set: the first is the lowest of the first byte."""
    lists = [bytearray(PLACES // 8) for _ in range(count)]
    for place in revoked:
        number, at = divmod(place, PLACES)
        lists[number][at // 8] |= 1 << at % 8
    return [encoded(zlib.compress(bytes(one), 9)) for one in lists]


def signed(payload: dict[str, object]) -> str:
    """Return a payload as a compact JWS (RFC 7515, ES256)."""
    keys = statement_key.keys()
    header = {"alg": "ES256", "typ": TYPE, "kid": encoded(keys.id)}
    said = ".".join(encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (header, payload))
    return f"{said}.{encoded(keys.sign(said.encode()))}"


def _revoked() -> Iterable[int]:
    """Return the places of what no longer holds: revoked, or of a registration that was cancelled or replaced."""
    by_hand = select(Document.status_place).where(Document.state == REVOKED)
    cancelled = select(Document.status_place).join(Document.registration).where(Registration.cancelled_on.is_not(None))
    for query in (by_hand, cancelled):
        yield from (place for place in db.session.execute(query).scalars() if place is not None)
