"""How much work was done in time: counts that only grow, so that it can be told over any window."""

from __future__ import annotations

from flask_appbuilder import Model
from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column


class ServiceLevel(Model):
    """How much of a kind of work was done in time, and how much late, since counting began.

    Certificates and récapitulatifs count by registration, mails one by one.
    """

    __tablename__ = "service_level"

    #: The kind of the rows of the outbox (`models.outbox.LATE_AFTER`).
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    in_time: Mapped[int] = mapped_column(BigInteger, default=0)
    late: Mapped[int] = mapped_column(BigInteger, default=0)
