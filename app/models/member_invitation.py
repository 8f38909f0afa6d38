"""Invitations to act for a centre: a one-use link mailed to an address, whether or not it has an account."""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .centre import MANAGER, Centre
from .person import Person
from .sign_up import EMAIL_MAX
from .types import UtcDateTime

_OPEN = text("accepted_at IS NULL AND cancelled_at IS NULL")


class MemberInvitation(Model):
    """One address invited to one centre; sent again, it bears a new link and the old one is dead.

    ``nonce`` names the link in mails' rows; the base holds the token's hash only (`services.core.links`).
    """

    __tablename__ = "member_invitation"
    __table_args__ = (
        CheckConstraint("role IN ('legal_representative', 'manager')", name="ck_member_invitation_role"),
        Index(
            "uq_member_invitation_open", "centre_id", "email", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"), index=True)
    email: Mapped[str] = mapped_column(String(EMAIL_MAX))
    role: Mapped[str] = mapped_column(String(24), default=MANAGER)
    nonce: Mapped[str] = mapped_column(String(32), unique=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    invited_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    accepted_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    centre: Mapped[Centre] = relationship()
    invited_by: Mapped[Person] = relationship(foreign_keys=[invited_by_id])
