"""Requests for the driver's qualification card (CQC), what became of them, and the copies of their data people ask for."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .batch import new_key
from .driver import Driver
from .person import Person
from .registration import Registration
from .trainer import Trainer
from .types import Labelled, Money, Percent, UtcDateTime


class CardState(Labelled):
    """Where a request for a card stands."""

    DRAFT = "draft", "Brouillon"
    SUBMITTED = "submitted", "Déposée"
    IN_REVIEW = "in_review", "En cours d’examen"
    ACCEPTED = "accepted", "Acceptée"
    REFUSED = "refused", "Refusée"
    PRODUCTION = "production", "En fabrication"
    SENT = "sent", "Envoyée"
    CANCELLED = "cancelled", "Abandonnée"
    STOPPED = "stopped", "Arrêtée"


DRAFT = CardState.DRAFT
SUBMITTED = CardState.SUBMITTED
IN_REVIEW = CardState.IN_REVIEW
ACCEPTED = CardState.ACCEPTED
REFUSED = CardState.REFUSED
PRODUCTION = CardState.PRODUCTION
SENT = CardState.SENT
CANCELLED = CardState.CANCELLED
STOPPED = CardState.STOPPED
CARD_STATES = CardState.labels()
#: State → the states it may move to; no other move is possible.
CARD_MOVES = {
    DRAFT: (SUBMITTED, CANCELLED),
    SUBMITTED: (IN_REVIEW, STOPPED),
    IN_REVIEW: (ACCEPTED, REFUSED, STOPPED),
    REFUSED: (SUBMITTED, STOPPED),
    ACCEPTED: (PRODUCTION, STOPPED),
    # An agent has stopped the making, or declared a card that was sent void: its ground was cancelled.
    PRODUCTION: (SENT, STOPPED),
    SENT: (STOPPED,),
}
#: States that leave the ground free for another request.
GIVEN_UP = (CANCELLED, STOPPED)
#: States in which the card is not being made yet.
OPEN_STATES = (DRAFT, SUBMITTED, IN_REVIEW, REFUSED, ACCEPTED)
#: The holder may still change the request.
EDITABLE = (DRAFT, REFUSED)

HOLDER, CENTRE = "holder", "centre"
PAYERS = {HOLDER: "Le titulaire de la carte", CENTRE: "Le centre de formation"}

_SAME_GROUND = "state NOT IN ('cancelled', 'stopped')"


class CardRequest(Model):
    """One request for a card, on the ground of a training with its certificate, or of a trainer's right.

    A ground bears one request at most, drafts given up left aside. The identity is the one of the ground, as it stood
    when the request was begun.
    """

    __tablename__ = "card_request"
    __table_args__ = (
        CheckConstraint(
            "state IN ('draft', 'submitted', 'in_review', 'accepted', 'refused', 'production', 'sent', 'cancelled',"
            " 'stopped')",
            name="ck_card_request_state",
        ),
        CheckConstraint("(registration_id IS NULL) <> (trainer_id IS NULL)", name="ck_card_request_ground"),
        CheckConstraint("payer IN ('holder', 'centre')", name="ck_card_request_payer"),
        CheckConstraint(
            "state IN ('draft', 'cancelled') OR (number IS NOT NULL AND submitted_at IS NOT NULL AND street <> ''"
            " AND postcode <> '' AND city <> '' AND fee IS NOT NULL AND vat_rate IS NOT NULL"
            " AND (payer = 'centre' OR payment_reference IS NOT NULL))",
            name="ck_card_request_complete",
        ),
        Index("ix_card_request_state", "state", "submitted_at"),
        Index(
            "uq_card_request_registration",
            "registration_id",
            unique=True,
            sqlite_where=text(_SAME_GROUND),
            postgresql_where=text(_SAME_GROUND),
        ),
        Index(
            "uq_card_request_trainer",
            "trainer_id",
            unique=True,
            sqlite_where=text(_SAME_GROUND),
            postgresql_where=text(_SAME_GROUND),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Names the request in addresses; random.
    key: Mapped[str] = mapped_column(String(16), unique=True, default=new_key)
    #: Reference told to the person, given when the request is sent.
    number: Mapped[str | None] = mapped_column(String(20), unique=True)
    driver_id: Mapped[int] = mapped_column(ForeignKey("driver.id", ondelete="RESTRICT"), index=True)
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id", ondelete="RESTRICT"))
    trainer_id: Mapped[int | None] = mapped_column(ForeignKey("trainer.id", ondelete="RESTRICT"))
    state: Mapped[str] = mapped_column(String(10), default=DRAFT)
    last_name: Mapped[str] = mapped_column(String(60))
    first_name: Mapped[str] = mapped_column(String(60))
    birth_date: Mapped[date] = mapped_column(Date)
    permit_number: Mapped[str] = mapped_column(String(16))
    # Where the card is sent, in France.
    address_extra: Mapped[str] = mapped_column(String(38), default="")
    street: Mapped[str] = mapped_column(String(38), default="")
    postcode: Mapped[str] = mapped_column(String(5), default="")
    city: Mapped[str] = mapped_column(String(32), default="")
    #: Path and SHA-256 of the pictures as kept (drawn anew, without what came along with them); emptied by the purge.
    photo_path: Mapped[str | None] = mapped_column(String(120))
    photo_sha256: Mapped[str | None] = mapped_column(String(64))
    signature_path: Mapped[str | None] = mapped_column(String(120))
    signature_sha256: Mapped[str | None] = mapped_column(String(64))
    payer: Mapped[str] = mapped_column(String(10))
    #: The card's fee excluding VAT in force on the day the request was sent, in euros, and its VAT rate in per cent.
    fee: Mapped[Decimal | None] = mapped_column(Money)
    vat_rate: Mapped[Decimal | None] = mapped_column(Percent)
    #: The means chosen at the payment step, as the payment service names it; never a card's number.
    payment_means: Mapped[str] = mapped_column(String(20), default="")
    payment_reference: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    submitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The agent who examines, or has examined, the request.
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))

    driver: Mapped[Driver] = relationship()
    registration: Mapped[Registration | None] = relationship()
    trainer: Mapped[Trainer | None] = relationship()
    agent: Mapped[Person | None] = relationship()
    events: Mapped[list[CardEvent]] = relationship(
        back_populates="request", order_by="CardEvent.id", passive_deletes="all"
    )

    @property
    def is_editable(self) -> bool:
        """Tell whether the holder may still change it: a draft, or a refused one to take up again."""
        return self.state in EDITABLE

    @property
    def holder(self) -> str:
        """Return the holder's name as written on the letter: first name, last name."""
        return f"{self.first_name} {self.last_name}"

    @property
    def ground_label(self) -> str:
        """Return what the card is asked for: the training, or « Formateur, Marchandises »."""
        if self.registration is not None:
            return self.registration.training.full_label
        assert self.trainer is not None
        return ", ".join([self.trainer.profile_name, *self.trainer.sectors])

    def __repr__(self) -> str:
        return self.number or f"Brouillon {self.key}"


class CardEvent(Model):
    """A state that a request came to: what its holder reads as history, and what each mail tells."""

    __tablename__ = "card_event"
    __table_args__ = (Index("ix_card_event_request", "request_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("card_request.id", ondelete="RESTRICT"))
    state: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    #: Why it was refused, as told to the holder.
    reason: Mapped[str] = mapped_column(String(300), default="")

    request: Mapped[CardRequest] = relationship(back_populates="events")
    actor: Mapped[Person | None] = relationship()


class CopyState(Labelled):
    """Where the copy of a person's data stands."""

    ASKED = "asked", "En préparation"
    READY = "ready", "Prête"
    GONE = "gone", "Supprimée"


ASKED = CopyState.ASKED
READY = CopyState.READY
GONE = CopyState.GONE


class DataExport(Model):
    """A copy of a person's own data, made by a job on demand and kept for some days."""

    __tablename__ = "data_export"
    __table_args__ = (
        CheckConstraint("state IN ('asked', 'ready', 'gone')", name="ck_data_export_state"),
        CheckConstraint(
            "state <> 'ready' OR (path IS NOT NULL AND sha256 IS NOT NULL AND ready_at IS NOT NULL)",
            name="ck_data_export_ready",
        ),
        Index("ix_data_export_person", "person_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    state: Mapped[str] = mapped_column(String(10), default=ASKED)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ready_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The machine's instant after which the file is removed.
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    path: Mapped[str | None] = mapped_column(String(120))
    sha256: Mapped[str | None] = mapped_column(String(64))
    size: Mapped[int | None] = mapped_column(Integer)

    person: Mapped[Person] = relationship()
