"""What waits for an agent's decision, whatever it is about: the cases, the decision with its reason, taken once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, exists, func, select, update
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from app.extensions import db
from app.models import (
    CorrectionRequest,
    Decision,
    ErrorReport,
    Registration,
    ServiceContract,
    SignUp,
    Trainer,
    TrainerCancellation,
)
from app.models.decision import Outcome

from . import clock
from .refusal import Refusal
from .taking import taken

LIMIT = 50

#: Table → the column of a decision that names a row of it.
ABOUT: dict[type[Any], InstrumentedAttribute[int | None]] = {
    Registration: Decision.registration_id,
    Trainer: Decision.trainer_id,
    SignUp: Decision.sign_up_id,
    ServiceContract: Decision.service_contract_id,
}

Row = TypeVar("Row", Registration, Trainer, SignUp, ServiceContract)
Waits = TypeVar(
    "Waits", Registration, Trainer, SignUp, ServiceContract, CorrectionRequest, ErrorReport, TrainerCancellation
)


class AlreadyDecided(Refusal):
    """Somebody decided before."""

    message = "Cette décision a déjà été prise."


@dataclass(frozen=True, slots=True)
class Case(Generic[Row]):
    """A row that waits; ``kept``: the decision to leave it so, if one was taken."""

    about: Row
    kept: Decision | None = None


@dataclass(frozen=True, slots=True)
class Desk(Generic[Row]):
    """The rows of one table that wait for an agent: ``waits`` says which, ``rows`` reads them with what is shown of them."""

    table: type[Row]
    waits: tuple[ColumnElement[bool], ...]
    rows: Callable[[], Select[Row]]

    def waiting(self) -> tuple[list[Case[Row]], int]:
        """Return the first cases nobody has decided, the oldest first, and how many there are."""
        query = self.rows().where(*self.waits, ~self._was_kept()).order_by(self.table.id).limit(LIMIT)
        return [Case(row) for row in db.session.execute(query).scalars()], self.count()

    def count(self) -> int:
        """Return how many cases nobody has decided."""
        return db.session.scalar(self.counting()) or 0

    def counting(self) -> Select[Any]:
        """Return the query that counts the cases nobody has decided."""
        return select(func.count()).select_from(self.table).where(*self.waits, ~self._was_kept())

    def kept(self) -> list[Case[Row]]:
        """Return the last cases an agent decided to leave as they are, with the decision; another may still follow."""
        query = self.rows().where(*self.waits, self._was_kept()).order_by(self.table.id.desc()).limit(LIMIT)
        rows = list(db.session.execute(query).scalars())
        decisions = _kept(self.table, [row.id for row in rows])
        return [Case(row, decisions.get(row.id)) for row in rows]

    def _was_kept(self) -> ColumnElement[bool]:
        return exists().where(ABOUT[self.table] == self.table.id, Decision.outcome == Outcome.KEPT)


def take(table: type[Waits], row_id: int, *waits: ColumnElement[bool], **values: Any) -> bool:
    """Change a row that still waits and tell whether it did: of two agents who decide at once, one finds it done."""
    return taken(update(table).where(table.id == row_id, *waits).values(**values))


def decide(row: Row, outcome: Outcome, actor_id: int, reason: str = "") -> Decision:
    """Write what an agent decided about a row, in the caller's transaction, and return it."""
    about = {ABOUT[type(row)].key: row.id}
    decision = Decision(**about, outcome=outcome, actor_id=actor_id, at=clock.now(), reason=reason)
    db.session.add(decision)
    db.session.flush()
    return decision


def _kept(table: type[Row], ids: list[int]) -> dict[int, Decision]:
    """Return row id → the last decision to leave it as it is, with the agent who took it."""
    about = ABOUT[table]
    query = (
        select(about, Decision)
        .options(joinedload(Decision.actor))
        .where(about.in_(ids), Decision.outcome == Outcome.KEPT)
        .order_by(Decision.id)
    )
    return {row_id: decision for row_id, decision in db.session.execute(query).all() if row_id is not None}
