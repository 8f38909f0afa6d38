"""A list asked for as a file that takes long to write: made by the worker, fetched by the person who asked, for some days."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from .types import Json, Labelled, UtcDateTime


class ExportState(Labelled):
    """Where an export stands."""

    MAKING = "making", "En préparation"
    READY = "ready", "Prêt"


MAKING = ExportState.MAKING
READY = ExportState.READY


def new_key() -> str:
    """Return a random key (32 characters) that names an export in addresses and on the disk."""
    return secrets.token_hex(16)


class Export(Model):
    """One export. ``asked``: the list's questions and answers, and the centre it is narrowed to, if any."""

    __tablename__ = "export"
    __table_args__ = (CheckConstraint("state IN ('making', 'ready')", name="ck_export_state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True, default=new_key)
    person_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True)
    sheet: Mapped[str] = mapped_column(String(20))
    format: Mapped[str] = mapped_column(String(4))
    asked: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(String(8), default=MAKING)
    rows: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ready_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
