"""Trainers and instructors (formateurs, moniteurs): registered one by one, by hand, so that they may ask for a card."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, ColumnElement, Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .batch import new_key
from .centre import Centre
from .driver import Driver
from .person import Person
from .types import Labelled, Money, Percent, UtcDateTime

TRAINER, INSTRUCTOR = "trainer", "instructor"
PROFILES = {TRAINER: "Formateur", INSTRUCTOR: "Moniteur"}


class TrainerState(Labelled):
    """Where the registration of a trainer stands."""

    DRAFT = "draft", "Brouillon"
    REGISTERED = "registered", "Enregistré"
    CANCELLED = "cancelled", "Annulé"


DRAFT = TrainerState.DRAFT
REGISTERED = TrainerState.REGISTERED
CANCELLED = TrainerState.CANCELLED


class Trainer(Model):
    """A trainer or an instructor of a centre: the draft of the path by hand, then the right it opened, never edited.

    The identity is that of a driver (birth date and permit number), since the card is asked for from the same space.
    The names are those typed: the right opens only for an account that bears them.
    """

    __tablename__ = "trainer"
    __table_args__ = (
        CheckConstraint("profile IN ('trainer', 'instructor')", name="ck_trainer_profile"),
        CheckConstraint("state IN ('draft', 'registered', 'cancelled')", name="ck_trainer_state"),
        CheckConstraint("(state = 'registered') = (registered_at IS NOT NULL)", name="ck_trainer_registered"),
        CheckConstraint(
            "state <> 'registered' OR (driver_id IS NOT NULL AND registered_on IS NOT NULL"
            " AND registered_by_id IS NOT NULL AND receipt_number IS NOT NULL AND fee_borne IS NOT NULL"
            " AND (goods OR passengers))",
            name="ck_trainer_complete",
        ),
        CheckConstraint(
            "state <> 'registered' OR (fee_borne AND fee IS NOT NULL AND vat_rate IS NOT NULL AND order_number <> '')"
            " OR (NOT fee_borne AND fee IS NULL AND vat_rate IS NULL)",
            name="ck_trainer_fee",
        ),
        Index("ix_trainer_centre_state", "centre_id", "state", "updated_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(16), unique=True, default=new_key)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    profile: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), default=DRAFT)
    #: Raised by every change of the draft: a confirmation stands for the version that was shown.
    version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Step 1: the person.
    last_name: Mapped[str] = mapped_column(String(60), default="")
    first_name: Mapped[str] = mapped_column(String(60), default="")
    birth_date: Mapped[date | None] = mapped_column(Date)
    permit_number: Mapped[str] = mapped_column(String(16), default="")
    #: Where the person is told that the right is open.
    email: Mapped[str] = mapped_column(String(254), default="")
    # Step 2: the sectors taught, and who bears the card's fee.
    goods: Mapped[bool] = mapped_column(default=False)
    passengers: Mapped[bool] = mapped_column(default=False)
    #: None until the centre has chosen.
    fee_borne: Mapped[bool | None]
    order_number: Mapped[str] = mapped_column(String(50), default="")
    reference: Mapped[str] = mapped_column(String(50), default="")
    # The registration.
    driver_id: Mapped[int | None] = mapped_column(ForeignKey("driver.id", ondelete="RESTRICT"), index=True)
    #: The card's fee excluding VAT in force on the day of registration, in euros, and its VAT rate in per cent: what the
    #: centre is billed; None where the person pays it with the card.
    fee: Mapped[Decimal | None] = mapped_column(Money)
    vat_rate: Mapped[Decimal | None] = mapped_column(Percent)
    registered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The legal day of registration (Europe/Paris).
    registered_on: Mapped[date | None] = mapped_column(Date)
    registered_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    receipt_number: Mapped[str | None] = mapped_column(String(20), unique=True)
    #: The name typed disagrees with the account's: the right waits for an agent's decision.
    withheld: Mapped[bool] = mapped_column(default=False)
    #: The legal day on which the right was cancelled; from then on it opens nothing. Written once.
    cancelled_on: Mapped[date | None] = mapped_column(Date)

    centre: Mapped[Centre] = relationship()
    driver: Mapped[Driver | None] = relationship()
    created_by: Mapped[Person] = relationship(foreign_keys=[created_by_id])
    registered_by: Mapped[Person | None] = relationship(foreign_keys=[registered_by_id])

    @staticmethod
    def live() -> ColumnElement[bool]:
        """Return, as SQL, whether a registered right counts: it was not cancelled."""
        return (Trainer.state == REGISTERED) & Trainer.cancelled_on.is_(None)

    @property
    def profile_name(self) -> str:
        """Return « Formateur » or « Moniteur »."""
        return PROFILES[self.profile]

    @property
    def sectors(self) -> list[str]:
        """Return the sectors taught, in words (« Marchandises », « Voyageurs »)."""
        return ["Marchandises"] * self.goods + ["Voyageurs"] * self.passengers

    @property
    def full_name(self) -> str:
        """Return the name as typed, last name first."""
        return f"{self.last_name} {self.first_name}".strip()

    def __repr__(self) -> str:
        return f"{self.profile_name} {self.full_name}"
