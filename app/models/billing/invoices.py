"""Invoices while they are drafts: what a month bills under one order number, and what order numbers may cost."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.batch import new_key
from app.models.catalogue import Training
from app.models.centre import Centre
from app.models.person import Person
from app.models.registration import Registration
from app.models.types import Labelled, Money, Percent, UtcDateTime

ORDER_MAX, HELD_MAX = 50, 500
_DRAFT, _ABOUT_ONE = text("state = 'draft'"), "(registration_id IS NULL) <> (trainer_id IS NULL)"


class InvoiceState(Labelled):
    """The legal state of an invoice; transport and settlement are other axes."""

    DRAFT = "draft", "Brouillon"
    ISSUED = "issued", "Émise"


DRAFT = InvoiceState.DRAFT
ISSUED = InvoiceState.ISSUED


class Invoice(Model):
    """What a centre is billed for a month under one order number. A draft is made anew whenever what it bills changes."""

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
        Index("ix_invoice_period", "period_end", "state"),
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

    centre: Mapped[Centre] = relationship()
    held_by: Mapped[Person | None] = relationship()
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
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"))
    order_number: Mapped[str] = mapped_column(String(ORDER_MAX))
    #: Excluding VAT, in euros.
    ceiling: Mapped[Decimal] = mapped_column(Money)
    #: What would go over the ceiling is not registered.
    blocking: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: The threshold, in per cent, that people were told of last.
    told: Mapped[int] = mapped_column(default=0)

    centre: Mapped[Centre] = relationship()
