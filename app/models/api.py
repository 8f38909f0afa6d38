"""The third door: a centre's subscription to the API, and its keys. A secret is never kept, only its hash."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .centre import Centre
from .person import Person
from .types import Json, Labelled, UtcDateTime

READ, ANALYSE, REGISTER, CORRECT, INVOICES = "read", "analyse", "register", "correct", "invoices"
SCOPES = {
    READ: "Consulter",
    ANALYSE: "Analyser",
    REGISTER: "Enregistrer",
    CORRECT: "Corriger",
    INVOICES: "Suivre les factures",
}


class ApiSubscription(Model):
    """The conditions of the API, accepted for a centre by its legal representative."""

    __tablename__ = "api_subscription"

    centre_id: Mapped[int] = mapped_column(
        ForeignKey("centre.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    accepted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    accepted_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))

    accepted_by: Mapped[Person] = relationship()


class ApiKey(Model):
    """A key of a centre. It acts as the person who made it, within its scopes, until its end or its revocation."""

    __tablename__ = "api_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    #: The public part of the key: finds the row, and tells people which key is meant.
    prefix: Mapped[str] = mapped_column(String(8), unique=True)
    #: SHA-256, in hexadecimal, of the secret part: 256 random bits need no slow hash.
    secret_hash: Mapped[str] = mapped_column(String(64))
    #: Words of SCOPES, separated by commas.
    scopes: Mapped[str] = mapped_column(String(40))
    sandbox: Mapped[bool] = mapped_column(default=False)
    #: Last day on which the key opens the door; none: until it is revoked.
    ends_on: Mapped[date | None] = mapped_column(Date)
    #: Networks (CIDR) calls may come from, separated by spaces; empty: from anywhere.
    networks: Mapped[str] = mapped_column(Text, default="")
    created_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Start of the minute of the last call, and the calls of that minute: what the rate limit counts.
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    calls: Mapped[int] = mapped_column(default=0)
    #: From this instant on the key is refused; in the future while a rotation lets the old key live on.
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    centre: Mapped[Centre] = relationship()
    created_by: Mapped[Person] = relationship()

    @property
    def scope_list(self) -> list[str]:
        """Return the scopes, in the order of SCOPES."""
        return self.scopes.split(",")


CONFIRMED, REFUSED, CANCELLED, AVAILABLE, REVOKED, INVOICED, STATUS, TRIAL = (
    "registration.confirmed",
    "registration.refused",
    "registration.cancelled",
    "documents.available",
    "documents.revoked",
    "invoice.issued",
    "invoice.status",
    "webhook.test",
)
#: What an address may ask for, in words.
EVENTS = {
    CONFIRMED: "Enregistrement confirmé",
    REFUSED: "Enregistrement refusé",
    CANCELLED: "Enregistrement annulé ou remplacé",
    AVAILABLE: "Documents disponibles",
    REVOKED: "Documents annulés",
    INVOICED: "Facture ou avoir émis",
    STATUS: "Statut d’une facture sur la plateforme",
}
#: When each is told, in words.
WHEN = {
    CONFIRMED: "à l’écran, par fichier ou par API",
    REFUSED: "des lignes étaient en erreur",
    CANCELLED: "par le centre ou par un agent",
    AVAILABLE: "récapitulatifs et certificats remis",
    REVOKED: "ils ne valent plus, leur enregistrement étant annulé",
    INVOICED: "au début du mois suivant, ou par un agent",
    STATUS: "déposée, approuvée, refusée, en litige…",
}
EVENT_NAMES = {**EVENTS, TRIAL: "Essai"}


class DeliveryState(Labelled):
    """What became of a message to an endpoint."""

    PENDING = "pending", "À remettre"
    DELIVERED = "delivered", "Remis"
    GIVEN_UP = "given_up", "Abandonné"


PENDING = DeliveryState.PENDING
DELIVERED = DeliveryState.DELIVERED
GIVEN_UP = DeliveryState.GIVEN_UP
DELIVERY_STATES = DeliveryState.labels()


class WebhookEndpoint(Model):
    """An address of a centre's software, and the events it is told of.

    The secret that signs is worked out of the program's own key and a nonce, then kept encrypted: the base alone signs nothing,
    and a new key of the program changes no secret (`services.api.webhook_secrets`).
    """

    __tablename__ = "webhook_endpoint"

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"), index=True)
    url: Mapped[str] = mapped_column(String(500))
    #: Words of EVENTS, separated by commas.
    events: Mapped[str] = mapped_column(String(300))
    nonce: Mapped[str] = mapped_column(String(32), unique=True)
    #: The secret before, which signs too until that instant.
    previous_nonce: Mapped[str | None] = mapped_column(String(32))
    previous_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Nonce → secret, encrypted; none where the secret is worked out of the nonce alone.
    secrets: Mapped[str | None] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(default=True)
    #: After a failure nothing is sent before this instant; how many failures stand in a row.
    paused_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(default=0)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Removed by the centre: shown no more, told of nothing; its deliveries stay.
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    created_by: Mapped[Person] = relationship()

    @property
    def event_list(self) -> list[str]:
        """Return the events asked for, in the order of EVENTS."""
        return self.events.split(",")


class WebhookDelivery(Model):
    """One message to one address: the same id and the same body at each try."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        Index("ix_webhook_delivery_endpoint", "endpoint_id", "id"),
        CheckConstraint("state IN ('pending', 'delivered', 'given_up')", name="ck_webhook_delivery_state"),
        CheckConstraint("(state = 'delivered') = (delivered_at IS NOT NULL)", name="ck_webhook_delivery_delivered"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"), index=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoint.id", ondelete="RESTRICT"))
    #: The header `webhook-id`: a receiver that meets it twice has done the work already.
    message_id: Mapped[str] = mapped_column(String(40), unique=True)
    event: Mapped[str] = mapped_column(String(40))
    #: The JSON that is sent and signed, letter by letter; ids and states, nothing of any person.
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(10), default=PENDING)
    #: From when the 48 hours of trying count: its making, or the last « Renvoyer ».
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Tries since then.
    attempts: Mapped[int] = mapped_column(default=0)
    #: Raised each time it is planned: the one row of the outbox that bears this number may send it, older ones are void.
    ticket: Mapped[int] = mapped_column(default=1)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The HTTP status of the last try; none where no answer came.
    last_status: Mapped[int | None]
    #: Why the last try failed, as a French sentence.
    last_error: Mapped[str | None] = mapped_column(String(200))
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The number of the act that it tells of (`services.core.trace`), whoever has it sent again.
    trace: Mapped[str | None] = mapped_column(String(32))

    endpoint: Mapped[WebhookEndpoint] = relationship()


#: Kinds of what changes.
OF_REGISTRATION, OF_BATCH = "registration", "batch"
#: Issued invoices have a list of their own, in the order of their issue.
OF_INVOICE = "invoice"
_NUMBER = BigInteger().with_variant(Integer, "sqlite")
_ORDERED, _CANCELLED = text("order_number <> ''"), text("NOT is_live")


class LastChange(Model):
    """When a registration or a batch last changed, and its place among its centre's changes; written by the base alone.

    ``number`` and ``at`` rise together within a centre and a kind: whoever sees a change sees all those before it.
    """

    __tablename__ = "last_change"
    __table_args__ = (
        CheckConstraint("kind IN ('registration', 'batch')", name="ck_last_change_kind"),
        CheckConstraint("is_live OR kind = 'registration'", name="ck_last_change_live"),
        UniqueConstraint("kind", "subject_id"),
        Index("ix_last_change_order", "centre_id", "kind", "at", "number"),
        Index(
            "ix_last_change_order_number",
            "centre_id",
            "order_number",
            "at",
            "number",
            sqlite_where=_ORDERED,
            postgresql_where=_ORDERED,
        ),
        Index(
            "ix_last_change_cancelled",
            "centre_id",
            "at",
            "number",
            sqlite_where=_CANCELLED,
            postgresql_where=_CANCELLED,
        ),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(_NUMBER, primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    #: Id of the registration or the batch.
    subject_id: Mapped[int]
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"))
    #: The real instant, whatever day is frozen.
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Of a registration, so that those of an order are read in their order; of a batch empty.
    order_number: Mapped[str] = mapped_column(String(50))
    #: Whether a registration counts; true of a batch.
    is_live: Mapped[bool]


class ChangeDue(Model):
    """On PostgreSQL, what the transaction that runs has changed: numbered as it commits, and gone; empty to everybody else."""

    __tablename__ = "change_due"

    id: Mapped[int] = mapped_column(_NUMBER, primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"))
    #: Ids of the registrations or batches.
    subjects: Mapped[list[Any]] = mapped_column(Json)
