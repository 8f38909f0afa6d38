"""Sign-ups of drivers, the one-use links mailed to them, and who tried what how often."""

from __future__ import annotations

from datetime import date, datetime

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .person import Person
from .types import Labelled, UtcDateTime


class SignUpState(Labelled):
    """Where a sign-up stands. Replaced: followed by another by the same person."""

    SENT = "sent", "Adresse à confirmer"
    WAITING = "waiting", "En attente d’un agent"
    OPENED = "opened", "Compte ouvert"
    REFUSED = "refused", "Refusée"
    REPLACED = "replaced", "Remplacée"


SENT = SignUpState.SENT
WAITING = SignUpState.WAITING
OPENED = SignUpState.OPENED
REFUSED = SignUpState.REFUSED
REPLACED = SignUpState.REPLACED

CONFIRM, RESET, ADDRESS = "confirm", "reset", "address"

#: Flask-AppBuilder's user name, which is the mail address here, holds no more characters.
EMAIL_MAX = 128


class SignUp(Model):
    """What a person typed to get an account; nothing is opened before the address is confirmed."""

    __tablename__ = "sign_up"
    __table_args__ = (
        CheckConstraint("state IN ('sent', 'waiting', 'opened', 'refused', 'replaced')", name="ck_sign_up_state"),
        Index("ix_sign_up_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(EMAIL_MAX), index=True)
    last_name: Mapped[str] = mapped_column(String(60))
    first_name: Mapped[str] = mapped_column(String(60))
    birth_date: Mapped[date] = mapped_column(Date)
    permit_number: Mapped[str] = mapped_column(String(16))
    #: Kept until the account opens or is refused, then emptied.
    password_hash: Mapped[str] = mapped_column(String(256))
    #: Keyed hash of the activation code typed, or of the token of the centre's invitation that was followed.
    proof_hash: Mapped[str] = mapped_column(String(64), server_default="")
    state: Mapped[str] = mapped_column(String(10), default=SENT)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))

    person: Mapped[Person | None] = relationship()


class AccountLink(Model):
    """A link mailed to a person, good once and for a time. The base holds the token's hash only.

    ``nonce`` names the link in mails' rows; with the program's secret it makes the token, so that a mail sent again bears
    the same link.
    """

    __tablename__ = "account_link"
    __table_args__ = (CheckConstraint("kind IN ('confirm', 'reset', 'address')", name="ck_account_link_kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    nonce: Mapped[str] = mapped_column(String(32), unique=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(EMAIL_MAX))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sign_up_id: Mapped[int | None] = mapped_column(ForeignKey("sign_up.id", ondelete="RESTRICT"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True)

    sign_up: Mapped[SignUp | None] = relationship()
    person: Mapped[Person | None] = relationship()


class Attempt(Model):
    """How often something was tried from one place or for one address; the place is kept as a keyed hash only."""

    __tablename__ = "attempt"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    #: Nothing more is taken before this.
    free_at: Mapped[datetime] = mapped_column(UtcDateTime)
