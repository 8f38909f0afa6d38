"""The sales journal: which accounts it is written to, months that are closed, and the lines that each holds for ever."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.person import Person
from app.models.types import BigMoney, Json, Labelled, Money, Percent, UtcDateTime

CODE_MAX, LABEL_MAX = 12, 60
_ANY_RATE, _OF_RATE = text("rate IS NULL"), text("rate IS NOT NULL")


class AccountRole(Labelled):
    """What an account, or a journal, of the accounts is for."""

    CUSTOMER = "customer", "Clients"
    SALES = "sales", "Ventes"
    VAT_DUE = "vat_due", "TVA exigible"
    VAT_WAITING = "vat_waiting", "TVA en attente de l’encaissement"
    JOURNAL_SALES = "journal_sales", "Journal des ventes"
    JOURNAL_VAT = "journal_vat", "Journal des virements de TVA"


class Act(Labelled):
    """What the journal writes: an invoice or credit note issued, money allocated to an invoice, an allocation undone."""

    ISSUED = "issued", "Émission"
    PAID = "paid", "Encaissement"
    UNDONE = "undone", "Encaissement défait"


class AccountMap(Model):
    """The account, or journal, that an agent chose for a role, of one rate of VAT or of any; else the usual one holds."""

    __tablename__ = "account_map"
    __table_args__ = (
        Index("uq_account_map_any", "role", unique=True, sqlite_where=_ANY_RATE, postgresql_where=_ANY_RATE),
        Index("uq_account_map_rate", "role", "rate", unique=True, sqlite_where=_OF_RATE, postgresql_where=_OF_RATE),
        CheckConstraint(
            "role IN ('customer', 'sales', 'vat_due', 'vat_waiting', 'journal_sales', 'journal_vat')",
            name="ck_account_map_role",
        ),
        CheckConstraint("rate IS NULL OR role IN ('sales', 'vat_due', 'vat_waiting')", name="ck_account_map_rate"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    #: The rate of VAT that it is for, in per cent; None for any.
    rate: Mapped[Decimal | None] = mapped_column(Percent)
    code: Mapped[str] = mapped_column(String(CODE_MAX))
    label: Mapped[str] = mapped_column(String(LABEL_MAX))


class AccountingPeriod(Model):
    """A month of the journal that is closed: what comes later is written to the next one that is open. Never changed."""

    __tablename__ = "accounting_period"

    #: The first day of the month.
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    #: The seller, whatever its versions.
    siren: Mapped[str] = mapped_column(String(9))
    #: How many entries it holds, and the sum of their debits.
    entries: Mapped[int]
    debit: Mapped[Decimal] = mapped_column(BigMoney)
    #: Series (« invoice 2026 ») → the last number written to this month or one before it.
    series: Mapped[dict[str, Any]] = mapped_column(Json)
    #: SHA-256 of what its exports are, byte for byte.
    fec_sha256: Mapped[str] = mapped_column(String(64))
    csv_sha256: Mapped[str] = mapped_column(String(64))
    closed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))

    closed_by: Mapped[Person] = relationship()


class AccountingLine(Model):
    """A line of an entry of a closed month, as it was closed: the base refuses any change."""

    __tablename__ = "accounting_line"
    __table_args__ = (
        UniqueConstraint("act", "act_id", "position"),
        CheckConstraint("act IN ('issued', 'paid', 'undone')", name="ck_accounting_line_act"),
        CheckConstraint(
            "debit >= 0 AND credit >= 0 AND (debit = 0) <> (credit = 0)", name="ck_accounting_line_one_side"
        ),
    )

    month: Mapped[date] = mapped_column(ForeignKey("accounting_period.month", ondelete="RESTRICT"), primary_key=True)
    #: The entry, from 1 without gap in its month, and the line within it.
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: What it writes: an invoice, or an allocation, by its id.
    act: Mapped[str] = mapped_column(String(10))
    act_id: Mapped[int]
    journal: Mapped[str] = mapped_column(String(CODE_MAX))
    journal_label: Mapped[str] = mapped_column(String(LABEL_MAX))
    day: Mapped[date] = mapped_column(Date)
    account: Mapped[str] = mapped_column(String(CODE_MAX))
    account_label: Mapped[str] = mapped_column(String(LABEL_MAX))
    auxiliary: Mapped[str] = mapped_column(String(CODE_MAX))
    auxiliary_label: Mapped[str] = mapped_column(String(160))
    piece: Mapped[str] = mapped_column(String(20))
    piece_day: Mapped[date] = mapped_column(Date)
    label: Mapped[str] = mapped_column(String(120))
    debit: Mapped[Decimal] = mapped_column(Money)
    credit: Mapped[Decimal] = mapped_column(Money)
