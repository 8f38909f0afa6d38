"""What the last look at the invariants found."""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.types import Json, UtcDateTime


class Breach(Model):
    """An invariant that does not hold, since the night that found it; gone with the night that finds it healed."""

    __tablename__ = "breach"

    #: `Invariant.code`.
    code: Mapped[str] = mapped_column(String(60), primary_key=True)
    #: What is wrong, in French, as the program of that night said it.
    words: Mapped[str] = mapped_column(String(200))
    count: Mapped[int]
    #: Ids of the first rows that break it.
    subjects: Mapped[list[str]] = mapped_column(Json)
    #: Real instants.
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
