"""A batch: the lines sent together, by hand, by file or by API. It is the state of the three-step path, kept in the base."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import JSON, CheckConstraint, Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .catalogue import Training
from .centre import Centre
from .person import Person
from .types import Json, Labelled, UtcDateTime

MANUAL, FILE, API, CORRECTION = "manual", "file", "api", "correction"
MODES = {MANUAL: "manuellement", FILE: "par fichier", API: "par API", CORRECTION: "par correction"}
MODE_NAMES = {MANUAL: "Manuel", FILE: "Fichier", API: "API", CORRECTION: "Correction"}


class BatchState(Labelled):
    """Where a batch stands on its path."""

    DRAFT = "draft", "Brouillon"
    ANALYSING = "analysing", "Analyse en cours"
    IN_ERROR = "in_error", "En erreur"
    READY = "ready", "Prêt à importer"
    REGISTERING = "registering", "Enregistrement en cours"
    REGISTERED = "registered", "Enregistré"
    REFUSED = "refused", "Refusé"
    CANCELLED = "cancelled", "Annulé"
    FAILED = "failed", "Échec"


DRAFT = BatchState.DRAFT
ANALYSING = BatchState.ANALYSING
IN_ERROR = BatchState.IN_ERROR
READY = BatchState.READY
REGISTERING = BatchState.REGISTERING
REGISTERED = BatchState.REGISTERED
REFUSED = BatchState.REFUSED
CANCELLED = BatchState.CANCELLED
FAILED = BatchState.FAILED
STATES = BatchState.labels()

#: The one transition table: from a state, the states it may go to.
TRANSITIONS: dict[str, frozenset[str]] = {
    DRAFT: frozenset({ANALYSING, IN_ERROR, READY, CANCELLED}),
    ANALYSING: frozenset({IN_ERROR, READY, REFUSED, FAILED, CANCELLED}),
    IN_ERROR: frozenset({DRAFT, ANALYSING, IN_ERROR, READY, CANCELLED}),
    READY: frozenset({DRAFT, ANALYSING, IN_ERROR, READY, REGISTERING, CANCELLED}),
    # Ordered and taken up (again), done; or put back, since its day has brought a refusal.
    REGISTERING: frozenset({REGISTERING, REGISTERED, READY}),
    FAILED: frozenset({ANALYSING, CANCELLED}),
    REGISTERED: frozenset(),
    REFUSED: frozenset({CANCELLED}),
    CANCELLED: frozenset(),
}
#: States in which lines may still change.
OPEN_STATES = (DRAFT, IN_ERROR, READY)

ERROR_RANK, INFORMATION_RANK, CLEAN_RANK, ASIDE_RANK = 0, 1, 2, 3


def new_key() -> str:
    """Return a random key (16 characters) that names a batch in addresses, so that nobody can count or guess them."""
    return secrets.token_hex(8)


class Batch(Model):
    """The lines a centre sends together; registered at most once."""

    __tablename__ = "batch"
    __table_args__ = (
        UniqueConstraint("centre_id", "idempotency_key"),
        CheckConstraint("mode IN ('manual', 'file', 'api', 'correction')", name="ck_batch_mode"),
        CheckConstraint("(state = 'registered') = (registered_at IS NOT NULL)", name="ck_batch_registered"),
        Index("ix_batch_centre_state", "centre_id", "state", "updated_at"),
        Index("ix_batch_centre_registered", "centre_id", "state", "registered_at"),
        Index("ix_batch_checked_at", "checked_at"),
        Index("ix_batch_mode_created_at", "mode", "created_at", "id"),
        Index("ix_batch_mode_state", "mode", "state", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(16), unique=True, default=new_key)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    mode: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(12), default=DRAFT)
    training_id: Mapped[int | None] = mapped_column(ForeignKey("training.id", ondelete="RESTRICT"))
    end_date: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Raised by every change of a line or of the training; the check stands for one version only.
    version: Mapped[int] = mapped_column(default=0)
    next_number: Mapped[int] = mapped_column(default=1)
    checked_version: Mapped[int | None]
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Counts of the last check: lines, errors, informations, addressed, kinds (kind → lines).
    summary: Mapped[dict[str, Any] | None] = mapped_column(Json)
    registered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    registered_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    receipt_number: Mapped[str | None] = mapped_column(String(20), unique=True)
    #: By API: the caller's key, what it was sent with (SHA-256) and the answer given, replayed to whoever sends it again.
    idempotency_key: Mapped[str | None] = mapped_column(String(80))
    request_hash: Mapped[str | None] = mapped_column(String(64))
    #: JSON, not JSONB, which would put the answer's members in another order.
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON)

    centre: Mapped[Centre] = relationship()
    #: Of a batch by file.
    file: Mapped[ImportFile | None] = relationship(back_populates="batch", viewonly=True)
    training: Mapped[Training | None] = relationship(lazy="joined")
    created_by: Mapped[Person] = relationship(foreign_keys=[created_by_id])
    registered_by: Mapped[Person | None] = relationship(foreign_keys=[registered_by_id])

    @property
    def title(self) -> str:
        """Return what a list calls it: the training of one by hand, else the door it came by (« Par fichier »)."""
        door = MODES[self.mode]
        return self.training.full_label if self.training else door[:1].upper() + door[1:]

    @property
    def is_checked(self) -> bool:
        """Tell whether the last check still stands: no line has changed since."""
        return self.checked_version is not None and self.checked_version == self.version

    @property
    def bears_addresses(self) -> bool:
        """Tell whether lines bore an address when they were checked; once registered, each goes with its invitation."""
        return bool((self.summary or {}).get("addressed")) and self.state != REGISTERED

    @property
    def is_open(self) -> bool:
        """Tell whether lines may still change."""
        return self.state in OPEN_STATES


class BatchLine(Model):
    """One line of a batch, kept as it was typed; the remarks are those of the last check."""

    __tablename__ = "batch_line"
    __table_args__ = (Index("ix_batch_line_order", "batch_id", "rank", "number"),)

    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id", ondelete="RESTRICT"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reference: Mapped[str] = mapped_column(Text, default="")
    order_number: Mapped[str] = mapped_column(Text, default="")
    training_label: Mapped[str] = mapped_column(Text, default="")
    category: Mapped[str] = mapped_column(Text, default="")
    end_date: Mapped[str] = mapped_column(Text, default="")
    first_name: Mapped[str] = mapped_column(Text, default="")
    last_name: Mapped[str] = mapped_column(Text, default="")
    birth_date: Mapped[str] = mapped_column(Text, default="")
    permit_number: Mapped[str] = mapped_column(Text, default="")
    #: 0 holds an error, 1 only an information, 2 clean, 3 set aside: the order of the screen.
    rank: Mapped[int] = mapped_column(default=CLEAN_RANK)
    #: The remarks in their order, as `validators.remark.encode_remarks` writes them; empty when there is none.
    remarks: Mapped[str] = mapped_column(Text, default="")
    #: Fields whose cell was a number, a date, a boolean, and may have changed what was typed (`RawLine.not_text`).
    not_text: Mapped[str] = mapped_column(String(60), default="")
    #: Where the driver is to be invited, as typed; gone once the line is registered and the invitation due, or not sent.
    email: Mapped[str] = mapped_column(Text, default="")
    #: What lines of the same driver share (`validators.line.Line.group`): a correction judges these lines again.
    group_key: Mapped[str] = mapped_column(Text, default="")
    #: Left out by the person, at will: neither judged nor imported.
    set_aside: Mapped[bool] = mapped_column(default=False)


class ImportPhase(Labelled):
    """What is being done to a file that was sent."""

    WAITING = "waiting", "En attente"
    ANTIVIRUS = "antivirus", "Contrôle antivirus"
    READING = "reading", "Lecture"
    CHECKING = "checking", "Contrôles"
    STORING = "storing", "Rapport"


WAITING = ImportPhase.WAITING
ANTIVIRUS = ImportPhase.ANTIVIRUS
READING = ImportPhase.READING
CHECKING = ImportPhase.CHECKING
STORING = ImportPhase.STORING
#: What the screen follows, in its order.
PHASES = {phase.value: phase.label for phase in (ANTIVIRUS, READING, CHECKING, STORING)}


class ImportFile(Model):
    """A file sent by a centre; kept under a random name, found again by its hash."""

    __tablename__ = "import_file"
    __table_args__ = (Index("ix_import_file_sha256", "sha256"),)

    batch_id: Mapped[int] = mapped_column(
        ForeignKey("batch.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    #: The name it had on the person's computer; shown, never used as a path.
    name: Mapped[str] = mapped_column(String(255))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    #: Path below the uploads folder; empty once purged.
    path: Mapped[str | None] = mapped_column(String(120))
    phase: Mapped[str] = mapped_column(String(12), default=WAITING)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    #: Row of the headers as the spreadsheet program counts, from 1: data line N stands N rows below.
    header_row: Mapped[int] = mapped_column(default=1)
    #: The sheet that was read, and the others that hold lines and were not.
    sheet: Mapped[str] = mapped_column(String(100), default="")
    other_sheets: Mapped[list[str]] = mapped_column(Json, default=list)
    refusal_code: Mapped[str | None] = mapped_column(String(30))
    refusal: Mapped[str | None] = mapped_column(Text)
    #: The last acts on its report, for « Défaire » (`imports.remembered`).
    acts: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    purged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    batch: Mapped[Batch] = relationship(lazy="joined", innerjoin=True, back_populates="file")
