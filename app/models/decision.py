"""Decisions of agents: what was decided about which row, by whom, when and why. The journal only tells of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .centre import ServiceContract
from .person import Person
from .registration import Registration
from .sign_up import SignUp
from .trainer import Trainer
from .types import UtcDateTime

_ABOUT = ("registration_id", "trainer_id", "sign_up_id", "service_contract_id")


class Outcome(StrEnum):
    """What was decided: documents kept back or handed over, a right kept shut or opened, an account opened or refused;
    a service contract, whose state stands on its own row, withdrawn, suspended, taken up again or ended."""

    KEPT = "kept"
    RELEASED = "released"
    OPENED = "opened"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    ENDED = "ended"


class Decision(Model):
    """One decision, never changed; a later one about the same row is a row of its own.

    It is about exactly one row of the four tables. ``actor_id`` is empty where a decision is older than this table and
    nobody can say any more who took it.
    """

    __tablename__ = "decision"
    __table_args__ = (
        CheckConstraint(
            " + ".join(f"CASE WHEN {column} IS NULL THEN 0 ELSE 1 END" for column in _ABOUT) + " = 1",
            name="ck_decision_about",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id", ondelete="RESTRICT"), index=True)
    trainer_id: Mapped[int | None] = mapped_column(ForeignKey("trainer.id", ondelete="RESTRICT"), index=True)
    sign_up_id: Mapped[int | None] = mapped_column(ForeignKey("sign_up.id", ondelete="RESTRICT"), index=True)
    service_contract_id: Mapped[int | None] = mapped_column(
        ForeignKey("service_contract.id", ondelete="RESTRICT"), index=True
    )
    outcome: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(300), default="")

    actor: Mapped[Person | None] = relationship()
    registration: Mapped[Registration | None] = relationship()
    trainer: Mapped[Trainer | None] = relationship()
    sign_up: Mapped[SignUp | None] = relationship()
    service_contract: Mapped[ServiceContract | None] = relationship()
