"""What running the program needs to remember: what the last look at the invariants found, what people are told,
what they were reminded of, how much work was done in time."""

from .breach import Breach
from .incident import Incident
from .reminder import Reminder, ReminderOff
from .service_level import ServiceLevel

__all__ = ["Breach", "Incident", "Reminder", "ReminderOff", "ServiceLevel"]
