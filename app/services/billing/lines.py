"""The lines of a draft, its VAT and its total, worked out anew from the charges that it holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Integer, Select, cast, delete, func, insert, select, update

from app.extensions import db
from app.models import Invoice, InvoiceItem, InvoiceLine, InvoiceVat
from app.models.batch import new_key as new_key
from app.models.billing.parties import VatCategory
from app.services.core.taking import changed
from app.services.reference import amounts

from . import billable, months

#: Drafts restated by one statement.
STEP = 500


def category_of(rate: Decimal) -> VatCategory:
    """Return the category of VAT of a rate."""
    return VatCategory.STANDARD if rate else VatCategory.EXEMPT


def label_of(label: str, month: date | None) -> str:
    """Return the label of a line; one that comes late says its month."""
    return f"{label} ({months.name_of(month)})" if month else label


def restate(invoice_ids: Sequence[int]) -> None:
    """Write the lines, the VAT and the totals of drafts from what they charge; a draft that charges nothing is deleted."""
    known = billable.labels()
    for at in range(0, len(invoice_ids), STEP):
        _restate(list(invoice_ids[at : at + STEP]), known)
    db.session.expire_all()


def _restate(ids: list[int], known: dict[int | None, str]) -> None:
    """What says the same as before is left as it is, proof included."""
    charged = charges(ids)
    stated = {invoice_id: rows_of(invoice_id, counts, known) for invoice_id, counts in charged.items()}
    before = _as_stated(ids)
    moved = [id_ for id_ in ids if stated.get(id_) != before.get(id_)]
    for table in (InvoiceLine, InvoiceVat):
        changed(delete(table).where(table.invoice_id.in_(moved)).execution_options(synchronize_session=False))
    rows: list[dict[str, Any]] = []
    vats: list[dict[str, Any]] = []
    for invoice_id in (id_ for id_ in moved if id_ in charged):
        counts = charged[invoice_id]
        rows += stated[invoice_id]
        found = amounts.totals((rate, price * count) for (_, price, rate, _), count in counts.items())
        vats += [
            {
                "invoice_id": invoice_id,
                "category": category_of(vat.rate),
                "rate": vat.rate,
                "base": vat.base,
                "vat": vat.amount,
            }
            for vat in found.vats
        ]
        sums = {"net": found.net, "vat": found.vat, "total": found.gross, "proved_hash": "", "findings": ""}
        changed(
            update(Invoice).where(Invoice.id == invoice_id).values(sums).execution_options(synchronize_session=False)
        )
    if rows:
        db.session.execute(insert(InvoiceLine), rows)
        db.session.execute(insert(InvoiceVat), vats)
    empty = [id_ for id_ in ids if id_ not in charged]
    changed(delete(Invoice).where(Invoice.id.in_(empty)).execution_options(synchronize_session=False))


def _as_stated(ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    """Return draft → its lines as they stand."""
    columns = list(InvoiceLine.__table__.columns)
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    query = select(*columns).where(InvoiceLine.invoice_id.in_(ids)).order_by(InvoiceLine.position)
    for row in db.session.execute(query).mappings():
        found[row["invoice_id"]].append(dict(row))
    return found


#: What a line is of: training (None: the card's fee), unit price, rate, month where it comes late.
Key = tuple[int | None, Decimal, Decimal, date | None]


def charges(ids: list[int]) -> dict[int, dict[Key, int]]:
    """Return draft → what it charges, or gives back, line by line, with how many of each."""
    i = InvoiceItem
    month = [cast(func.extract(part, i.registered_on), Integer) for part in ("year", "month")]
    keys: list[Any] = [i.invoice_id, Invoice.period_start, i.training_id, i.amount, i.vat_rate, *month]
    wanted: list[Any] = [*keys, func.count()]
    query: Select[*tuple[Any, ...]] = (
        select(*wanted).join(Invoice, Invoice.id == i.invoice_id).where(i.invoice_id.in_(ids)).group_by(*keys)
    )
    found: defaultdict[int, dict[Key, int]] = defaultdict(lambda: defaultdict(int))
    for invoice_id, start, training_id, price, rate, year, number, count in db.session.execute(query):
        first = date(year, number, 1)
        found[invoice_id][training_id, price, rate, first if first < start else None] += count
    return found


def rows_of(invoice_id: int, counts: dict[Key, int], known: dict[int | None, str]) -> list[dict[str, Any]]:
    """Return the lines in their order: by training, the fee last; by price, rate and month."""
    last = date.max
    order = sorted(counts, key=lambda key: (key[0] is None, key[0] or 0, key[1], key[2], key[3] or last))
    return [
        {
            "invoice_id": invoice_id,
            "position": position,
            "training_id": key[0],
            "label": label_of(known[key[0]], key[3]),
            "quantity": counts[key],
            "unit_price": key[1],
            "vat_rate": key[2],
            "category": category_of(key[2]),
            "amount": key[1] * counts[key],
        }
        for position, key in enumerate(order, 1)
    ]
