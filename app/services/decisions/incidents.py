"""Telling everybody something, by an agent or by who runs the program; and closing the register for writing meanwhile."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import Incident
from app.models.operations.incident import TEXT_MAX
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.operations import incidents
from app.services.operations.incidents import Notice
from app.validators.fields import visible

SUBJECT = "incident"
#: Past messages shown.
SHOWN = 20
_WRITTEN = "%d/%m/%Y %H:%M"


class NotSaid(Refusal):
    """The message, or its dates, cannot be taken; nothing is told. ``field`` names which: text, starts, ends."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Over(Refusal):
    """It was ended before, or its time has come."""

    message = "Ce message n’est plus affiché."


def read(text: str, starts: str, ends: str, read_only: bool) -> Notice:
    """Return a message as it was typed: « JJ/MM/AAAA HH:MM », in Paris; empty: from now on, until it is ended.

    Raises :class:`NotSaid`.
    """
    kept = " ".join(visible(text).split())
    if not kept:
        raise NotSaid("text", "Écrivez le message : tout le monde le lit.")
    if len(kept) > TEXT_MAX:
        raise NotSaid("text", f"Le message fait {TEXT_MAX} caractères au plus.")
    now = clock.machine_now()
    first = _instant("starts", starts, now)
    last = _instant("ends", ends, None)
    assert first is not None
    if last is not None and last <= max(first, now):
        raise NotSaid("ends", "La fin est passée, ou ne vient pas après le début.")
    return Notice(0, kept, read_only, first, last)


def declare(notice: Notice, agent_id: int | None) -> int:
    """Tell everybody from its beginning on, within some seconds in every process; return its id. ``agent_id``: None for who
    runs the program."""
    values = {
        "text": notice.text,
        "read_only": notice.read_only,
        "starts_at": notice.starts_at,
        "ends_at": notice.ends_at,
        "made_at": clock.machine_now(),
        "made_by_id": agent_id,
    }
    with transaction():
        id_: int = db.session.execute(insert(Incident).values(values).returning(Incident.id)).scalar_one()
        after = {"text": notice.text, "read_only": notice.read_only, "starts_on": notice.starts_at.isoformat()}
        if notice.ends_at is not None:
            after["ends_on"] = notice.ends_at.isoformat()
        journal.record("incident.declared", SUBJECT, id_, actor_id=agent_id, after=after)
    incidents.forget()
    return id_


def end(incident_id: int, agent_id: int | None) -> None:
    """Tell it no longer. Raises :class:`Over`."""
    now = clock.machine_now()
    with transaction():
        own = (Incident.id == incident_id, incidents.standing_clause(now))
        if not taken(update(Incident).where(*own).values(ended_at=now, ended_by_id=agent_id)):
            raise Over
        journal.record("incident.ended", SUBJECT, incident_id, actor_id=agent_id)
    incidents.forget()


def standing() -> list[Incident]:
    """Return the messages that are told, or will be, the first to begin first."""
    query = select(Incident).options(joinedload(Incident.made_by))
    query = query.where(incidents.standing_clause(clock.machine_now()))
    return list(db.session.execute(query.order_by(Incident.starts_at, Incident.id).limit(incidents.MOST)).scalars())


def past() -> list[Incident]:
    """Return the last messages that are told no longer."""
    now = clock.machine_now()
    query = select(Incident).options(joinedload(Incident.made_by)).where(~incidents.standing_clause(now))
    return list(db.session.execute(query.order_by(Incident.id.desc()).limit(SHOWN)).scalars())


def _instant(field: str, typed: str, empty: datetime | None) -> datetime | None:
    text = " ".join(visible(typed).split()).replace(" à ", " ")
    if not text:
        return empty
    try:
        return datetime.strptime(text, _WRITTEN).replace(tzinfo=clock.PARIS)
    except ValueError:
        raise NotSaid(field, "Un jour et une heure s’écrivent JJ/MM/AAAA HH:MM.") from None
