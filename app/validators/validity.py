"""How long documents hold: the certificate four calendar months, the récapitulatif six years (domain: documents)."""

from __future__ import annotations

import calendar
from datetime import date
from functools import lru_cache

CERTIFICATE_MONTHS = 4
RECAP_YEARS = 6
MAJORITY = 18


@lru_cache(maxsize=1024)
def add_months(day: date, months: int) -> date:
    """Return the same day so many calendar months later, or that month's last day (31 October + 4 → 28 or 29 February)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def eighteenth_birthday(birth_date: date) -> date:
    """Return the day of majority; born on 29 February, it is 1 March in a common year."""
    year = birth_date.year + MAJORITY
    if (birth_date.month, birth_date.day) == (2, 29) and not calendar.isleap(year):
        return date(year, 3, 1)
    return birth_date.replace(year=year)


def certificate_validity(established_on: date, birth_date: date) -> tuple[date, date]:
    """Return the first and the last day of a certificate: from establishment or, for a minor, from the 18th birthday."""
    is_adult = birth_date.year + MAJORITY < established_on.year
    start = established_on if is_adult else max(established_on, eighteenth_birthday(birth_date))
    return start, add_months(start, CERTIFICATE_MONTHS)


def recap_availability(established_on: date) -> tuple[date, date]:
    """Return the first and the last day a récapitulatif stays in the driver's space."""
    return established_on, add_months(established_on, 12 * RECAP_YEARS)
