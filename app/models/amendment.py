"""What was wrong in a registration: its cancellation or replacement, and the requests that an agent decides."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .batch import new_key
from .person import Person
from .registration import Registration
from .types import Json, Labelled, UtcDateTime

WRONG_PERMIT, WRONG_BIRTH_DATE, WRONG_NAME = "wrong_permit", "wrong_birth_date", "wrong_name"
WRONG_TRAINING, WRONG_END_DATE = "wrong_training", "wrong_end_date"
NOT_ATTENDED, DUPLICATE, OTHER = "not_attended", "duplicate", "other"
REASONS = {
    WRONG_PERMIT: "N° de permis faux",
    WRONG_BIRTH_DATE: "Date de naissance fausse",
    WRONG_NAME: "Nom ou prénom faux",
    WRONG_TRAINING: "Formation fausse",
    WRONG_END_DATE: "Date de fin fausse",
    NOT_ATTENDED: "Formation non suivie",
    DUPLICATE: "Ligne en double",
    OTHER: "Autre motif",
}
#: Reasons for which a corrected line may take the place of the wrong one.
REPLACING = (WRONG_PERMIT, WRONG_BIRTH_DATE, WRONG_NAME, WRONG_TRAINING, WRONG_END_DATE)

CANCELLED, REPLACED = "cancelled", "replaced"
#: What becomes of the money: nothing was due, the line leaves what is still to be billed, a credit note is made.
NONE, DRAFT, NOTE = "none", "draft", "note"


class RequestState(Labelled):
    """What became of a request to correct or cancel a registration."""

    OPEN = "open", "En attente d’un agent"
    ACCEPTED = "accepted", "Acceptée"
    REFUSED = "refused", "Refusée"
    WITHDRAWN = "withdrawn", "Retirée"


OPEN = RequestState.OPEN
ACCEPTED = RequestState.ACCEPTED
REFUSED = RequestState.REFUSED
WITHDRAWN = RequestState.WITHDRAWN
REQUEST_STATES = RequestState.labels()
_OPEN, _KEYED = text("state = 'open'"), text("idempotency_key IS NOT NULL")


class Cancellation(Model):
    """The end of one registration, never changed: why, who asked, who decided where an agent did, what came of it.

    The registration's own ``cancelled_on``, written once, is the lock of the act; this row tells of it.
    """

    __tablename__ = "cancellation"
    __table_args__ = (
        CheckConstraint("kind IN ('cancelled', 'replaced')", name="ck_cancellation_kind"),
        CheckConstraint("credit IN ('none', 'draft', 'note')", name="ck_cancellation_credit"),
        CheckConstraint("(kind = 'replaced') = (replaced_by_id IS NOT NULL)", name="ck_cancellation_replaced"),
        Index("ix_cancellation_key", "idempotency_key", sqlite_where=_KEYED, postgresql_where=_KEYED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id", ondelete="RESTRICT"), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    reason_code: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(300), default="")
    replaced_by_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id", ondelete="RESTRICT"), unique=True)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    #: The agent, where one decided.
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    credit: Mapped[str] = mapped_column(String(10), default=DRAFT)
    #: By API: the caller's key and what it was sent with (SHA-256); the same call again is answered the same.
    idempotency_key: Mapped[str | None] = mapped_column(String(80))
    request_hash: Mapped[str | None] = mapped_column(String(64))
    #: Ids and numbers only: documents revoked and made, registrations that lost or gained a certificate, the card.
    effects: Mapped[dict[str, Any]] = mapped_column(Json)

    registration: Mapped[Registration] = relationship(foreign_keys=[registration_id])
    replaced_by: Mapped[Registration | None] = relationship(foreign_keys=[replaced_by_id])
    asked_by: Mapped[Person] = relationship(foreign_keys=[asked_by_id])
    decided_by: Mapped[Person | None] = relationship(foreign_keys=[decided_by_id])

    @property
    def reason_words(self) -> str:
        """Return the reason as the centre and the driver read it."""
        return REASONS[self.reason_code]


class CorrectionRequest(Model):
    """A correction that the centre may not make alone: an agent accepts or refuses it. One is open a registration."""

    __tablename__ = "correction_request"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'accepted', 'refused', 'withdrawn')", name="ck_correction_request_state"),
        Index("uq_correction_request_open", "registration_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_correction_request_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Names the request in addresses; random.
    key: Mapped[str] = mapped_column(String(16), unique=True, default=new_key)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id", ondelete="RESTRICT"))
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason_code: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(300), default="")
    #: The nine fields of the corrected line as typed; empty to cancel without replacing.
    proposed: Mapped[dict[str, Any] | None] = mapped_column(Json)
    state: Mapped[str] = mapped_column(String(10), default=OPEN)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answer: Mapped[str] = mapped_column(String(300), default="")

    registration: Mapped[Registration] = relationship()
    asked_by: Mapped[Person] = relationship(foreign_keys=[asked_by_id])
    agent: Mapped[Person | None] = relationship(foreign_keys=[agent_id])
