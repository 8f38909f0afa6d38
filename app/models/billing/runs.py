"""Where numbers of invoices come from, and how far the run of a month has come."""

from __future__ import annotations

from datetime import date, datetime

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Date, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.types import Labelled, UtcDateTime


class InvoiceSeries(Model):
    """The numbers of a seller's invoices, or credit notes, of a year: without gap, in the order of their days."""

    __tablename__ = "invoice_series"
    __table_args__ = (
        CheckConstraint("last_number >= 0", name="ck_invoice_series_number"),
        CheckConstraint("kind IN ('invoice', 'credit_note')", name="ck_invoice_series_kind"),
    )

    #: The seller, whatever its versions.
    siren: Mapped[str] = mapped_column(String(9), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_number: Mapped[int] = mapped_column(default=0)
    last_issued_on: Mapped[date | None] = mapped_column(Date)


class RunState(Labelled):
    """How far the run of a month has come; each step starts again from what the base holds."""

    BUILDING = "building", "Brouillons en construction"
    BUILT = "built", "Brouillons construits"
    ISSUING = "issuing", "Émission en cours"
    DONE = "done", "Émission terminée"


class InvoiceRun(Model):
    """The run of a month: one a seller and month, whoever starts it and how often."""

    __tablename__ = "invoice_run"
    __table_args__ = (
        UniqueConstraint("siren", "period"),
        CheckConstraint("state IN ('building', 'built', 'issuing', 'done')", name="ck_invoice_run_state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    siren: Mapped[str] = mapped_column(String(9))
    #: The first day of the month.
    period: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(10), default=RunState.BUILDING)
    #: As they were when the step last ended.
    drafts: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)
    issued: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
