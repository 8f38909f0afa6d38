"""What must still be done, written in the transaction that makes it due; and the mails with what became of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .registration import Registration
from .trainer import Trainer
from .types import Json, Labelled, UtcDateTime

DOCUMENTS, MAIL, RESET, WEBHOOK, EXPORT = "documents", "mail", "reset", "webhook", "export"
ANALYSIS, REGISTRATION, CONTRACT, LISTING = "analysis", "registration", "contract", "listing"
#: Invitations to the addresses that came with the lines of a registered batch.
INVITATIONS = "invitations"

#: The file of an issued invoice; an invoice, or all of a month, that an agent wants issued.
INVOICE_FILE, ISSUE = "invoice_file", "issue"
#: An invoice handed to its platform; what the platform has to tell, read; a payment told to it (status 212).
DEPOSIT, PLATFORM_EVENTS, PAYMENT_TOLD = "deposit", "platform_events", "payment_told"

#: Entries of the bank that say for which invoices they are.
MATCH = "match"

#: The invoices of the demonstration's year, which take their time.
DEMONSTRATION = "demonstration"

#: What is due once a day; the payload names the task.
NIGHTLY = "nightly"

#: How long after being due work of a kind is late (`operations.service_levels`); of the others nothing is said.
LATE_AFTER = {DOCUMENTS: timedelta(minutes=5), MAIL: timedelta(minutes=10)}

#: Kinds of mails about a registration, which others than their sender look for.
CERTIFICATE_MAIL, INVITATION_MAIL = "certificate", "invitation"
#: Tells who was mailed a certificate that it was cancelled.
CANCELLED_MAIL = "cancelled"


class MailState(Labelled):
    """What became of a mail. Dropped: what it would have told no longer holds, so it was not sent."""

    PENDING = "pending", "À envoyer"
    SENT = "sent", "Envoyé"
    REFUSED = "refused", "Refusé"
    DROPPED = "dropped", "Sans objet"


MAIL_PENDING = MailState.PENDING
MAIL_SENT = MailState.SENT
MAIL_REFUSED = MailState.REFUSED
MAIL_DROPPED = MailState.DROPPED
MAIL_STATES = MailState.labels()

#: Mails about neither a registration nor a trainer: their values alone tell them apart.
_OTHER = text("registration_id IS NULL AND trainer_id IS NULL")


class Outbox(Model):
    """One thing to do later. The base is the truth; the queue only rings."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_due", "due_at", sqlite_where=text("done_at IS NULL"), postgresql_where=text("done_at IS NULL")
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    #: Ids only, never personal data.
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: From when it may be taken: after a failure, later and later; while a worker holds it, the end of its lease.
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Order among what is due: an analysis somebody waits for first, then each batch's first documents, their second …
    turn: Mapped[int] = mapped_column(default=0)
    #: When the queue was last rung for it; a bell may get lost, so it is rung again after a minute.
    rung_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Text)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The number of the click, call or task that it follows from (`services.core.trace`); empty for rows of before.
    trace: Mapped[str | None] = mapped_column(String(32))
    #: From when on it is late, however often it is tried; empty where that is not said (`LATE_AFTER`).
    late_after: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Mail(Model):
    """One mail to one recipient; a wanted resend is a new sequence, so nothing is mailed twice by accident.

    A mail is about a registration, about a trainer, or about neither; what it says is worked out from that and from its
    ``values``, as the content of its kind reads them (`services.mail.says`).
    """

    __tablename__ = "mail"
    __table_args__ = (
        UniqueConstraint("kind", "registration_id", "sequence"),
        UniqueConstraint("kind", "trainer_id", "sequence"),
        CheckConstraint("state IN ('pending', 'sent', 'refused', 'dropped')", name="ck_mail_state"),
        CheckConstraint("registration_id IS NULL OR trainer_id IS NULL", name="ck_mail_about"),
        Index("uq_mail_values", "kind", "values", unique=True, sqlite_where=_OTHER, postgresql_where=_OTHER),
        Index("ix_mail_registration_id", "registration_id"),
        Index("ix_mail_trainer_id", "trainer_id"),
        # With what the policies ask: those that were refused are counted in the index alone.
        Index("ix_mail_state_whose", "state", "kind", "registration_id", "trainer_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id", ondelete="RESTRICT"))
    trainer_id: Mapped[int | None] = mapped_column(ForeignKey("trainer.id", ondelete="RESTRICT"))
    #: Ids and names of links only; what is personal stands where they lead to.
    values: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    sequence: Mapped[int] = mapped_column(default=1)
    recipient: Mapped[str] = mapped_column(String(254))
    message_id: Mapped[str] = mapped_column(String(120), unique=True)
    state: Mapped[str] = mapped_column(String(10), default=MAIL_PENDING)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(Text)

    registration: Mapped[Registration | None] = relationship()
    trainer: Mapped[Trainer | None] = relationship()


VERIFY, PURGE, LOOK_ALIKES, INVOICES, CHECK = "verify", "purge", "look_alikes", "invoices", "check"
DUNNING, VOLUMES = "dunning", "volumes"
#: No task of the relay's: the last backup is noted so.
BACKUP = "backup"
REVOCATIONS, REMINDERS = "revocations", "reminders"


class RevocationList(Model):
    """The signed list of the documents that no longer hold, as programs without network keep it; one row, made each night."""

    __tablename__ = "revocation_list"

    id: Mapped[int] = mapped_column(primary_key=True)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: A compact JWS (docs/STATEMENTS.md).
    content: Mapped[str] = mapped_column(Text)


class NightlyTask(Model):
    """One task of one day; written by the first relay that finds it due."""

    __tablename__ = "nightly_task"

    task: Mapped[str] = mapped_column(String(20), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
