"""What the clients were told: each receipt, each answer's time, each failure and how long it lasted."""

from __future__ import annotations

import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from app.views.api.problems import KINDS
from app.views.shell.errors import PAGES

#: What a failure may say: one of the program's own French sentences.
_SENTENCES = (*(page.sentence for page in PAGES.values()), *(kind.detail for kind in KINDS.values()))
CUT = "line cut"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was acknowledged: by which door, the batch's key and, by hand and by file, its receipt; permits of its lines."""

    door: str
    batch: str
    number: str
    permits: tuple[str, ...]


@dataclass
class Book:
    """Kept by all clients at once."""

    receipts: list[Receipt] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    #: door and status, or « line cut » → how often.
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Answers of 500 and more that said no French sentence of ours, or showed a trace: their beginnings.
    dumb: list[str] = field(default_factory=list)
    #: Seconds from the first failure of a step to its answer.
    waits: list[float] = field(default_factory=list)
    #: Seconds by which acts began later than the day had it: their client was still busy.
    late: list[float] = field(default_factory=list)
    #: What ended a client's day: there must be none.
    broken: list[str] = field(default_factory=list)
    last: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, door: str, seconds: float) -> None:
        """Keep how long an answer took."""
        with self._lock:
            self.seconds.setdefault(door, []).append(seconds)

    def failed(self, door: str, status: int, said: str) -> None:
        """Keep a failure (0: no answer came), and what it said."""
        with self._lock:
            self.failures[door, str(status or CUT)] += 1
            if status >= 500 and ("Traceback" in said or not any(one in said for one in _SENTENCES)):
                self.dumb.append(f"{status}: {said[:300]}")

    def acknowledged(self, receipt: Receipt) -> None:
        """Keep what a client was told for good."""
        with self._lock:
            self.receipts.append(receipt)
            self.last = time.time()

    def p(self, door: str, percent: int) -> float:
        """Return the seconds within which so many of a hundred answers came; 0 where none did."""
        taken = self.seconds.get(door, [])
        return statistics.quantiles(taken, n=100, method="inclusive")[percent - 1] if len(taken) > 1 else 0.0
