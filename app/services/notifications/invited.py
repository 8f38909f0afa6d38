"""Whom a centre has invited already to open their space, and what became of the mail."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from app.extensions import db
from app.models import Mail, Registration
from app.models.outbox import INVITATION_MAIL, MAIL_DROPPED, MAIL_REFUSED
from app.services.core import clock


def last(centre_id: int, driver_ids: Collection[int]) -> dict[int, Mail]:
    """Return driver id → the last invitation that a centre sent, on whichever receipt; one query."""
    query = (
        select(Registration.driver_id, Mail)
        .join(Registration, Mail.registration_id == Registration.id)
        .where(Mail.kind == INVITATION_MAIL, Registration.centre_id == centre_id)
        .where(Registration.driver_id.in_(driver_ids))
        .order_by(Mail.id)
    )
    return dict(db.session.execute(query).tuples().all()) if driver_ids else {}


def is_open(mail: Mail | None) -> bool:
    """Tell whether a person whose last invitation this is may be invited now: once a day, unless it could not arrive."""
    if mail is None or mail.state in (MAIL_REFUSED, MAIL_DROPPED):
        return True
    return mail.created_at.astimezone(clock.PARIS).date() < clock.today()
