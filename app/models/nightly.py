"""What is done once a day: a row says that a day's turn was taken, whichever worker took it."""

from __future__ import annotations

from datetime import date, datetime

from flask_appbuilder import Model
from sqlalchemy import Date, String
from sqlalchemy.orm import Mapped, mapped_column

from .types import UtcDateTime

VERIFY, PURGE = "verify", "purge"


class NightlyTask(Model):
    """One task of one day; written by the first relay that finds it due."""

    __tablename__ = "nightly_task"

    task: Mapped[str] = mapped_column(String(20), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
