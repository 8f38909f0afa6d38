"""How many registrations each day of the last year holds, as the last night counted them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from flask_appbuilder import Model
from sqlalchemy import Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.types import Money


class DayVolume(Model):
    """The registrations of a day, a training and a mode, of all centres; written anew each night by `reporting.volumes`.

    All days up to the last one are counted; one without registrations has no row.
    """

    __tablename__ = "day_volume"

    #: The legal day of registration.
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    training_id: Mapped[int] = mapped_column(ForeignKey("training.id", ondelete="RESTRICT"), primary_key=True)
    #: `Batch.mode`.
    mode: Mapped[str] = mapped_column(String(10), primary_key=True)
    #: Those that were not cancelled before the day of counting, and their prices excluding VAT, in euros.
    count: Mapped[int]
    amount: Mapped[Decimal] = mapped_column(Money)
    #: The legal day of counting, the same on all rows.
    counted_on: Mapped[date] = mapped_column(Date)
