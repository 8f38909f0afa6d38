"""Training centres, their contract with the operator, and the people who act for them."""

from __future__ import annotations

from datetime import date, datetime

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Date, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .person import Person
from .types import UtcDateTime

LEGAL_REPRESENTATIVE, MANAGER = "legal_representative", "manager"
MEMBER_ROLES = {LEGAL_REPRESENTATIVE: "Représentant légal", MANAGER: "Gestionnaire"}

REGISTER, TRAINERS, INVOICES, API = "register", "trainers", "invoices", "api"
RIGHTS = {REGISTER: "Enregistrement de sessions", TRAINERS: "Formateurs et moniteurs", INVOICES: "Factures", API: "API"}

OFFERED, SIGNED, SUSPENDED, ENDED = "offered", "signed", "suspended", "ended"
CONTRACT_STATES = {OFFERED: "Proposé", SIGNED: "Signé", SUSPENDED: "Suspendu", ENDED: "Terminé"}


class Centre(Model):
    """An approved training centre (centre de formation agréé), known by its SIRET."""

    __tablename__ = "centre"
    __table_args__ = (CheckConstraint("length(siret) = 14", name="ck_centre_siret"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(160))
    siret: Mapped[str] = mapped_column(String(14), unique=True)
    address: Mapped[str] = mapped_column(String(300), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    is_public: Mapped[bool] = mapped_column(default=False)
    chorus_service: Mapped[str] = mapped_column(String(50), default="")

    @property
    def siret_text(self) -> str:
        """Return the SIRET in groups (« 123 456 782 00010 »)."""
        s = self.siret
        return f"{s[:3]} {s[3:6]} {s[6:9]} {s[9:]}"

    def __repr__(self) -> str:
        return self.name


class ServiceContract(Model):
    """The service contract (contrat de service) between a centre and the operator; registering needs one in force."""

    __tablename__ = "service_contract"
    __table_args__ = (
        UniqueConstraint("centre_id", "version"),
        CheckConstraint("state IN ('offered', 'signed', 'suspended', 'ended')", name="ck_contract_state"),
        CheckConstraint("state = 'offered' OR signed_on IS NOT NULL", name="ck_contract_signed"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"), index=True)
    version: Mapped[str] = mapped_column(String(20), default="1")
    state: Mapped[str] = mapped_column(String(12), default=OFFERED)
    signed_on: Mapped[date | None] = mapped_column(Date)
    signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    valid_to: Mapped[date | None] = mapped_column(Date)

    centre: Mapped[Centre] = relationship()
    signed_by: Mapped[Person | None] = relationship()

    def __repr__(self) -> str:
        return f"Contrat {self.version}"


class Membership(Model):
    """A person's place at a centre, from a day to a day."""

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint("person_id", "centre_id"),
        CheckConstraint("role IN ('legal_representative', 'manager')", name="ck_membership_role"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"), index=True)
    role: Mapped[str] = mapped_column(String(24), default=MANAGER)
    valid_to: Mapped[date | None] = mapped_column(Date)

    person: Mapped[Person] = relationship()
    centre: Mapped[Centre] = relationship()
    rights: Mapped[list[MembershipRight]] = relationship(back_populates="membership", passive_deletes="all")

    def may(self, right: str, today: date) -> bool:
        """Tell whether this member holds ``right`` today; a legal representative holds every right of a manager."""
        if self.valid_to is not None and self.valid_to < today:
            return False
        return self.role == LEGAL_REPRESENTATIVE or any(granted.holds(right, today) for granted in self.rights)


class MembershipRight(Model):
    """A right granted to a manager by the legal representative; withdrawn by date, never deleted."""

    __tablename__ = "membership_right"

    id: Mapped[int] = mapped_column(primary_key=True)
    membership_id: Mapped[int] = mapped_column(ForeignKey("membership.id", ondelete="RESTRICT"), index=True)
    right: Mapped[str] = mapped_column("right_name", String(20))
    granted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    granted_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    ends_on: Mapped[date | None] = mapped_column(Date)

    membership: Mapped[Membership] = relationship(back_populates="rights")

    def holds(self, right: str, today: date) -> bool:
        """Tell whether this grant gives ``right`` on ``today`` (the last day is inclusive)."""
        return self.right == right and (self.ends_on is None or self.ends_on >= today)
