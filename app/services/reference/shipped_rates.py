"""The refinancing rate of the European Central Bank, by half-year, that late interest goes by; agents add those that follow."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

#: First day of a half-year → rate in per cent, as it was that day. Up to July 2022 it was nil.
RATES = {
    date(2020, 1, 1): Decimal("0.00"),
    date(2023, 1, 1): Decimal("2.50"),
    date(2023, 7, 1): Decimal("4.00"),
    date(2024, 1, 1): Decimal("4.50"),
    date(2024, 7, 1): Decimal("4.25"),
    date(2025, 1, 1): Decimal("3.15"),
    date(2025, 7, 1): Decimal("2.15"),
    date(2026, 1, 1): Decimal("2.15"),
}


def rows() -> list[dict[str, Any]]:
    """Return the rates as rows."""
    return [{"valid_from": day, "rate": rate} for day, rate in RATES.items()]
