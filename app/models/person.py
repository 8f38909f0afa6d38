"""The person who signs in: Flask-AppBuilder's user, with the token that its sign-in cookie carries."""

from __future__ import annotations

import secrets
from datetime import datetime

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship, validates

from app import roles
from app.validators.address import parse_address
from app.validators.fields import clean

from .search import search_key, searched
from .types import Secret, UtcDateTime


def new_token() -> str:
    """Return a fresh random token (32 characters) for a person's sign-in cookie."""
    return secrets.token_urlsafe(24)


User.__table__.c.password.type = Secret(256)


class Person(User):
    """A person with an account: agent, legal representative, manager or driver.

    The sign-in cookie holds ``auth_token``, not the primary key: renewing it at logout, at a change of password or when
    the account is closed ends every open sign-in at once.
    """

    __tablename__ = "ab_user"
    __table_args__ = (
        Index("ix_ab_user_search_name", "search_last", "search_first"),
        Index("ix_ab_user_search_first", "search_first"),
        Index("ix_ab_user_search_email", "search_email"),
        Index(
            "ix_ab_user_closed", "id", sqlite_where=text("active IS NOT 1"), postgresql_where=text("active IS NOT TRUE")
        ),
        {"extend_existing": True},
    )

    auth_token: Mapped[str] = mapped_column(Secret(64), unique=True, nullable=False, default=new_token, deferred=True)
    #: Not loaded with the person, nor shown to who has no business with it.
    password: Mapped[str | None] = column_property(User.__table__.c.password, deferred=True)

    #: On PostgreSQL a trigger writes them as well (migration 0047), whoever writes the row.
    search_last: Mapped[str] = searched("last_name")
    search_first: Mapped[str] = searched("first_name")
    search_email: Mapped[str] = searched("email")

    second_factor: Mapped[SecondFactor | None] = relationship("SecondFactor", viewonly=True, uselist=False)

    @validates("email", "username")
    def _in_lower_case(self, name: str, address: str) -> str:
        """Keep addresses in lower case, so that one is found in its index however it is typed, and what they are searched by.

        Raises ValueError for a mail address that the rules refuse: the command line of Flask-AppBuilder asks no form.
        """
        if name == "email" and parse_address(address) is None:
            raise ValueError(f"not a mail address: {address!r}")
        lower = clean(address).lower()
        if name == "email":
            self.search_email = search_key(lower)
        return lower

    @validates("last_name", "first_name")
    def _searched(self, name: str, value: str) -> str:
        """Keep what an account is searched by in step with the names."""
        setattr(self, f"search_{name.removesuffix('_name')}", search_key(value))
        return value

    def get_id(self) -> str:
        """Return what the sign-in cookie carries."""
        return str(self.auth_token)

    @property
    def full_name(self) -> str:
        """Return first name and last name, as greeted on screen."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def is_agent(self) -> bool:
        """Tell whether the person is an agent of the operator."""
        return any(role.name == roles.AGENT for role in self.roles)

    @property
    def initials(self) -> str:
        """Return up to two initials, for the avatar of the top bar."""
        return f"{self.first_name[:1]}{self.last_name[:1]}".upper()


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


def new_key() -> str:
    """Return a random key (32 characters) that names what was kept, in addresses."""
    return secrets.token_hex(16)


class KeptForm(Model):
    """What stood in the fields of a page whose sign-in had ended, for the same person. ``forms``: encrypted."""

    __tablename__ = "kept_form"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True, default=new_key)
    person_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True)
    forms: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
