"""What was wrong in a registration: its cancellation or replacement, the requests that an agent decides, what drivers say."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .batch import new_key
from .person import Person
from .registration import Registration
from .trainer import Trainer
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

#: Reasons for which a trainer's right is cancelled; nothing replaces it, the right person is registered as any other.
WRONG_TERMS = "wrong_terms"
TRAINER_REASONS = {
    **{code: REASONS[code] for code in (WRONG_PERMIT, WRONG_BIRTH_DATE, WRONG_NAME)},
    WRONG_TERMS: "Secteurs ou redevance faux",
    DUPLICATE: "Enregistrement en double",
    OTHER: "Autre motif",
}

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
_STANDS = text("state IN ('open', 'accepted')")


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


class ReportState(Labelled):
    """What became of what a driver says is not exact."""

    OPEN = "open", "En attente du centre"
    SETTLED = "settled", "Enregistrement annulé ou remplacé"
    EXACT = "exact", "Données confirmées"
    WITHDRAWN = "withdrawn", "Retiré"


REPORT_STATES = ReportState.labels()


class ErrorReport(Model):
    """« Ce n’est pas exact »: what a driver says of an own registration, until the centre corrects it or answers.

    One is open a registration. Only the registration's own cancellation settles it; the centre, or an agent, answers it.
    """

    __tablename__ = "error_report"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'settled', 'exact', 'withdrawn')", name="ck_error_report_state"),
        Index("uq_error_report_open", "registration_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_error_report_registration_id", "registration_id"),
        Index("ix_error_report_state", "state", "said_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id", ondelete="RESTRICT"))
    #: The account that says it: the driver's at that moment.
    person_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True)
    said_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Field of a line → what the driver says is right; empty where the training was not attended, or words alone say it.
    said: Mapped[dict[str, str]] = mapped_column(Json)
    not_attended: Mapped[bool] = mapped_column(default=False)
    text: Mapped[str] = mapped_column(String(500), default="")
    state: Mapped[str] = mapped_column(String(10), default=ReportState.OPEN)
    #: Who answered that the data are exact: somebody of the centre, or an agent.
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answer: Mapped[str] = mapped_column(String(300), default="")

    registration: Mapped[Registration] = relationship()
    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    answered_by: Mapped[Person | None] = relationship(foreign_keys=[answered_by_id])

    @property
    def state_words(self) -> str:
        """Return the state as people read it."""
        return REPORT_STATES[self.state]


class LookAlike(Model):
    """A fresh registration that led to no account and looks like a driver known under almost the same identity.

    Whom it looks like is not kept: it may be a driver of other centres. Put aside once a person of the centre has checked it.
    """

    __tablename__ = "look_alike"

    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id", ondelete="RESTRICT"), primary_key=True)
    found_on: Mapped[date] = mapped_column(Date)
    checked_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    registration: Mapped[Registration] = relationship()


class TrainerCancellation(Model):
    """The end of a trainer's right: asked for, done at once by the centre or decided by an agent.

    The right's own ``cancelled_on``, written once, is the lock of the act; this row tells of it. One that was neither refused
    nor taken back stands a right.
    """

    __tablename__ = "trainer_cancellation"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'accepted', 'refused', 'withdrawn')", name="ck_trainer_cancellation_state"),
        CheckConstraint("credit IN ('none', 'draft', 'note')", name="ck_trainer_cancellation_credit"),
        Index(
            "uq_trainer_cancellation_stands", "trainer_id", unique=True, sqlite_where=_STANDS, postgresql_where=_STANDS
        ),
        Index("ix_trainer_cancellation_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    trainer_id: Mapped[int] = mapped_column(ForeignKey("trainer.id", ondelete="RESTRICT"))
    reason_code: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(300), default="")
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(10), default=OPEN)
    #: The agent, where one decided.
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answer: Mapped[str] = mapped_column(String(300), default="")
    credit: Mapped[str] = mapped_column(String(10), default=NONE)
    #: State of the request for a card that leaned on the right as it was cancelled, empty without any.
    card: Mapped[str] = mapped_column(String(12), default="")

    trainer: Mapped[Trainer] = relationship()
    asked_by: Mapped[Person] = relationship(foreign_keys=[asked_by_id])
    agent: Mapped[Person | None] = relationship(foreign_keys=[agent_id])

    @property
    def reason_words(self) -> str:
        """Return the reason as the centre and the person read it."""
        return TRAINER_REASONS[self.reason_code]
