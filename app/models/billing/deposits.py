"""What carries an issued invoice to its buyer: its deposit on a platform, and what that platform tells of it since."""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.billing.invoices import Invoice
from app.models.person import Person
from app.models.types import Labelled, UtcDateTime

#: The longest text that comes with an event, or goes with an agent's act.
TEXT_MAX = 1000


class DepositState(Labelled):
    """How far the file of an invoice has come on its way to the platform: one of three axes, beside law and payment."""

    DUE = "due", "À déposer"
    SENT = "sent", "Envoyée"
    ACKNOWLEDGED = "acknowledged", "Déposée"
    FAILED = "failed", "Dépôt en échec"


DUE = DepositState.DUE
SENT = DepositState.SENT
ACKNOWLEDGED = DepositState.ACKNOWLEDGED
FAILED = DepositState.FAILED
_LIVE = text("state <> 'failed'")


class Deposit(Model):
    """One attempt to hand an issued invoice to a platform; a refused one is followed by another, under its own tracking id.

    A try that failed for want of an answer is made again under the same tracking id, which is the same flow for the platform:
    so nothing is deposited twice, whenever the program stops.
    """

    __tablename__ = "deposit"
    __table_args__ = (
        UniqueConstraint("invoice_id", "attempt"),
        Index("uq_deposit_live", "invoice_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("ix_deposit_state", "state", "next_at"),
        CheckConstraint("state IN ('due', 'sent', 'acknowledged', 'failed')", name="ck_deposit_state"),
        CheckConstraint("state NOT IN ('sent', 'acknowledged') OR flow_id IS NOT NULL", name="ck_deposit_flow"),
        CheckConstraint("attempt > 0 AND tries >= 0", name="ck_deposit_counts"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id", ondelete="RESTRICT"))
    #: The first is 1.
    attempt: Mapped[int]
    #: `EInvoicePlatform.name`.
    platform: Mapped[str] = mapped_column(String(20))
    #: What the platform knows the attempt by: public number and attempt, « F2026-000123/1 ».
    tracking_id: Mapped[str] = mapped_column(String(30), unique=True)
    #: The platform's own name of what it took.
    flow_id: Mapped[str | None] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(12), default=DUE)
    #: Of the file that is deposited.
    sha256: Mapped[str] = mapped_column(String(64))
    #: Tries that had no answer, and why the last one failed, in words.
    tries: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(String(300), default="", server_default="")
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: When it is handed over again, should the try at hand come to nothing; of one that is sent, when the platform was last
    #: asked about it. None where neither is: done, not asked yet, or an agent decides.
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    invoice: Mapped[Invoice] = relationship()

    @property
    def label(self) -> str:
        """Return its state in words."""
        return DepositState.labels()[self.state]


class InvoiceEvent(Model):
    """What a platform said of an invoice, or what an agent did about it: written once, never changed (the base refuses).

    They arrive in any order, and more than once; `happened_at` says their order, `platform_event_id` which is which.
    """

    __tablename__ = "invoice_event"
    __table_args__ = (
        UniqueConstraint("platform", "platform_event_id"),
        Index("ix_invoice_event_invoice", "invoice_id", "happened_at"),
        Index("ix_invoice_event_code", "code", "invoice_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id", ondelete="RESTRICT"))
    #: A status of the platform as it says it (« 205 »), known to us or not; or an act of `services.deposits.codes.Act`.
    code: Mapped[str] = mapped_column(String(20))
    happened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: The buyer's reason code, as the platform says it; empty where it gives none.
    reason_code: Mapped[str] = mapped_column(String(40), default="", server_default="")
    text: Mapped[str] = mapped_column(String(TEXT_MAX), default="", server_default="")
    platform: Mapped[str] = mapped_column(String(20))
    platform_event_id: Mapped[str] = mapped_column(String(80))
    #: The agent who did it, or noted it; None where the platform said it.
    by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))

    invoice: Mapped[Invoice] = relationship()
    by: Mapped[Person | None] = relationship()


class PlatformPoll(Model):
    """Up to where a platform's events are read: what is asked for next starts there."""

    __tablename__ = "platform_poll"

    platform: Mapped[str] = mapped_column(String(20), primary_key=True)
    #: As the platform gave it; empty before the first read.
    cursor: Mapped[str] = mapped_column(String(200), default="")
    #: When reading was last made due (the machine's clock); when the platform last answered; since when, and why, it does not.
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str] = mapped_column(String(300), default="", server_default="")


class SimulatedFlow(Model):
    """What the simulated platform was handed: its own memory, as a real one has its own elsewhere."""

    __tablename__ = "simulated_flow"

    id: Mapped[int] = mapped_column(primary_key=True)
    tracking_id: Mapped[str] = mapped_column(String(30), unique=True)
    sha256: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str] = mapped_column(String(3))
    #: What it read in the electronic invoice inside the file.
    number: Mapped[str] = mapped_column(String(20), index=True)
    order_number: Mapped[str] = mapped_column(String(50))
    #: How often it was handed over before it answered (`SIMU-COUPURE`).
    calls: Mapped[int] = mapped_column(default=0)
    #: The legal instant, which its events count from, and the machine's, by which they come about.
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: How much of its story is told, and when the next part is; None where there is none.
    told: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)


class SimulatedEvent(Model):
    """What the simulated platform has to tell: its ids are its cursor."""

    __tablename__ = "simulated_event"
    __table_args__ = (UniqueConstraint("flow_id", "step"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    flow_id: Mapped[int] = mapped_column(ForeignKey("simulated_flow.id", ondelete="RESTRICT"))
    #: Which it is of its flow's story, from 0.
    step: Mapped[int]
    code: Mapped[str] = mapped_column(String(20))
    happened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason_code: Mapped[str] = mapped_column(String(40), default="", server_default="")
    text: Mapped[str] = mapped_column(String(TEXT_MAX), default="", server_default="")

    flow: Mapped[SimulatedFlow] = relationship()
