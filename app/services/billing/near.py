"""Order numbers that are nearly the same: each gives an invoice, most often by a slip of who typed it."""

from __future__ import annotations

from sqlalchemy import select

from app.extensions import db
from app.models import Invoice

from . import estimates, grouping


def of_draft(draft: Invoice) -> dict[str, str]:
    """Return the order numbers that are nearly that of a draft, its own among them, each with the key of its draft of the same
    month; empty where there is no other.
    """
    same = (Invoice.centre_id == draft.centre_id, Invoice.period_end == draft.period_end, *grouping.BILLS)
    keys = dict(db.session.execute(select(Invoice.order_number, Invoice.key).where(*same)).tuples().all())
    return {number: keys[number] for number in _like(draft.order_number, list(keys))}


def to_come(centre_id: int, order_number: str) -> list[str]:
    """Return the order numbers of a centre's invoices to come that are nearly this one, itself among them; or none."""
    return _like(order_number, [one.order_number for one in estimates.of_centre(centre_id)])


def _like(number: str, numbers: list[str]) -> list[str]:
    return next((found for found in estimates.alike(numbers) if number in found), [])
