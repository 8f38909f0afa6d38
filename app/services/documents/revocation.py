"""Revoking a document: an agent's decision, with a reason. It holds no more from then on; nothing of it is deleted."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import Document, Registration
from app.models.registration import PENDING, REVOKED
from app.services.core import clock
from app.services.core.reason import REASON_MAX
from app.services.core.reason import reason as reason_of
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal

_REASON = f"Indiquez le motif de la révocation, en {REASON_MAX} caractères au plus."


class AlreadyRevoked(Refusal):
    """Somebody revoked it before."""

    message = "Ce document est déjà révoqué."


class StillDrawn(Refusal):
    """There is no file yet; the worker would make it available after all."""

    message = "Ce document est encore en préparation. Révoquez-le dans quelques instants."


def find(number: str) -> Document | None:
    """Return the document of this number with its registration, or None."""
    query = (
        select(Document)
        .options(joinedload(Document.registration).joinedload(Registration.training))
        .where(Document.number == number)
    )
    return db.session.execute(query).scalar_one_or_none()


def revoke(document_id: int, actor_id: int, reason: str) -> None:
    """Revoke a document for this reason, journalled.

    Raises `ReasonNeeded`, :class:`AlreadyRevoked` or :class:`StillDrawn`; then nothing is written.
    """
    reason = reason_of(reason, _REASON, _REASON)
    document = db.session.get_one(Document, document_id)
    before, centre_id = document.state, document.registration.centre_id
    with transaction():
        won = taken(
            update(Document)
            .where(Document.id == document_id, Document.state.not_in((PENDING, REVOKED)))
            .values(state=REVOKED, revoked_at=clock.now(), revoked_reason=reason)
        )
        if not won:
            raise StillDrawn if before == PENDING else AlreadyRevoked
        journal.record(
            "document.revoked",
            "document",
            document_id,
            actor_id=actor_id,
            centre_id=centre_id,
            before={"state": before},
            after={"state": REVOKED},
            reason=reason,
        )
