"""What people were reminded of, each once, and what they do not want to be reminded of."""

from __future__ import annotations

from datetime import date, datetime

from flask_appbuilder import Model
from sqlalchemy import Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.types import UtcDateTime


class Reminder(Model):
    """That a person was reminded of something: of its kind, by its row and day, so many days before."""

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("kind", "person_id", "subject_id", "due_on", "step"),
        Index("ix_reminder_kind", "kind", "due_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    person_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    #: The row it is about, by its kind: a document, a driver, an accreditation, a batch; a month as YYYYMM.
    subject_id: Mapped[int]
    #: The day it is about.
    due_on: Mapped[date] = mapped_column(Date)
    #: How many days before, as the kind counts them.
    step: Mapped[int]
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReminderOff(Model):
    """That a person wants no reminder of a kind."""

    __tablename__ = "reminder_off"

    person_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
