"""The journal: who did what, when, on what, with what before and after. Rows are only ever added."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .person import Person
from .types import Json, UtcDateTime

_TRACED = text("trace IS NOT NULL")


class JournalEntry(Model):
    """One act. ``actor_id`` is empty for an act of the system itself."""

    __tablename__ = "journal"
    __table_args__ = (
        Index("ix_journal_subject", "subject_type", "subject_id"),
        Index("ix_journal_trace", "trace", sqlite_where=_TRACED, postgresql_where=_TRACED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True)
    centre_id: Mapped[int | None] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"), index=True)
    action: Mapped[str] = mapped_column(String(40))
    subject_type: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[str] = mapped_column(String(40))
    before: Mapped[dict[str, Any] | None] = mapped_column(Json)
    after: Mapped[dict[str, Any] | None] = mapped_column(Json)
    reason: Mapped[str] = mapped_column(String(300), default="")
    #: The number of the click, call or task (`services.core.trace`): where to look in the log, no part of what is sealed.
    trace: Mapped[str | None] = mapped_column(String(32))

    actor: Mapped[Person | None] = relationship()


class JournalLink(Model):
    """A link of the chain that seals the journal: entry after entry, in the order in which they became visible.

    ``entry_id`` is no foreign key: a link outlives an entry that was taken away, which is how that is found.
    """

    __tablename__ = "journal_link"

    #: From 1, without a gap.
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(unique=True)
    #: SHA-256 over the hash before it, the position and the entry (`services.journal.chain`), in hexadecimal.
    hash: Mapped[str] = mapped_column(String(64))
    sealed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class JournalCheckpoint(Model):
    """Where the chain starts again after a purge of whole years: everything up to ``position`` is gone."""

    __tablename__ = "journal_checkpoint"

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: The hash of the last link that was purged.
    hash: Mapped[str] = mapped_column(String(64))
    #: The last year purged.
    year: Mapped[int]
    entries: Mapped[int]
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
