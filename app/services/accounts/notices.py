"""Mails that tell people what became of their password or their second factor, so that a change by another is noticed."""

from __future__ import annotations

import secrets

from app.models import Person
from app.services.journal import record as journal
from app.services.notifications import mail

SUBJECT = "person"


def note(act: str, kind: str, person: Person) -> None:
    """Write a person's own act into the journal, and make due the mail that tells them of it; no commit."""
    journal.record(act, SUBJECT, person.id, actor_id=person.id)
    tell(kind, person)


def tell(kind: str, person: Person) -> None:
    """Make due the mail of this kind (`accounts.mail`) to a person; no commit."""
    mail.make_due(kind, person.email, {"person": person.id, "notice": secrets.token_hex(8)})
