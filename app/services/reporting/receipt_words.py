"""The facts of a receipt in few words, as its head tells them in print and as PDF: a value, and what stands beside it."""

from __future__ import annotations

from app.services.core.numbers import count_of, euros, grouped
from app.services.registration.receipt_trace import NAMED, LeftOut
from app.services.registration.receipts import Receipt


def training(receipt: Receipt) -> tuple[str, str]:
    """Return the training and its last day, where the receipt has one; else how many there are."""
    found = receipt.trace.trainings
    if len(found) == 1:
        return found[0][0], f"fin le {found[0][1]:%d/%m/%Y}"
    return "Plusieurs formations", "voir chaque ligne"


def lines_told(receipt: Receipt) -> tuple[str, str]:
    """Return how many lines were read and registered, and how many were left out."""
    summary = receipt.batch.summary or {}
    lines, kept = summary.get("lines", receipt.standing.lines), receipt.standing.lines
    repeated = count_of(lines - kept, "ligne identique comptée une fois", "lignes identiques comptées une fois")
    read = count_of(lines, "ligne lue", "lignes lues")
    return f"{read}, {count_of(kept, 'enregistrée')}", repeated if lines > kept else "aucune laissée de côté"


def amount(receipt: Receipt) -> tuple[str, str]:
    """Return the amount excluding VAT, and what it is made of."""
    quote = receipt.quote
    how = f"{grouped(quote.lines)} × {euros(quote.rows[0].unit_price)}, " if len(quote.rows) == 1 else ""
    return f"{euros(quote.total)} HT", f"{how}{euros(quote.totals.gross)} TTC indicatif"


def left_out(receipt: Receipt) -> str:
    """Return which lines were sent and not registered, one by one; empty without any."""
    found = receipt.trace.left_out
    if not found:
        return ""
    named = ", ".join(_named(one) for one in found[:NAMED]) + (", …" if len(found) > NAMED else "")
    return f"Lignes laissées de côté : {named}. Elles ne sont ni enregistrées ni facturées."


def _named(one: LeftOut) -> str:
    why = f"identique à la ligne {one.repeats}" if one.repeats else "écartée"
    return f"{one.number} ({one.name}, {why})"
