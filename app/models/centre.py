"""Training centres, their contract with the operator, and the people who act for them."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from flask_appbuilder import Model
from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .person import Person
from .sign_up import EMAIL_MAX
from .types import Json, Labelled, UtcDateTime

if TYPE_CHECKING:
    from .catalogue import Accreditation

LEGAL_REPRESENTATIVE, MANAGER = "legal_representative", "manager"
MEMBER_ROLES = {LEGAL_REPRESENTATIVE: "Représentant légal", MANAGER: "Gestionnaire"}

REGISTER, TRAINERS, INVOICES, API = "register", "trainers", "invoices", "api"
RIGHTS = {REGISTER: "Enregistrement de sessions", TRAINERS: "Formateurs et moniteurs", INVOICES: "Factures", API: "API"}


class ContractState(Labelled):
    """Where a service contract stands."""

    OFFERED = "offered", "Proposé"
    SIGNED = "signed", "Signé"
    SUSPENDED = "suspended", "Suspendu"
    ENDED = "ended", "Terminé"
    WITHDRAWN = "withdrawn", "Proposition retirée"


OFFERED = ContractState.OFFERED
SIGNED = ContractState.SIGNED
SUSPENDED = ContractState.SUSPENDED
ENDED = ContractState.ENDED
WITHDRAWN = ContractState.WITHDRAWN
CONTRACT_STATES = ContractState.labels()


def _only(condition: str, name: str, *columns: str) -> Index:
    """Return an index that lets one row at most meet the condition, for the same columns."""
    return Index(name, *columns, unique=True, sqlite_where=text(condition), postgresql_where=text(condition))


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
    """The service contract (contrat de service) between a centre and the operator; registering needs one in force.

    A centre has one offer and one contract signed or suspended at most: the old one ends when the new one is signed.
    """

    __tablename__ = "service_contract"
    __table_args__ = (
        _only("state = 'offered'", "uq_contract_offered", "centre_id"),
        _only("state IN ('signed', 'suspended')", "uq_contract_current", "centre_id"),
        CheckConstraint("state IN ('offered', 'signed', 'suspended', 'ended', 'withdrawn')", name="ck_contract_state"),
        CheckConstraint("state IN ('offered', 'withdrawn') OR signed_on IS NOT NULL", name="ck_contract_signed"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"), index=True)
    version: Mapped[str] = mapped_column(String(20), default="1")
    state: Mapped[str] = mapped_column(String(12), default=OFFERED)
    #: The exact text offered, tariffs in annex, and its SHA-256: what is read is what is signed. Empty for a contract
    #: signed on paper, before this register knew texts.
    text: Mapped[str] = mapped_column(Text, default="", server_default="")
    text_sha256: Mapped[str] = mapped_column(String(64), default="", server_default="")
    offered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    offered_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    signed_on: Mapped[date | None] = mapped_column(Date)
    signed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    #: Name and quality (« gérant ») as the signer typed them.
    signer_name: Mapped[str] = mapped_column(String(121), default="", server_default="")
    signer_quality: Mapped[str] = mapped_column(String(120), default="", server_default="")
    #: Last day in force, inclusive.
    valid_to: Mapped[date | None] = mapped_column(Date)
    #: Why it was suspended or ended, as told to the centre.
    reason: Mapped[str] = mapped_column(String(300), default="", server_default="")
    #: The signed contract as PDF, once the worker has drawn it: place in the store, SHA-256, bytes.
    path: Mapped[str | None] = mapped_column(String(200))
    sha256: Mapped[str | None] = mapped_column(String(64))
    size: Mapped[int | None]

    centre: Mapped[Centre] = relationship()
    signed_by: Mapped[Person | None] = relationship(foreign_keys=[signed_by_id])
    offered_by: Mapped[Person | None] = relationship(foreign_keys=[offered_by_id])

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


membership_right_accreditation = Table(
    "membership_right_accreditation",
    Model.metadata,
    Column("membership_right_id", Integer, ForeignKey("membership_right.id", ondelete="RESTRICT"), primary_key=True),
    Column("accreditation_id", Integer, ForeignKey("accreditation.id", ondelete="RESTRICT"), primary_key=True),
)


class MembershipRight(Model):
    """A right granted to a manager; withdrawn by date, never deleted. One stands for a right at most.

    It holds for all accreditations of the centre, those to come too, or for the ones it names.
    """

    __tablename__ = "membership_right"
    __table_args__ = (_only("withdrawn_at IS NULL", "uq_membership_right_held", "membership_id", "right_name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    membership_id: Mapped[int] = mapped_column(ForeignKey("membership.id", ondelete="RESTRICT"), index=True)
    right: Mapped[str] = mapped_column("right_name", String(20))
    granted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    granted_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    ends_on: Mapped[date | None] = mapped_column(Date)
    all_accreditations: Mapped[bool] = mapped_column(default=True, server_default=true())
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))

    membership: Mapped[Membership] = relationship(back_populates="rights")
    accreditations: Mapped[list[Accreditation]] = relationship(
        secondary=membership_right_accreditation, order_by="Accreditation.number"
    )

    def holds(self, right: str, today: date) -> bool:
        """Tell whether this grant gives ``right`` on ``today`` (the last day is inclusive)."""
        return self.right == right and self.withdrawn_at is None and (self.ends_on is None or self.ends_on >= today)


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
    #: Right → what is granted once it is accepted: ids of accreditations (None for all), last day; nothing by default.
    rights: Mapped[dict[str, Any]] = mapped_column(Json, default=dict, server_default="{}")

    centre: Mapped[Centre] = relationship()
    invited_by: Mapped[Person] = relationship(foreign_keys=[invited_by_id])
