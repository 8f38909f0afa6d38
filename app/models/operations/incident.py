"""What people are told on every page while something is wrong, or is going to be; and whether they may only read meanwhile."""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.person import Person
from app.models.types import UtcDateTime

TEXT_MAX = 300


class Incident(Model):
    """A dated message. All instants are real ones, whatever day is frozen."""

    __tablename__ = "incident"
    __table_args__ = (CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="ck_incident_dates"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(TEXT_MAX))
    #: People read and keep their drafts; whatever else they would write is refused.
    read_only: Mapped[bool]
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Empty: until somebody ends it.
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: The agent; empty for who runs the program, by a command.
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    #: When it was ended before its time.
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))

    made_by: Mapped[Person | None] = relationship(foreign_keys=[made_by_id])
