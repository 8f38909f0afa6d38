"""Registrations (one driver, one training: what is billed) and the documents drawn from them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .batch import Batch
from .catalogue import Accreditation, Training
from .centre import Centre
from .driver import Driver
from .search import searched
from .types import Labelled, Money, Percent, UtcDateTime, first_known

RECAP, CERTIFICATE = "recap", "certificate"
DOCUMENT_KINDS = {RECAP: "Récapitulatif de formation", CERTIFICATE: "Certificat de qualification"}


class DocumentState(Labelled):
    """Where a document stands."""

    PENDING = "pending", "En préparation"
    AVAILABLE = "available", "Disponible"
    REVOKED = "revoked", "Révoqué"
    PURGED = "purged", "Retiré"


PENDING = DocumentState.PENDING
AVAILABLE = DocumentState.AVAILABLE
REVOKED = DocumentState.REVOKED
PURGED = DocumentState.PURGED
DOCUMENT_STATES = DocumentState.labels()


class DocumentFault(Labelled):
    """What the nightly reading of a document finds wrong."""

    MISSING = "missing", "Fichier introuvable"
    CHANGED = "changed", "Fichier modifié"
    UNREADABLE = "unreadable", "Fichier illisible"
    UNSEALED = "unsealed", "Cachet non valable"


MISSING = DocumentFault.MISSING
CHANGED = DocumentFault.CHANGED
UNREADABLE = DocumentFault.UNREADABLE
UNSEALED = DocumentFault.UNSEALED
DOCUMENT_FAULTS = DocumentFault.labels()

_CHAINED, _CANCELLED = text("ledger_id IS NOT NULL"), text("cancelled_on IS NOT NULL")
_LIVE, _ELSEWHERE = text("state <> 'revoked'"), text("registered_as_id IS NOT NULL")


class Registration(Model):
    """One driver, one training, registered by a centre at a price; never edited, never deleted.

    What was wrong is cancelled, or replaced by another registration (`amendment.Cancellation` says why and by whom).

    The names are those of the line: the documents bear them even where the account knows the driver otherwise.
    """

    __tablename__ = "registration"
    __table_args__ = (
        UniqueConstraint("batch_id", "line_number"),
        ForeignKeyConstraint(
            ["batch_id", "line_number"], ["batch_line.batch_id", "batch_line.number"], ondelete="RESTRICT"
        ),
        CheckConstraint("price >= 0", name="ck_registration_price"),
        # With the training, so that dashboards count from the index alone.
        Index("ix_registration_day", "registered_on", "training_id", "cancelled_on"),
        Index("ix_registration_training_day", "training_id", "registered_on", "cancelled_on"),
        Index("ix_registration_centre_day", "centre_id", "registered_on", "training_id", "cancelled_on"),
        Index("ix_registration_driver_centre", "driver_id", "centre_id"),
        # As drivers stand, so that a centre's and those without an account are walked side by side.
        Index("ix_registration_centre_driver", "centre_id", "driver_id"),
        Index("ix_registration_search_name", "search_last", "search_first"),
        Index("ix_registration_search_first", "search_first"),
        Index("ix_registration_search_order", "search_order"),
        Index("ix_registration_centre_name", "centre_id", "search_last", "search_first"),
        Index(
            "ix_registration_withheld_whose",
            *("id", "centre_id", "driver_id", "cancelled_on"),  # with what the policies ask: counted in the index alone
            sqlite_where=text("withheld IS 1"),
            postgresql_where=text("withheld IS TRUE"),
        ),
        Index("ix_registration_ledger", "ledger_id", sqlite_where=_CHAINED, postgresql_where=_CHAINED),
        Index("ix_registration_as", "registered_as_id", sqlite_where=_ELSEWHERE, postgresql_where=_ELSEWHERE),
        Index("ix_registration_cancelled", "id", sqlite_where=_CANCELLED, postgresql_where=_CANCELLED),
        Index("ix_registration_cancelled_on", "cancelled_on", sqlite_where=_CANCELLED, postgresql_where=_CANCELLED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id", ondelete="RESTRICT"))
    line_number: Mapped[int]
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"))
    driver_id: Mapped[int] = mapped_column(ForeignKey("driver.id", ondelete="RESTRICT"))
    training_id: Mapped[int] = mapped_column(ForeignKey("training.id", ondelete="RESTRICT"))
    accreditation_id: Mapped[int] = mapped_column(ForeignKey("accreditation.id", ondelete="RESTRICT"))
    end_date: Mapped[date] = mapped_column(Date)
    last_name: Mapped[str] = mapped_column(String(60))
    first_name: Mapped[str] = mapped_column(String(60))
    reference: Mapped[str] = mapped_column(String(50), default="")
    order_number: Mapped[str] = mapped_column(String(50))
    search_last: Mapped[str] = searched("last_name")
    search_first: Mapped[str] = searched("first_name")
    search_order: Mapped[str] = searched("order_number")
    #: Price excluding VAT in force on the day of registration, in euros, and its VAT rate in per cent.
    price: Mapped[Decimal] = mapped_column(Money)
    vat_rate: Mapped[Decimal] = mapped_column(Percent)
    #: The legal day of registration (Europe/Paris); the instant stands on the batch.
    registered_on: Mapped[date] = mapped_column(Date)
    #: The line's name disagrees with the account's: the documents wait for an agent's decision.
    withheld: Mapped[bool] = mapped_column(default=False)
    #: The legal day on which it was cancelled or replaced; from then on it counts for nothing. Written once.
    cancelled_on: Mapped[date | None] = mapped_column(Date)
    #: The first registration of the chain that this one continues; empty for one that replaces none.
    ledger_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"))
    #: The identity of the driver under which it was registered, where that is another one than the driver's own today: what
    #: the centre knows the person by, and what its documents bear.
    registered_as_id: Mapped[int | None] = mapped_column(ForeignKey("driver.id"))

    batch: Mapped[Batch] = relationship(overlaps="centre")
    centre: Mapped[Centre] = relationship()
    driver: Mapped[Driver] = relationship(foreign_keys=[driver_id])
    registered_as: Mapped[Driver | None] = relationship(foreign_keys=[registered_as_id])
    training: Mapped[Training] = relationship()
    accreditation: Mapped[Accreditation] = relationship()
    documents: Mapped[list[Document]] = relationship(back_populates="registration", passive_deletes="all")

    @property
    def is_live(self) -> bool:
        """Tell whether it counts: neither cancelled nor replaced."""
        return self.cancelled_on is None

    @property
    def identity(self) -> Driver:
        """Return the row that holds the birth date and the permit number under which it was registered."""
        return self.registered_as or self.driver

    @hybrid_property
    def root_id(self) -> int:
        """Return the id under which the chain of replacements stands in ledgers: its first registration's."""
        return self.ledger_id or self.id

    @root_id.inplace.expression
    @classmethod
    def _root_id(cls) -> ColumnElement[int]:
        return first_known(cls.ledger_id, cls.id)

    @property
    def live_documents(self) -> dict[str, Document]:
        """Return kind → the document that holds, or the last one that did where all were revoked."""
        in_order = sorted(self.documents, key=lambda document: (document.state != REVOKED, document.id or 0))
        return {document.kind: document for document in in_order}

    @classmethod
    def identity_id(cls) -> ColumnElement[int]:
        """Return, as SQL, the id of the identity under which it was registered."""
        return first_known(cls.registered_as_id, cls.driver_id)

    @staticmethod
    def live() -> ColumnElement[bool]:
        """Return, as SQL, whether a registration counts."""
        return Registration.cancelled_on.is_(None)


class Document(Model):
    """A récapitulatif or a certificate; numbered with the registration, its file drawn by a job and stored once."""

    __tablename__ = "document"
    __table_args__ = (
        # One that holds; those revoked by a correction stay beside it.
        Index("uq_document_live", "registration_id", "kind", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("ix_document_registration_id", "registration_id"),
        CheckConstraint("kind IN ('recap', 'certificate')", name="ck_document_kind"),
        CheckConstraint(
            "state <> 'available' OR (path IS NOT NULL AND sha256 IS NOT NULL)", name="ck_document_available"
        ),
        CheckConstraint("valid_until >= valid_from", name="ck_document_validity"),
        Index("ix_document_state", "state"),
        Index("ix_document_sha256", "sha256"),
        Index("uq_document_status_place", "status_place", unique=True),
        Index(
            "ix_document_fault",
            "fault",
            sqlite_where=text("fault IS NOT NULL"),
            postgresql_where=text("fault IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id", ondelete="RESTRICT"))
    kind: Mapped[str] = mapped_column(String(12))
    #: Public number, random: it is what the QR code carries to `/verifier/<number>`.
    number: Mapped[str] = mapped_column(String(20), unique=True)
    state: Mapped[str] = mapped_column(String(10), default=PENDING)
    established_on: Mapped[date] = mapped_column(Date)
    #: Certificate: its legal validity, both days inclusive. Récapitulatif: the days it stays in the driver's space.
    valid_from: Mapped[date] = mapped_column(Date)
    valid_until: Mapped[date] = mapped_column(Date)
    path: Mapped[str | None] = mapped_column(String(120))
    sha256: Mapped[str | None] = mapped_column(String(64))
    size: Mapped[int | None] = mapped_column(Integer)
    available_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Real instant of the seal; empty for a file drawn before documents were sealed.
    sealed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: What the last nightly look found wrong with the file (`DOCUMENT_FAULTS`); empty while it is as it was stored.
    fault: Mapped[str | None] = mapped_column(String(12))
    #: An agent's decision, or a correction: the document no longer holds from that instant on.
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_reason: Mapped[str | None] = mapped_column(String(300))
    #: Its place in the lists of revocations, drawn at random so that it counts nothing; empty where its QR code says nothing.
    status_place: Mapped[int | None] = mapped_column(Integer)
    #: The file was removed at the end of its keeping; number, days and hash stay for verification.
    purged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    registration: Mapped[Registration] = relationship(back_populates="documents")
