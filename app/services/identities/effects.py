"""What joining two drivers, or parting them again, would bring about: worked out before, to be shown, and again as it is done.

Nothing here writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.models import Driver, DriverMerge, Person
from app.services.core.numbers import count_of
from app.services.core.reason import version_of
from app.services.core.refusal import Refusal

from . import hanging, ledger
from .hanging import CARDS, CORRECTIONS, REGISTRATIONS, TRAINERS, Hanging
from .ledger import Moves

KEPT, JOINED, AFTER = "kept", "joined", "after"


class TwoAccounts(Refusal):
    """Both drivers have an account that is open: which of the two stays is not for the program to choose."""

    message = (
        "Chacun des deux conducteurs a un compte ouvert, et un seul peut rester. Fermez d’abord, depuis « Comptes », celui "
        "que la personne n’utilise plus."
    )


class NotTwo(Refusal):
    """The two are one already, or one of them is another driver's identity."""

    message = "Ces deux fiches ne peuvent pas être réunies : l’une d’elles est déjà réunie à une autre."


@dataclass(frozen=True, slots=True)
class Account:
    """The account of a driver, as a merger notes it to give it back."""

    person_id: int
    proof: str
    proved_at: datetime | None

    def told(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {
            "person": self.person_id,
            "proof": self.proof,
            "proved_at": self.proved_at.isoformat() if self.proved_at else None,
        }

    @staticmethod
    def read(told: dict[str, Any] | None) -> Account | None:
        """Return an account that was kept."""
        if told is None:
            return None
        at = told["proved_at"]
        return Account(told["person"], told["proof"], datetime.fromisoformat(at) if at else None)


@dataclass(frozen=True)
class Effects:
    """What joining ``joined`` to ``kept`` brings about. ``account``: the side whose account stays, empty without any."""

    kept: Hanging
    joined: Hanging
    moves: Moves
    account: str

    @property
    def person(self) -> Person | None:
        """Return the person whose account stays."""
        sides = {KEPT: self.kept, JOINED: self.joined}
        return sides[self.account].driver.person if self.account else None

    @property
    def left(self) -> Person | None:
        """Return the person of the closed account that no longer leads to the driver, where both had one."""
        other = {KEPT: self.joined, JOINED: self.kept}.get(self.account)
        return other.driver.person if other else None

    @property
    def version(self) -> str:
        """Return a text that changes with anything a person was shown of it."""
        return version_of([self.kept.told(), self.joined.told(), self.moves.lost, self.moves.gained, self.account])


@dataclass(frozen=True)
class Parting:
    """What undoing a merger brings about; ``obstacles``: sentences that say why it cannot be undone, none where it can."""

    merge: DriverMerge
    now: Hanging
    moves: Moves
    obstacles: tuple[str, ...]

    @property
    def version(self) -> str:
        """Return a text that changes with anything a person was shown of it."""
        return version_of([self.merge.id, self.now.told(), self.moves.lost, self.moves.gained, self.obstacles])


def foresee(kept: Driver, joined: Driver) -> Effects:
    """Return what joining two drivers would bring about; raise :class:`TwoAccounts`.

    ``joined`` may be another identity of ``kept`` already, by this very act.
    """
    account = _account(kept, joined)
    return Effects(hanging.of(kept), hanging.of(joined), ledger.joining(kept.id, joined.id), account)


def foresee_parting(merge: DriverMerge) -> Parting:
    """Return what undoing a merger would bring about, or what stands against it."""
    now = hanging.of(merge.kept)
    moves = ledger.parting(merge.kept_id, merge.hung[JOINED][REGISTRATIONS])
    return Parting(merge, now, moves, tuple(_obstacles(merge, now)))


def account_of(driver: Driver) -> Account | None:
    """Return a driver's account, None without any."""
    if driver.person_id is None:
        return None
    return Account(driver.person_id, driver.proof, driver.proved_at)


def _account(kept: Driver, joined: Driver) -> str:
    """Return the side whose account stays: the only one, the one that is open, else the one of the record that stays."""
    sides = {KEPT: kept.person, JOINED: joined.person}
    having = [side for side, person in sides.items() if person is not None]
    open_ = [side for side in having if (person := sides[side]) is not None and person.active]
    if len(open_) > 1:
        raise TwoAccounts
    return next(iter(open_ or having), "")


def _obstacles(merge: DriverMerge, now: Hanging) -> list[str]:
    """Return why a merger cannot be undone: whatever came since could be of the one or of the other."""
    if merge.kept.same_as_id is not None:
        return ["Le conducteur a lui-même été réuni à un autre depuis : défaites d’abord cette réunion-là."]
    later = next((one for one in hanging.merges(merge.kept_id, standing=True) if one.id > merge.id), None)
    told = []
    if later is not None:
        told.append(
            f"Un autre conducteur lui a été réuni depuis, le {later.at:%d/%m/%Y} : défaites d’abord cette réunion-là."
        )
    if now.driver.person_id != merge.accounts[AFTER]:
        told.append("Le compte relié à ce conducteur n’est plus celui du jour de la réunion.")
    return told + [
        f"{count_of(len(new), *_NEW[kind])} depuis la réunion."
        for kind in (REGISTRATIONS, TRAINERS, CARDS, CORRECTIONS)
        if (new := _new(merge, now, kind))
    ]


_NEW = {
    REGISTRATIONS: ("formation a été enregistrée", "formations ont été enregistrées"),
    TRAINERS: ("droit de formateur ou moniteur a été ouvert", "droits de formateur ou moniteur ont été ouverts"),
    CARDS: ("demande de carte a été commencée", "demandes de carte ont été commencées"),
    CORRECTIONS: ("correction d’identité a été faite", "corrections d’identité ont été faites"),
}


def _new(merge: DriverMerge, now: Hanging, kind: str) -> set[int]:
    return set(now.ids[kind]) - set(merge.hung[KEPT][kind]) - set(merge.hung[JOINED][kind])
