"""How many mails may go to addresses of one's choice: by who sends them, and by the centre they are sent for.

Far above a real day's work: a session has some twenty trainees, a centre a few colleagues.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from app.services.core import throttle
from app.services.core.throttle import Limit

LONGEST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many pass freely; then one waits, and one more passes each ``forgets`` since the last."""

    name: str
    by_sender: int
    by_centre: int
    forgets: timedelta

    def count(self, sender_id: int, centre_id: int) -> None:
        """Count one mail, in transactions of its own; raise `throttle.TooOften`."""
        for who, free, key in (("sender", self.by_sender, sender_id), ("centre", self.by_centre, centre_id)):
            throttle.count(Limit(f"{self.name} {who}", free, longest=LONGEST, forgets=self.forgets), str(key))


#: Invitations to act for a centre, invitations of drivers to open their space, notices to trainers sent again.
MEMBERS = Limits("member invitation", 20, 40, timedelta(minutes=10))
DRIVERS = Limits("driver invitation", 60, 200, timedelta(minutes=1))
TRAINERS = Limits("trainer notice", 20, 40, timedelta(minutes=10))
