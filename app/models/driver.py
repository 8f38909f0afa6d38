"""Drivers: one row a (birth date, permit number), which is the driver's identity throughout."""

from __future__ import annotations

from datetime import date

from flask_appbuilder import Model
from sqlalchemy import Date, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .person import Person


class Driver(Model):
    """A driver (conducteur), registered by a centre or signed up; has an account when ``person_id`` is set."""

    __tablename__ = "driver"
    __table_args__ = (UniqueConstraint("permit_number", "birth_date"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    birth_date: Mapped[date] = mapped_column(Date)
    permit_number: Mapped[str] = mapped_column(String(16))
    last_name: Mapped[str] = mapped_column(String(60), index=True)
    first_name: Mapped[str] = mapped_column(String(60))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), unique=True)

    person: Mapped[Person | None] = relationship()

    @property
    def has_account(self) -> bool:
        """Tell whether the driver has a personal space."""
        return self.person_id is not None

    def __repr__(self) -> str:
        return f"{self.last_name} {self.first_name}"
