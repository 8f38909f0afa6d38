"""Accreditations (agréments): given by an authority, for some trainings, from a day to a day, with dated suspensions."""

from __future__ import annotations

from datetime import date, timedelta

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Integer, String, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .catalogue import Training
from .centre import Centre

accreditation_training = Table(
    "accreditation_training",
    Model.metadata,
    Column("accreditation_id", Integer, ForeignKey("accreditation.id", ondelete="RESTRICT"), primary_key=True),
    Column("training_id", Integer, ForeignKey("training.id", ondelete="RESTRICT"), primary_key=True),
)


class Accreditation(Model):
    """An accreditation of a centre; judged on the end date of a training, so its history is never overwritten."""

    __tablename__ = "accreditation"
    __table_args__ = (
        UniqueConstraint("authority", "number"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="ck_accreditation_validity"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"), index=True)
    authority: Mapped[str] = mapped_column(String(120))
    number: Mapped[str] = mapped_column(String(40))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    withdrawn_on: Mapped[date | None] = mapped_column(Date)

    centre: Mapped[Centre] = relationship()
    trainings: Mapped[list[Training]] = relationship(secondary=accreditation_training)
    suspensions: Mapped[list[Suspension]] = relationship(back_populates="accreditation", passive_deletes="all")

    @property
    def last_day(self) -> date | None:
        """Return the last day in force, the eve of a withdrawal where that comes first; None while no end is known."""
        eve = self.withdrawn_on - timedelta(days=1) if self.withdrawn_on else None
        return min((day for day in (self.valid_to, eve) if day), default=None)

    def __repr__(self) -> str:
        return f"{self.number} ({self.authority})"


class Suspension(Model):
    """An interval in which an accreditation does not hold (both days inclusive; open when no end is known)."""

    __tablename__ = "suspension"
    __table_args__ = (CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="ck_suspension_validity"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    accreditation_id: Mapped[int] = mapped_column(ForeignKey("accreditation.id", ondelete="RESTRICT"), index=True)
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(String(300), default="")

    accreditation: Mapped[Accreditation] = relationship(back_populates="suspensions")
