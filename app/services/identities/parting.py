"""Undoing a merger while nothing new hangs on its result: each of the two has again what was its own."""

from __future__ import annotations

from sqlalchemy import func, update

from app.extensions import db
from app.models import Driver, DriverMerge, Registration
from app.services.core import actor, clock, outbox
from app.services.core.reason import reason as reason_of
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal

from . import effects, mails, merging
from .effects import JOINED, KEPT, Account, Parting
from .hanging import REGISTRATIONS
from .holding import hold

MISSING = "Dites pourquoi ces deux fiches ne sont pas celles d’une seule personne."


class AlreadyParted(Refusal):
    """A second click, another tab, another agent."""

    message = "Cette réunion est déjà défaite : rien n’a été fait une seconde fois."


class CannotPart(Refusal):
    """Something new hangs on the result: nobody can say of which of the two it is."""

    def __init__(self, obstacles: tuple[str, ...]) -> None:
        super().__init__(f"Cette réunion ne peut plus être défaite. {' '.join(obstacles)}")


def find(merge_id: int) -> DriverMerge | None:
    """Return a merger, None for one that never was."""
    return db.session.get(DriverMerge, merge_id)


def look(merge: DriverMerge) -> Parting:
    """Return what undoing a merger would bring about; raise :class:`AlreadyParted`."""
    if merge.undone_at is not None:
        raise AlreadyParted
    return effects.foresee_parting(merge)


def part(merge_id: int, agent_id: int, reason: str, *, shown: str) -> None:
    """Undo a merger. ``shown``: the version of the effects that the agent was shown.

    Raises `ReasonNeeded`, :class:`AlreadyParted`, :class:`CannotPart`, `merging.Changed` or `holding.Busy`.
    """
    why = reason_of(reason, MISSING)
    with transaction(durable=True), actor.acting(actor.PROGRAM):
        merge = db.session.get_one(DriverMerge, merge_id)
        hold({merge.kept_id, merge.joined_id})
        stands = DriverMerge.id == merge_id, DriverMerge.undone_at.is_(None)
        undone = {"undone_at": clock.now(), "undone_by_id": agent_id, "undone_reason": why}
        if not taken(update(DriverMerge).where(*stands).values(**undone)):
            raise AlreadyParted
        found = effects.foresee_parting(db.session.get_one(DriverMerge, merge_id))
        if found.obstacles:
            raise CannotPart(found.obstacles)
        if found.version != shown:
            raise merging.Changed
        _write(found, agent_id, why)
    outbox.ring()


def _write(found: Parting, agent_id: int, why: str) -> None:
    merge, moves = found.merge, found.moves
    kept, joined = merge.kept, merge.joined
    accounts, ids = dict(merge.accounts), dict(merge.hung[JOINED])
    had = {account["person"] for account in accounts.values() if isinstance(account, dict)}
    joined.same_as_id = None
    db.session.flush()
    merging.give({kept: Account.read(accounts[KEPT]), joined: Account.read(accounts[JOINED])})
    merging.move(ids, joined, func.nullif(Registration.registered_as_id, joined.id))
    for driver in (kept, joined):
        driver.code_series = Driver.code_series + 1
    db.session.flush()
    merging.settle(moves, agent_id)
    journal.record(
        "driver.parted",
        merging.SUBJECT,
        kept.id,
        actor_id=agent_id,
        before={"driver": joined.id, "registrations": ids[REGISTRATIONS]},
        reason=why,
    )
    if had:
        mails.tell_parted(merge, [driver for driver in (kept, joined) if driver.person_id in had])
