"""Drivers: one row a (birth date, permit number), which is the driver's identity throughout."""

from __future__ import annotations

from datetime import date, datetime

from flask_appbuilder import Model
from sqlalchemy import Date, ForeignKey, Index, String, UniqueConstraint, event, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .person import Person
from .search import byte_order, search_key, searched
from .types import UtcDateTime


class Driver(Model):
    """A driver (conducteur); has an account when ``person_id`` is set, which takes a proof (decision 16)."""

    __tablename__ = "driver"
    __table_args__ = (
        UniqueConstraint("permit_number", "birth_date"),
        Index("ix_driver_search_name", "search_last", "search_first"),
        Index("ix_driver_search_first", "search_first"),
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

    person: Mapped[Person | None] = relationship()

    @property
    def has_account(self) -> bool:
        """Tell whether an account was proved to be the driver's."""
        return self.person_id is not None

    def __repr__(self) -> str:
        return f"{self.last_name} {self.first_name}"


@event.listens_for(Driver, "before_update")
def _follow_names(_mapper: object, _connection: object, driver: Driver) -> None:
    """Keep what a driver is searched by in step with the names."""
    driver.search_last, driver.search_first = search_key(driver.last_name), search_key(driver.first_name)
