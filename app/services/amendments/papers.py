"""What becomes of the documents of registrations when one is cancelled: revoked, earned by another, lost by another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import select, update

from app.extensions import db
from app.models import Document, Driver, Registration
from app.models.registration import REVOKED
from app.services.core import actor, clock
from app.services.core.taking import changed
from app.services.journal import record as journal
from app.services.registration import rows as registration_rows

SUBJECT = "registration"


@actor.acting(actor.PROGRAM)
def revoke(registration_ids: list[int], why: str, *kinds: str) -> list[int]:
    """Revoke the documents of these kinds, drawn or not, and return their ids."""
    ids = documents_of(registration_ids, *kinds) if registration_ids else []
    if ids:
        changed(
            update(Document)
            .where(Document.id.in_(ids))
            .values(state=REVOKED, revoked_at=clock.now(), revoked_reason=why)
        )
        db.session.expire_all()
    return ids


@actor.acting(actor.PROGRAM)
def gain(registration_ids: tuple[int, ...], actor_id: int, kept: Mapping[int, tuple[date, date]] | None = None) -> None:
    """Give their certificate to registrations that complete an FCO from now on; ``kept``: the days that one keeps."""
    query = (
        select(Registration.id, Registration.centre_id, Driver.birth_date)
        .join(Registration.driver)
        .where(Registration.id.in_(registration_ids))
    )
    born: dict[int, date] = {}
    for id_, centre_id, birth_date in db.session.execute(query).tuples().all() if registration_ids else ():
        born[id_] = birth_date
        journal.record("certificate.gained", SUBJECT, id_, actor_id=actor_id, centre_id=centre_id)
    registration_rows.write_certificates(born, kept)


@actor.acting(actor.PROGRAM)
def note_lost(registration_ids: tuple[int, ...], actor_id: int) -> None:
    """Note that registrations no longer complete an FCO, and have lost their certificate."""
    query = select(Registration.id, Registration.centre_id).where(Registration.id.in_(registration_ids))
    for id_, centre_id in db.session.execute(query).tuples().all() if registration_ids else ():
        journal.record("certificate.lost", SUBJECT, id_, actor_id=actor_id, centre_id=centre_id)


def documents_of(registration_ids: list[int], *kinds: str) -> list[int]:
    """Return the ids of the documents of registrations that are not revoked, locked in their order."""
    query = (
        select(Document.id)
        .where(Document.registration_id.in_(registration_ids), Document.kind.in_(kinds), Document.state != REVOKED)
        .order_by(Document.id)
        .with_for_update()
    )
    return list(db.session.execute(query).scalars())
