"""The catalogue of trainings and the dated tariffs (arrêté du 18 janvier 2022; data edited by an agent, never an enum)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Integer, String, Table, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .centre import Centre
from .types import Money, Percent, holds_on

CATEGORIES = ("Marchandises", "Voyageurs")
LONG, COMPLETE_FCO, FCO_MODULE, CARD_FEE = "long", "fco_complete", "fco_module", "card_fee"
PRICE_CLASSES = {
    LONG: "Formation longue",
    COMPLETE_FCO: "FCO complète",
    FCO_MODULE: "Module de FCO",
    CARD_FEE: "Redevance de la carte",
}


def full_label(label: str, category: str) -> str:
    """Return « FCO Complète — Voyageurs », but « FIMO Voyageurs »: a category already said is not said twice."""
    return label if category.lower() in label.lower() else f"{label} — {category}"


class Training(Model):
    """One entry of the catalogue: a label in one category (« FCO Complète » is two entries)."""

    __tablename__ = "training"
    __table_args__ = (
        UniqueConstraint("label", "category"),
        CheckConstraint("category IN ('Marchandises', 'Voyageurs')", name="ck_training_category"),
        CheckConstraint(
            "valid_to IS NULL OR valid_from IS NULL OR valid_to >= valid_from", name="ck_training_validity"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    family: Mapped[str] = mapped_column(String(60))
    label: Mapped[str] = mapped_column(String(120))
    category: Mapped[str] = mapped_column(String(20))
    hours: Mapped[int | None]
    price_class: Mapped[str] = mapped_column(String(20))
    minors_allowed: Mapped[bool] = mapped_column(default=False)
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)

    @property
    def is_module(self) -> bool:
        """Tell whether this is a sequence of an FCO, which alone gives no certificate."""
        return self.price_class == FCO_MODULE

    @property
    def full_label(self) -> str:
        """Return the label with its category, where the label alone does not say it (« FCO Complète — Voyageurs »)."""
        return full_label(self.label, self.category)

    def __repr__(self) -> str:
        return self.full_label


class Tariff(Model):
    """The price excluding VAT of one class, in force from a day to a day (both inclusive)."""

    __tablename__ = "tariff"
    __table_args__ = (
        UniqueConstraint("price_class", "valid_from"),
        CheckConstraint("amount >= 0", name="ck_tariff_amount"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="ck_tariff_validity"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    price_class: Mapped[str] = mapped_column(String(20))
    amount: Mapped[Decimal] = mapped_column(Money)
    vat_rate: Mapped[Decimal] = mapped_column(Percent, default=Decimal("20.00"))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)

    @classmethod
    def in_force(cls, day: date):  # type: ignore[no-untyped-def]
        """Return the statement that selects the tariffs in force on ``day``."""
        return select(cls).where(holds_on(day, cls.valid_to, cls.valid_from))


accreditation_training = Table(
    "accreditation_training",
    Model.metadata,
    Column("accreditation_id", Integer, ForeignKey("accreditation.id", ondelete="RESTRICT"), primary_key=True),
    Column("training_id", Integer, ForeignKey("training.id", ondelete="RESTRICT"), primary_key=True),
)


class Accreditation(Model):
    """An accreditation of a centre; judged on the end date of a training, so its history is never overwritten."""

    __tablename__ = "accreditation"
    __table_args__ = (
        UniqueConstraint("authority", "number"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="ck_accreditation_validity"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"), index=True)
    authority: Mapped[str] = mapped_column(String(120))
    number: Mapped[str] = mapped_column(String(40))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    withdrawn_on: Mapped[date | None] = mapped_column(Date)

    centre: Mapped[Centre] = relationship()
    trainings: Mapped[list[Training]] = relationship(secondary=accreditation_training)
    suspensions: Mapped[list[Suspension]] = relationship(back_populates="accreditation", passive_deletes="all")

    @property
    def last_day(self) -> date | None:
        """Return the last day in force, the eve of a withdrawal where that comes first; None while no end is known."""
        eve = self.withdrawn_on - timedelta(days=1) if self.withdrawn_on else None
        return min((day for day in (self.valid_to, eve) if day), default=None)

    def __repr__(self) -> str:
        return f"{self.number} ({self.authority})"


class Suspension(Model):
    """An interval in which an accreditation does not hold (both days inclusive; open when no end is known)."""

    __tablename__ = "suspension"
    __table_args__ = (CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="ck_suspension_validity"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    accreditation_id: Mapped[int] = mapped_column(ForeignKey("accreditation.id", ondelete="RESTRICT"), index=True)
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(String(300), default="")

    accreditation: Mapped[Accreditation] = relationship(back_populates="suspensions")
