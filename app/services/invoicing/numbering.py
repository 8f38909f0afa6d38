"""Numbers without gap or double, in the order of their days, and the chain that ties each invoice to the one before.

A number is taken by one UPDATE of its series' row, in the transaction that issues: it is given back where that is.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import exists, or_, select, update

from app.extensions import db
from app.models import Invoice, InvoiceSeries
from app.models.billing.invoices import INVOICE
from app.services.core.dialect import insert_if_new
from app.services.core.refusal import Refusal

from .content import Content

#: What changes between what is proved and what is issued.
_ASIDE = ("number", "issued_on", "due_on", "reference")
_SPECIMEN = 999_999


class Backwards(Refusal):
    """The day is before one on which an invoice was issued: numbers follow the days."""

    message = "Le jour courant précède celui de la dernière facture émise : rien n’est émis. Vérifiez l’horloge."


def public(kind: str, year: int, number: int) -> str:
    """Return a number as people and the law read it: « F2026-000123 », « A2026-000045 » for a credit note."""
    return f"{'F' if kind == INVOICE else 'A'}{year}-{number:06d}"


def specimen(kind: str, year: int) -> str:
    """Return a number of the same shape, under which a draft is proved."""
    return public(kind, year, _SPECIMEN)


def take(siren: str, kind: str, day: date) -> int:
    """Return the next number of a series, in the caller's transaction; whoever comes next waits for its end.

    Raises :class:`Backwards`.
    """
    s = InvoiceSeries
    insert_if_new(s, {"siren": siren, "kind": kind, "year": day.year, "last_number": 0, "last_issued_on": None})
    later = exists().where(s.kind == kind, s.siren == siren, s.last_issued_on > day)
    if db.session.scalar(select(later)):
        raise Backwards
    statement = (
        update(s)
        .where(s.siren == siren, s.kind == kind, s.year == day.year)
        .where(or_(s.last_issued_on.is_(None), s.last_issued_on <= day))
        .values(last_number=s.last_number + 1, last_issued_on=day)
        .returning(s.last_number)
        .execution_options(synchronize_session=False)
    )
    number: int | None = db.session.execute(statement).scalar_one_or_none()
    if number is None:
        raise Backwards
    return number


def hash_of(content: Content) -> str:
    """Return the SHA-256 of what an invoice says, its number, days of issue and payment, and reference left out."""
    said = {name: value for name, value in asdict(content).items() if name not in _ASIDE}
    text = json.dumps(said, default=_plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return value.isoformat() if isinstance(value, date) else str(value)


def chained(before: str, number: str, issued_on: date, due_on: date | None, content_hash: str) -> str:
    """Return the hash that ties an invoice to the one before in its series, whose own hash is ``before`` ('' for the first)."""
    days = f"{issued_on.isoformat()} {due_on.isoformat() if due_on else ''}"
    return hashlib.sha256("\n".join((before, number, days, content_hash)).encode()).hexdigest()


def hash_before(kind: str, year: int, number: int) -> str:
    """Return the hash of the invoice before a number in its series; '' for the first."""
    own = (Invoice.kind == kind, Invoice.series_year == year, Invoice.number == number - 1)
    return db.session.scalar(select(Invoice.chain_hash).where(*own)) or ""
