"""The second factor of a sign-in: the secret shared with the person's telephone, and the codes for when it is lost."""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from .types import UtcDateTime


class SecondFactor(Model):
    """A person's second factor; ``enabled_at`` is empty while they are still setting it up."""

    __tablename__ = "second_factor"

    person_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), primary_key=True)
    #: Encrypted with a key made of the program's secret.
    secret: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    enabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The last thirty-second step whose code was taken: no code is taken twice.
    last_step: Mapped[int] = mapped_column(default=0)


def is_enabled(factor: SecondFactor | None) -> bool:
    """Tell whether this asks for a code at each sign-in."""
    return factor is not None and factor.enabled_at is not None


class RecoveryCode(Model):
    """A code that stands in for the telephone, once. The base holds its hash only."""

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
