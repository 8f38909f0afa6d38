"""What running the program needs to remember: what the last look at the invariants found, what people are told,
what they were reminded of."""

from .breach import Breach
from .incident import Incident
from .reminder import Reminder, ReminderOff

__all__ = ["Breach", "Incident", "Reminder", "ReminderOff"]
