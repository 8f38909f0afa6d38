"""The file behind a batch: what was sent, where it waits, how far its analysis is, why it was refused."""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .batch import Batch
from .types import Json, UtcDateTime

WAITING, ANTIVIRUS, READING, CHECKING, STORING = "waiting", "antivirus", "reading", "checking", "storing"
PHASES = {
    ANTIVIRUS: "Contrôle antivirus",
    READING: "Lecture",
    CHECKING: "Contrôles",
    STORING: "Rapport",
}


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
    purged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    batch: Mapped[Batch] = relationship(lazy="joined", innerjoin=True, back_populates="file")
