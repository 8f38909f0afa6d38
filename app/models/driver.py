"""Drivers: one row a (birth date, permit number), which is the driver's identity throughout; a person may have had several."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from flask_appbuilder import Model
from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .person import Person
from .search import byte_order, search_key, searched
from .types import Json, Labelled, UtcDateTime, first_known

if TYPE_CHECKING:
    from .registration import Document

_LED, _STANDS = text("same_as_id IS NOT NULL"), text("undone_at IS NULL")


class Driver(Model):
    """A driver (conducteur); has an account when ``person_id`` is set, which takes a proof (decision 16)."""

    __tablename__ = "driver"
    __table_args__ = (
        UniqueConstraint("permit_number", "birth_date"),
        Index("ix_driver_search_name", "search_last", "search_first"),
        Index("ix_driver_search_first", "search_first"),
        CheckConstraint("same_as_id IS NULL OR person_id IS NULL", name="ck_driver_same_as"),
        Index("ix_driver_same_as", "same_as_id", sqlite_where=_LED, postgresql_where=_LED),
        Index("ix_driver_birth_date", "birth_date"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    birth_date: Mapped[date] = mapped_column(Date)
    permit_number: Mapped[str] = mapped_column(byte_order(16))
    last_name: Mapped[str] = mapped_column(String(60))
    first_name: Mapped[str] = mapped_column(String(60))
    search_last: Mapped[str] = searched("last_name")
    search_first: Mapped[str] = searched("first_name")
    person_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), unique=True)

    #: What proved that the account is the driver's (`models.identity.PROOFS`), and when; empty without account.
    proof: Mapped[str] = mapped_column(String(16), server_default="")
    proved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Raised when the activation codes of this driver have served or are replaced: those made before open nothing.
    code_series: Mapped[int] = mapped_column(server_default=text("0"))
    #: The driver that this identity is another one of (a permit renewed, two records that are one person); empty for the one
    #: under which everything stands. One step leads there, never two.
    same_as_id: Mapped[int | None] = mapped_column(ForeignKey("driver.id"))

    person: Mapped[Person | None] = relationship()

    @property
    def has_account(self) -> bool:
        """Tell whether an account was proved to be the driver's."""
        return self.person_id is not None

    def __repr__(self) -> str:
        return f"{self.last_name} {self.first_name}"


def standing(driver: Any = Driver) -> ColumnElement[int]:
    """Return, as SQL, the id of the driver that an identity leads to: its own, or that of the one it is another one of."""
    return first_known(driver.same_as_id, driver.id)


class Change(Labelled):
    """Why a driver's identity is another one now."""

    CHANGE = "change", "L’identité a changé (permis renouvelé, mariage…)"
    ERROR = "error", "L’identité était fausse (erreur de saisie)"


class IdentityCorrection(Model):
    """What an agent changed of a driver's identity, never changed itself: the values before and after, why, by whom."""

    __tablename__ = "identity_correction"
    __table_args__ = (
        CheckConstraint("kind IN ('change', 'error')", name="ck_identity_correction_kind"),
        Index("ix_identity_correction_name", "search_last", "search_first"),
        Index("ix_identity_correction_first", "search_first"),
        Index("ix_identity_correction_permit", "permit_number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    driver_id: Mapped[int] = mapped_column(ForeignKey("driver.id", ondelete="RESTRICT"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    #: The identity before.
    last_name: Mapped[str] = mapped_column(String(60))
    first_name: Mapped[str] = mapped_column(String(60))
    search_last: Mapped[str] = searched("last_name")
    search_first: Mapped[str] = searched("first_name")
    birth_date: Mapped[date] = mapped_column(Date)
    permit_number: Mapped[str] = mapped_column(byte_order(16))
    #: The identity after, by column; days as ISO text.
    after: Mapped[dict[str, Any]] = mapped_column(Json)

    driver: Mapped[Driver] = relationship()
    by: Mapped[Person] = relationship()


class DriverMerge(Model):
    """Two drivers who are one person: ``joined`` is another identity of ``kept`` from here on, until it is undone."""

    __tablename__ = "driver_merge"
    __table_args__ = (
        CheckConstraint("kept_id <> joined_id", name="ck_driver_merge_two"),
        CheckConstraint("(undone_at IS NULL) = (undone_by_id IS NULL)", name="ck_driver_merge_undone"),
        Index("uq_driver_merge_joined", "joined_id", unique=True, sqlite_where=_STANDS, postgresql_where=_STANDS),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kept_id: Mapped[int] = mapped_column(ForeignKey("driver.id", ondelete="RESTRICT"), index=True)
    joined_id: Mapped[int] = mapped_column(ForeignKey("driver.id", ondelete="RESTRICT"), index=True)
    reason: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    #: What hung on each before (« kept », « joined »): ids by kind; what makes the way back, and tells what is new since.
    hung: Mapped[dict[str, Any]] = mapped_column(Json)
    #: The account of each before (« kept », « joined »), None without; « after »: the person whose it is since.
    accounts: Mapped[dict[str, Any]] = mapped_column(Json)
    #: Ids of registrations whose FCO certificate went (« lost ») or came (« gained »).
    effects: Mapped[dict[str, Any]] = mapped_column(Json)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    undone_reason: Mapped[str] = mapped_column(String(300), server_default="")

    kept: Mapped[Driver] = relationship(foreign_keys=[kept_id])
    joined: Mapped[Driver] = relationship(foreign_keys=[joined_id])
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    undone_by: Mapped[Person | None] = relationship(foreign_keys=[undone_by_id])


@event.listens_for(Driver, "before_update")
def _follow_names(_mapper: object, _connection: object, driver: Driver) -> None:
    """Keep what a driver is searched by in step with the names."""
    driver.search_last, driver.search_first = search_key(driver.last_name), search_key(driver.first_name)


class LentView(Model):
    """What a driver lends to see to whoever holds a link: a document, or where they stand where ``document_id`` is empty."""

    __tablename__ = "lent_view"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: SHA-256 of the link's token, which nobody keeps.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), index=True)
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id", ondelete="RESTRICT"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Its last day, inclusive.
    until: Mapped[date] = mapped_column(Date)
    #: When its driver took it back.
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    document: Mapped[Document | None] = relationship("Document", viewonly=True)


class LentLook(Model):
    """One look at what was lent: when, and nothing of who looked."""

    __tablename__ = "lent_look"

    id: Mapped[int] = mapped_column(primary_key=True)
    view_id: Mapped[int] = mapped_column(ForeignKey("lent_view.id", ondelete="RESTRICT"), index=True)
    looked_at: Mapped[datetime] = mapped_column(UtcDateTime)
