"""Who an account says its person is, the documents sent to prove it, and how much a centre asks about strangers."""

from __future__ import annotations

from datetime import date, datetime

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .centre import Centre
from .person import Person
from .search import byte_order
from .types import Labelled, UtcDateTime

#: How a driver's account was linked to the driver's record (`Driver.proof`).
INVITATION, CODE, AGENT, EARLIER, DEMONSTRATION = "invitation", "code", "agent", "earlier", "demonstration"
PROOFS = {
    INVITATION: "Invitation du centre",
    CODE: "Code d’activation",
    AGENT: "Pièce d’identité, décidée par un agent",
    EARLIER: "Compte ouvert avant le contrôle d’identité",
    DEMONSTRATION: "Compte de démonstration",
}


class CheckState(Labelled):
    """What became of an identity document. Replaced: followed by another by the same person."""

    WAITING = "waiting", "En cours d’examen"
    ACCEPTED = "accepted", "Acceptée"
    REFUSED = "refused", "Refusée"
    REPLACED = "replaced", "Remplacée"


WAITING = CheckState.WAITING
ACCEPTED = CheckState.ACCEPTED
REFUSED = CheckState.REFUSED
REPLACED = CheckState.REPLACED
CHECK_STATES = CheckState.labels()


class IdentityClaim(Model):
    """Who the person of a driver's account says to be. It links to no driver: any number of accounts may claim the same."""

    __tablename__ = "identity_claim"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), unique=True)
    last_name: Mapped[str] = mapped_column(String(60))
    first_name: Mapped[str] = mapped_column(String(60))
    birth_date: Mapped[date] = mapped_column(Date)
    permit_number: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: The last try to prove it, or its last correction.
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    person: Mapped[Person] = relationship()

    @property
    def full_name(self) -> str:
        """Return last name and first name, as lists show them."""
        return f"{self.last_name} {self.first_name}"


class IdentityCheck(Model):
    """An identity document sent for a claim, and what an agent decided. The picture is gone once it is decided."""

    __tablename__ = "identity_check"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'accepted', 'refused', 'replaced')", name="ck_identity_check_state"),
        CheckConstraint(
            "state = 'waiting' AND path IS NOT NULL AND sha256 IS NOT NULL OR state <> 'waiting' AND path IS NULL",
            name="ck_identity_check_picture",
        ),
        Index("ix_identity_check_claim", "claim_id"),
        Index("ix_identity_check_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    claim_id: Mapped[int] = mapped_column(ForeignKey("identity_claim.id", ondelete="RESTRICT"))
    state: Mapped[str] = mapped_column(String(10), default=WAITING)
    #: Where the picture lies in the store, and its SHA-256.
    path: Mapped[str | None] = mapped_column(String(120))
    sha256: Mapped[str | None] = mapped_column(String(64))
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    #: Why an agent refused, as told to the person.
    reason: Mapped[str] = mapped_column(String(300), default="")

    claim: Mapped[IdentityClaim] = relationship()


class AskedIdentity(Model):
    """An identity that a centre asked about on a day without ever having registered it; kept for some days, to count them."""

    __tablename__ = "asked_identity"

    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    permit_number: Mapped[str] = mapped_column(byte_order(16), primary_key=True)
    birth_date: Mapped[date] = mapped_column(Date, primary_key=True)


class AskingAlert(Model):
    """A day on which a centre asked about more strangers than it may; shown to agents until one has seen it."""

    __tablename__ = "asking_alert"
    __table_args__ = (UniqueConstraint("centre_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"))
    day: Mapped[date] = mapped_column(Date)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seen_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))

    centre: Mapped[Centre] = relationship()
