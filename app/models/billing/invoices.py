"""Invoices and credit notes, drafts and issued: what a month bills under one order number; what order numbers may cost."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.batch import new_key
from app.models.catalogue import Training
from app.models.centre import Centre
from app.models.person import Person
from app.models.registration import Registration
from app.models.types import Json, Labelled, Money, Percent, UtcDateTime

ORDER_MAX, HELD_MAX = 50, 500
#: The kinds of invoices: one bills, the other gives back what one has billed.
INVOICE, CREDIT_NOTE = "invoice", "credit_note"
_DRAFT, _ABOUT_ONE = text("state = 'draft' AND kind = 'invoice'"), "(registration_id IS NULL) <> (trainer_id IS NULL)"
_CREDITING = text("state = 'draft' AND kind = 'credit_note'")
#: What an issued invoice has, and a draft has not.
_NUMBERED = (
    "series_year IS NOT NULL AND number IS NOT NULL AND public_number IS NOT NULL AND issued_on IS NOT NULL"
    " AND issued_at IS NOT NULL AND seller_id IS NOT NULL AND seller_json IS NOT NULL AND buyer_json IS NOT NULL"
    " AND content_hash IS NOT NULL AND chain_hash IS NOT NULL"
)


class InvoiceState(Labelled):
    """The legal state of an invoice; transport and settlement are other axes."""

    DRAFT = "draft", "Brouillon"
    ISSUED = "issued", "Émise"


DRAFT = InvoiceState.DRAFT
ISSUED = InvoiceState.ISSUED


class Invoice(Model):
    """What a centre is billed for a month under one order number, or given back of it.

    A draft is made anew whenever what it bills changes. Once issued the base itself keeps it: triggers refuse any change but
    that of its files, from nothing to a value, once.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        Index(
            "uq_invoice_draft",
            "centre_id",
            "period_end",
            "order_number",
            unique=True,
            sqlite_where=_DRAFT,
            postgresql_where=_DRAFT,
        ),
        Index("uq_invoice_crediting", "corrects_id", unique=True, sqlite_where=_CREDITING, postgresql_where=_CREDITING),
        Index("uq_invoice_number", "kind", "series_year", "number", unique=True),
        Index("uq_invoice_public_number", "public_number", unique=True),
        Index("ix_invoice_period", "period_end", "state"),
        Index("ix_invoice_centre_issued", "centre_id", "issued_on"),
        Index("ix_invoice_corrects", "corrects_id"),
        CheckConstraint("kind IN ('invoice', 'credit_note')", name="ck_invoice_kind"),
        CheckConstraint("(kind = 'credit_note') = (corrects_id IS NOT NULL)", name="ck_invoice_corrects"),
        CheckConstraint("state = 'draft' OR proved_hash = content_hash", name="ck_invoice_proved"),
        CheckConstraint(f"state = 'draft' OR ({_NUMBERED})", name="ck_invoice_numbered"),
        CheckConstraint("state = 'issued' OR number IS NULL", name="ck_invoice_unnumbered"),
        CheckConstraint("state IN ('draft', 'issued')", name="ck_invoice_state"),
        CheckConstraint("period_end >= period_start", name="ck_invoice_period"),
        CheckConstraint("total = net + vat", name="ck_invoice_total"),
        CheckConstraint("held_by_id IS NULL OR held_reason <> ''", name="ck_invoice_held"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Names it in addresses; random.
    key: Mapped[str] = mapped_column(String(16), unique=True, default=new_key)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"))
    state: Mapped[str] = mapped_column(String(10), default=DRAFT)
    #: The calendar month that is billed; a line registered before it and billed by none says its own month.
    period_start: Mapped[date] = mapped_column(Date)
    period_end: Mapped[date] = mapped_column(Date)
    #: As billed, letter by letter.
    order_number: Mapped[str] = mapped_column(String(ORDER_MAX))
    net: Mapped[Decimal] = mapped_column(Money, default=Decimal("0.00"))
    vat: Mapped[Decimal] = mapped_column(Money, default=Decimal("0.00"))
    total: Mapped[Decimal] = mapped_column(Money, default=Decimal("0.00"))
    #: Why it is not to be issued; empty where nothing stands in the way.
    held_reason: Mapped[str] = mapped_column(String(HELD_MAX), default="")
    #: The agent who holds it; None where the reason is what its centre or the operator has still to fill in.
    held_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    built_at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(String(12), default=INVOICE, server_default=INVOICE)
    #: Where it stands in its series, once issued: the year of its day and a number without gap.
    series_year: Mapped[int | None]
    number: Mapped[int | None]
    #: « F2026-000123 », « A2026-000045 ».
    public_number: Mapped[str | None] = mapped_column(String(20))
    issued_on: Mapped[date | None] = mapped_column(Date)
    #: The last day to pay; None on a credit note.
    due_on: Mapped[date | None] = mapped_column(Date)
    seller_id: Mapped[int | None] = mapped_column(ForeignKey("seller.id"))
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("service_contract.id"))
    service_code: Mapped[str] = mapped_column(String(50), default="", server_default="")
    #: The issued invoice that a credit note gives back, in whole or in part.
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"))
    #: A credit note that only puts the accounts right: its invoice never reached the buyer, or was refused.
    internal: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: What it gives back is billed anew as soon as it is issued.
    rebills: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Why a credit note is made, in words.
    reason: Mapped[str] = mapped_column(String(300), default="", server_default="")
    #: Who sold and who bought as the invoice says it, copied when it was issued: neither follows what changes later.
    seller_json: Mapped[dict[str, Any] | None] = mapped_column(Json)
    buyer_json: Mapped[dict[str, Any] | None] = mapped_column(Json)
    #: SHA-256 of what it says, its number and days left out; of what was proved; of all that with the hash before it.
    content_hash: Mapped[str | None] = mapped_column(String(64))
    proved_hash: Mapped[str] = mapped_column(String(64), default="", server_default="")
    chain_hash: Mapped[str | None] = mapped_column(String(64))
    #: Why a draft could not be proved; empty where it was, or nobody has tried.
    findings: Mapped[str] = mapped_column(String(1000), default="", server_default="")
    #: The finished file, once the worker has made it: hash of its XML, place in the store, hash, bytes.
    xml_sha256: Mapped[str | None] = mapped_column(String(64))
    path: Mapped[str | None] = mapped_column(String(200))
    sha256: Mapped[str | None] = mapped_column(String(64))
    size: Mapped[int | None]
    #: The agent who issued it; None for the monthly run.
    issued_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    issued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    centre: Mapped[Centre] = relationship()
    held_by: Mapped[Person | None] = relationship(foreign_keys=[held_by_id])
    issued_by: Mapped[Person | None] = relationship(foreign_keys=[issued_by_id])
    corrects: Mapped[Invoice | None] = relationship(remote_side="Invoice.id", foreign_keys=[corrects_id])
    lines: Mapped[list[InvoiceLine]] = relationship(order_by="InvoiceLine.position", viewonly=True)
    vats: Mapped[list[InvoiceVat]] = relationship(order_by="InvoiceVat.rate.desc()", viewonly=True)


class InvoiceLine(Model):
    """A line: so many of one training, or of the card's fee, at one price and rate."""

    __tablename__ = "invoice_line"
    __table_args__ = (
        CheckConstraint("quantity > 0 AND unit_price >= 0", name="ck_invoice_line_quantity"),
        CheckConstraint("amount = quantity * unit_price", name="ck_invoice_line_amount"),
        CheckConstraint("category IN ('S', 'E')", name="ck_invoice_line_category"),
    )

    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id", ondelete="RESTRICT"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: None for the card's fee of a trainer.
    training_id: Mapped[int | None] = mapped_column(ForeignKey("training.id", ondelete="RESTRICT"))
    label: Mapped[str] = mapped_column(String(200))
    quantity: Mapped[int]
    unit_price: Mapped[Decimal] = mapped_column(Money)
    vat_rate: Mapped[Decimal] = mapped_column(Percent)
    category: Mapped[str] = mapped_column(String(1))
    amount: Mapped[Decimal] = mapped_column(Money)

    training: Mapped[Training | None] = relationship()


class InvoiceVat(Model):
    """The VAT of one rate, worked out once on the sum of its lines."""

    __tablename__ = "invoice_vat"

    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id", ondelete="RESTRICT"), primary_key=True)
    category: Mapped[str] = mapped_column(String(1), primary_key=True)
    rate: Mapped[Decimal] = mapped_column(Percent, primary_key=True)
    base: Mapped[Decimal] = mapped_column(Money)
    vat: Mapped[Decimal] = mapped_column(Money)
    #: Why nothing is taxed, as the invoice says it (BT-120); written as it is issued.
    mention: Mapped[str] = mapped_column(String(200), default="", server_default="")


class InvoiceItem(Model):
    """That a registration, or a trainer's fee, is charged on an invoice: once, whatever replaced it since.

    Its line is the one of its training, price, rate and, where it comes late, month.
    """

    __tablename__ = "invoice_item"
    __table_args__ = (
        CheckConstraint(_ABOUT_ONE, name="ck_invoice_item_about_one"),
        CheckConstraint("(registration_id IS NULL) = (root_id IS NULL)", name="ck_invoice_item_root"),
        UniqueConstraint("root_id", "charge_round", "credit"),
        UniqueConstraint("trainer_id", "charge_round", "credit"),
        Index("ix_invoice_item_invoice", "invoice_id"),
        Index("ix_invoice_item_registration", "registration_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id", ondelete="RESTRICT"))
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id", ondelete="RESTRICT"))
    trainer_id: Mapped[int | None] = mapped_column(ForeignKey("trainer.id", ondelete="RESTRICT"))
    #: `Registration.root_id`: a replacement is not charged again while its chain is.
    root_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id", ondelete="RESTRICT"))
    #: Raised where what was credited is charged again.
    round: Mapped[int] = mapped_column("charge_round", default=1)
    credit: Mapped[bool] = mapped_column(default=False, server_default=false())
    training_id: Mapped[int | None] = mapped_column(ForeignKey("training.id", ondelete="RESTRICT"))
    amount: Mapped[Decimal] = mapped_column(Money)
    vat_rate: Mapped[Decimal] = mapped_column(Percent)
    registered_on: Mapped[date] = mapped_column(Date)

    invoice: Mapped[Invoice] = relationship()
    registration: Mapped[Registration | None] = relationship(foreign_keys=[registration_id])


class OrderOverride(Model):
    """The order number, and the reference, under which a registration, or a trainer's fee, is billed instead of its own, which
    never change."""

    __tablename__ = "order_override"
    __table_args__ = (CheckConstraint(_ABOUT_ONE, name="ck_order_override_about_one"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id", ondelete="RESTRICT"), unique=True)
    trainer_id: Mapped[int | None] = mapped_column(ForeignKey("trainer.id", ondelete="RESTRICT"), unique=True)
    order_number: Mapped[str] = mapped_column(String(ORDER_MAX))
    #: What invoices say as the centre's reference; None: its own.
    reference: Mapped[str | None] = mapped_column(String(ORDER_MAX))
    by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class OrderBudget(Model):
    """What a centre lets an order number cost; beyond it registering is told of, or stopped."""

    __tablename__ = "order_budget"
    __table_args__ = (
        UniqueConstraint("centre_id", "order_number"),
        CheckConstraint("ceiling > 0", name="ck_order_budget_ceiling"),
        CheckConstraint("told IN (0, 80, 100)", name="ck_order_budget_told"),
        CheckConstraint(
            "valid_to IS NULL OR valid_from IS NULL OR valid_to >= valid_from", name="ck_order_budget_period"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"))
    order_number: Mapped[str] = mapped_column(String(ORDER_MAX))
    #: Excluding VAT, in euros.
    ceiling: Mapped[Decimal] = mapped_column(Money)
    #: The days on which it holds, both included; None: from ever, for ever. What is registered on them counts, nothing else.
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    #: What would go over the ceiling is not registered.
    blocking: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: The threshold, in per cent, that people were told of last.
    told: Mapped[int] = mapped_column(default=0)

    centre: Mapped[Centre] = relationship()
