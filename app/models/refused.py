"""Requests that were refused: what for, from which network, how often in a day; kept twelve months."""

from __future__ import annotations

from datetime import date, datetime

from flask_appbuilder import Model
from sqlalchemy import Date, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .types import UtcDateTime

#: Not for this person (403) · too often (429); keys of the API stand under the code that they are refused with.
FORBIDDEN, TOO_OFTEN = "forbidden", "too_often"


class RefusedRequest(Model):
    """What one network was refused at one address of the program on one day."""

    __tablename__ = "refused_request"
    __table_args__ = (
        UniqueConstraint("day", "network", "kind", "endpoint", "person_id", name="uq_refused_request"),
        Index("ix_refused_request_person", "person_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date)
    kind: Mapped[str] = mapped_column(String(20))
    #: The endpoint's name, never the address itself, which holds keys; empty where no screen answers.
    endpoint: Mapped[str] = mapped_column(String(80))
    #: An address of IPv4, or the network of an address of IPv6 (/64): what one connection has.
    network: Mapped[str] = mapped_column(String(45))
    #: Who was signed in; 0 for nobody. No foreign key: the row outlives whoever it speaks of by no more than its months.
    person_id: Mapped[int] = mapped_column(default=0)
    count: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
