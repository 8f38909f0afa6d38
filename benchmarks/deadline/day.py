"""What the day asks: how many registrations, by which door, at what moment, and what is killed when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

#: A whole day: registrations, and the seconds in which they come.
REGISTRATIONS, SECONDS = 150_000, 8 * 3600
#: Part of the registrations that comes in the last eighth of the day.
RUSH, LAST = 0.4, 1 / 8
#: Lines of which one has a driver with an account, to whom the certificate is mailed.
WITH_ACCOUNT = 10
#: Seconds for which base and queue stay away at each restart.
AWAY = 3.0
HAND, FILE, API = "by hand", "by file", "by API"


@dataclass(frozen=True, slots=True)
class Door:
    """A door: its share of the registrations, its share of the clients, lines sent at once."""

    lines: float
    clients: float
    at_once: int


DOORS = {HAND: Door(0.2, 0.5, 4), FILE: Door(0.5, 0.2, 50), API: Door(0.3, 0.3, 10)}


@dataclass(frozen=True, slots=True)
class Size:
    """How large a day is run: registrations, the seconds in which they come, clients, seconds between two killed workers,
    restarts of the base and of the queue; seconds of a worker's lease and between two looks of the relay.
    """

    registrations: int
    seconds: float
    clients: int = 200
    kill_every: float = 60
    restarts: int = 3
    lease: int = 120
    relay: int = 15

    @classmethod
    def of(cls, factor: float, **more: int) -> Size:
        """Return a day of which both, count and length, are a factor of the whole one's: as many a second as on a whole day."""
        return cls(max(20, round(REGISTRATIONS * factor)), SECONDS * factor, **more)

    @property
    def centres(self) -> int:
        """Return how many centres the clients work for."""
        return max(2, self.clients // 4)


@dataclass(frozen=True, slots=True)
class Act:
    """One sending: seconds after the day's begin, the door, its first line of the day's, how many lines."""

    moment: float
    door: str
    first: int
    count: int


def moment(share: float) -> float:
    """Return when that share of the day's registrations has come, as a share of the day."""
    if share < 1 - RUSH:
        return share / (1 - RUSH) * (1 - LAST)
    return 1 - LAST + (share - 1 + RUSH) / RUSH * LAST


def acts(size: Size) -> Iterator[Act]:
    """Yield the day's acts, door by door, each in the order of time; every line of the day stands in one of them."""
    first = 0
    doors = list(DOORS.items())
    for name, door in doors:
        count = size.registrations - first if name == doors[-1][0] else round(size.registrations * door.lines)
        for at in range(0, count, door.at_once):
            yield Act(moment((at + 0.5) / count) * size.seconds, name, first + at, min(door.at_once, count - at))
        first += count


@dataclass(frozen=True, slots=True)
class Fault:
    """Something killed: seconds after the day's begin, what, the how manieth of its kind (from 0)."""

    moment: float
    what: str
    turn: int


WORKER, BASE, QUEUE = "worker", "base", "queue"


def faults(size: Size) -> list[Fault]:
    """Return what is killed, in the order of time; the last restarts fall into the rush."""
    kills = int((size.seconds - 1) // size.kill_every)
    found = [Fault((at + 1) * size.kill_every, WORKER, at) for at in range(kills)]
    for at in range(size.restarts):
        found.append(Fault(size.seconds * (at + 1) / (size.restarts + 0.2), BASE, at))
        found.append(Fault(size.seconds * (at + 0.8) / (size.restarts + 0.2), QUEUE, at))
    return sorted(found, key=lambda one: one.moment)
