"""The third door: a centre's subscription to the API, and its keys. A secret is never kept, only its hash."""

from __future__ import annotations

from datetime import date, datetime

from flask_appbuilder import Model
from sqlalchemy import Date, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .centre import Centre
from .person import Person
from .types import UtcDateTime

READ, ANALYSE, REGISTER = "read", "analyse", "register"
SCOPES = {READ: "Consulter", ANALYSE: "Analyser", REGISTER: "Enregistrer"}


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
