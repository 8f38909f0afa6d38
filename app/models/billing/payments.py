"""Payments: what the bank says came in and went out, and which invoice each euro is for."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.centre import Centre
from app.models.person import Person
from app.models.types import BigMoney, Money, Percent, UtcDateTime

from .invoices import Invoice

REASON_MAX, REMITTANCE_MAX = 300, 2000
_LIVE, _UNDONE = text("undone_at IS NULL"), text("undone_at IS NOT NULL")


class BankStatement(Model):
    """An account statement as the bank sent it (CAMT.053): balances, and the entries that it was the first to bring."""

    __tablename__ = "bank_statement"
    __table_args__ = (
        UniqueConstraint("sha256", "position"),
        CheckConstraint("entries > 0", name="ck_bank_statement_entries"),
        Index("ix_bank_statement_closed", "closed_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Of the file; a file may hold several statements.
    sha256: Mapped[str] = mapped_column(String(64))
    position: Mapped[int]
    file_name: Mapped[str] = mapped_column(String(120))
    #: The account of ours that it is about.
    iban: Mapped[str] = mapped_column(String(34))
    #: What the bank calls it.
    name: Mapped[str] = mapped_column(String(35))
    #: Days of the balances.
    opened_on: Mapped[date] = mapped_column(Date)
    closed_on: Mapped[date] = mapped_column(Date)
    opening: Mapped[Decimal] = mapped_column(BigMoney)
    closing: Mapped[Decimal] = mapped_column(BigMoney)
    #: Entries that it was the first to bring; how many others another statement had brought before, and their sum.
    entries: Mapped[int]
    repeated: Mapped[int]
    repeated_amount: Mapped[Decimal] = mapped_column(BigMoney)
    imported_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: None for the command.
    imported_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))

    imported_by: Mapped[Person | None] = relationship()


class BankEntry(Model):
    """One movement of an account: above zero what came in, below what went out. A grouped one is split in its transactions."""

    __tablename__ = "bank_entry"
    __table_args__ = (
        UniqueConstraint("iban", "ref", "booked_on", "amount", "rank"),
        CheckConstraint("amount <> 0", name="ck_bank_entry_amount"),
        CheckConstraint("(aside_at IS NULL) = (aside_reason = '')", name="ck_bank_entry_aside"),
        Index("ix_bank_entry_statement", "statement_id"),
        Index("ix_bank_entry_booked", "booked_on"),
        Index("ix_bank_entry_centre", "centre_id"),
        Index("ix_bank_entry_debtor", "debtor_iban"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: The statement that brought it first.
    statement_id: Mapped[int] = mapped_column(ForeignKey("bank_statement.id", ondelete="RESTRICT"))
    iban: Mapped[str] = mapped_column(String(34))
    #: The bank's own reference, or, where it gives none, a hash of what the entry says.
    ref: Mapped[str] = mapped_column(String(40))
    #: Tells entries apart that say the same on one day: the n-th of them.
    rank: Mapped[int] = mapped_column(default=1)
    booked_on: Mapped[date] = mapped_column(Date)
    amount: Mapped[Decimal] = mapped_column(BigMoney)
    end_to_end: Mapped[str] = mapped_column(String(35), default="")
    #: What the transfer says, the structured reference first.
    remittance: Mapped[str] = mapped_column(String(REMITTANCE_MAX), default="")
    #: The other side: who paid, or was paid.
    debtor_name: Mapped[str] = mapped_column(String(140), default="")
    debtor_iban: Mapped[str] = mapped_column(String(34), default="")
    #: Why a transfer came back, as the bank codes it; empty for any other entry.
    return_code: Mapped[str] = mapped_column(String(4), default="")
    #: Whose money it is, once somebody has said so: what is not allocated of it is that centre's.
    centre_id: Mapped[int | None] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"))
    #: Why it is none of an invoice's (fees of the bank, another business); empty where nobody said so.
    aside_reason: Mapped[str] = mapped_column(String(REASON_MAX), default="")
    aside_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    aside_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))

    statement: Mapped[BankStatement] = relationship()
    centre: Mapped[Centre | None] = relationship()
    aside_by: Mapped[Person | None] = relationship(foreign_keys=[aside_by_id])


class Allocation(Model):
    """So much of a bank entry, or of a credit note's balance, for an invoice; undone it stays, and counts no more.

    Below zero it takes back another allocation, whose transfer the bank returned. Without an invoice it is a refund that an
    agent noted. Live sums are of ``amount`` where ``undone_at`` is empty.
    """

    __tablename__ = "allocation"
    __table_args__ = (
        CheckConstraint("(bank_entry_id IS NULL) <> (credit_note_id IS NULL)", name="ck_allocation_source"),
        CheckConstraint("amount <> 0 AND (amount < 0) = (returns_id IS NOT NULL)", name="ck_allocation_amount"),
        CheckConstraint("invoice_id IS NOT NULL OR (reason <> '' AND amount > 0)", name="ck_allocation_refund"),
        CheckConstraint("undone_at IS NOT NULL OR undone_by_id IS NULL", name="ck_allocation_undone"),
        Index("ix_allocation_invoice", "invoice_id", sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("ix_allocation_entry", "bank_entry_id", sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("ix_allocation_credit_note", "credit_note_id", sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("ix_allocation_returns", "returns_id"),
        # The months of the sales journal.
        Index("ix_allocation_at", "at"),
        Index("ix_allocation_undone_at", "undone_at", sqlite_where=_UNDONE, postgresql_where=_UNDONE),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    bank_entry_id: Mapped[int | None] = mapped_column(ForeignKey("bank_entry.id", ondelete="RESTRICT"))
    #: An issued credit note whose invoice was paid already.
    credit_note_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id", ondelete="RESTRICT"))
    #: None: refunded.
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id", ondelete="RESTRICT"))
    #: In euros, VAT included.
    amount: Mapped[Decimal] = mapped_column(Money)
    #: The allocation that a returned transfer takes back.
    returns_id: Mapped[int | None] = mapped_column(ForeignKey("allocation.id", ondelete="RESTRICT"))
    #: The day of the money: that of its entry, of the act for a balance, of the refund.
    paid_on: Mapped[date] = mapped_column(Date)
    #: What an agent says of a refund.
    reason: Mapped[str] = mapped_column(String(REASON_MAX), default="")
    #: None for the program: exact reference and exact amount.
    by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))

    entry: Mapped[BankEntry | None] = relationship()
    credit_note: Mapped[Invoice | None] = relationship(foreign_keys=[credit_note_id])
    invoice: Mapped[Invoice | None] = relationship(foreign_keys=[invoice_id])
    by: Mapped[Person | None] = relationship(foreign_keys=[by_id])
    undone_by: Mapped[Person | None] = relationship(foreign_keys=[undone_by_id])
    shares: Mapped[list[AllocationVat]] = relationship(order_by="AllocationVat.rate.desc()", viewonly=True)


class AllocationVat(Model):
    """What an allocation changes of an invoice's receipts at one VAT rate: those of its invoice add up to it.

    What is taken from a credit note lowers, below zero, the receipts of the invoice that was credited.
    """

    __tablename__ = "allocation_vat"
    __table_args__ = (Index("ix_allocation_vat_invoice", "invoice_id"),)

    allocation_id: Mapped[int] = mapped_column(ForeignKey("allocation.id", ondelete="RESTRICT"), primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id", ondelete="RESTRICT"), primary_key=True)
    rate: Mapped[Decimal] = mapped_column(Percent, primary_key=True)
    #: In euros, VAT included; the VAT in it.
    amount: Mapped[Decimal] = mapped_column(Money)
    vat: Mapped[Decimal] = mapped_column(Money)
