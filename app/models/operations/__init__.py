"""What running the program needs to remember: what the last look at the invariants found, what people are told,
what they were reminded of, how much work was done in time, how many registrations a day holds."""

from .breach import Breach
from .day_volume import DayVolume
from .incident import Incident
from .reminder import Reminder, ReminderOff
from .service_level import ServiceLevel

__all__ = ["Breach", "DayVolume", "Incident", "Reminder", "ReminderOff", "ServiceLevel"]
