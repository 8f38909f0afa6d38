"""What a centre is told of an invoice that falls due, or is late: each level once; pauses; the rate of late interest."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.person import Person
from app.models.types import Money, Percent, UtcDateTime

from .invoices import Invoice
from .payments import REASON_MAX

_OPEN_TASK = text("level = 4 AND done_at IS NULL")


class Dunning(Model):
    """That a level of reminding was reached and made due for an invoice, with what was owed that day.

    Levels: 0 the reminder before the due day, 1 to 3 after it, 4 an agent's task.
    """

    __tablename__ = "dunning"
    __table_args__ = (
        UniqueConstraint("invoice_id", "level"),
        CheckConstraint("level BETWEEN 0 AND 4", name="ck_dunning_level"),
        CheckConstraint("done_at IS NULL OR level = 4", name="ck_dunning_done"),
        Index("ix_dunning_open_task", "invoice_id", sqlite_where=_OPEN_TASK, postgresql_where=_OPEN_TASK),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id", ondelete="RESTRICT"))
    level: Mapped[int]
    #: The day that its amounts are of.
    day: Mapped[date] = mapped_column(Date)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: What was left to pay, VAT included; the interest run up by that day, shown and not billed.
    due: Mapped[Decimal] = mapped_column(Money)
    interest: Mapped[Decimal] = mapped_column(Money)
    #: What an agent did about the task of level 4.
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    done_reason: Mapped[str] = mapped_column(String(REASON_MAX), default="")

    invoice: Mapped[Invoice] = relationship()
    done_by: Mapped[Person | None] = relationship()


class DunningPause(Model):
    """Until which day (included) an agent wants nobody reminded of an invoice, and why."""

    __tablename__ = "dunning_pause"

    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id", ondelete="RESTRICT"), primary_key=True)
    until: Mapped[date] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(String(REASON_MAX))
    by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    by: Mapped[Person] = relationship()


class LateRate(Model):
    """The refinancing rate of the European Central Bank, in per cent a year, that late interest goes by from a day on."""

    __tablename__ = "late_rate"
    __table_args__ = (CheckConstraint("rate >= 0", name="ck_late_rate_rate"),)

    valid_from: Mapped[date] = mapped_column(Date, primary_key=True)
    rate: Mapped[Decimal] = mapped_column(Percent)
