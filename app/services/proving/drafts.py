"""What must hold of the drafts of invoices: what they charge, and that their lines and totals say it to the cent."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from app.extensions import db
from app.models import InvoiceVat
from app.services.operations.invariants import Invariant
from app.services.reference import amounts


def _vat() -> Iterator[int]:
    """Yield the invoices whose VAT is not that of their base."""
    query = select(InvoiceVat.invoice_id, InvoiceVat.base, InvoiceVat.rate, InvoiceVat.vat).order_by(
        InvoiceVat.invoice_id
    )
    for invoice_id, base, rate, vat in db.session.execute(query):
        if amounts.vat_of(base, rate) != vat:
            yield invoice_id


def _sum(amount: str, table: str, more: str = "") -> str:
    return f"(SELECT COALESCE(sum({amount}), 0) FROM {table} x WHERE x.invoice_id = i.id {more})"  # noqa: S608  names of ours


CHECKS = (
    Invariant(
        "billing.lines",
        "Le total hors taxes d’un brouillon n’est pas la somme de ses lignes",
        f"SELECT i.id FROM invoice i WHERE i.state = 'draft' AND i.net <> {_sum('amount', 'invoice_line')}",  # noqa: S608
    ),
    Invariant(
        "billing.vat_totals",
        "La TVA d’un brouillon n’est pas celle de ses taux",
        f"SELECT i.id FROM invoice i WHERE i.state = 'draft' AND (i.vat <> {_sum('vat', 'invoice_vat')}"  # noqa: S608
        f" OR i.net <> {_sum('base', 'invoice_vat')})",
    ),
    Invariant("billing.vat", "La TVA d’un taux n’est pas celle de sa base, arrondie une fois", _vat),
    Invariant(
        "billing.charges",
        "Un brouillon ne facture pas exactement ce qu’il contient",
        f"SELECT i.id FROM invoice i WHERE i.state = 'draft' AND (i.net <> {_sum('amount', 'invoice_item', 'AND NOT x.credit')}"  # noqa: S608
        f" OR {_sum('quantity', 'invoice_line')} <> {_sum('1', 'invoice_item', 'AND NOT x.credit')})",
    ),
    Invariant(
        "billing.charged_twice",
        "Un enregistrement, ou une redevance, est facturé deux fois sans avoir été crédité",
        """
        SELECT min(i.id) FROM invoice_item i WHERE NOT i.credit AND NOT EXISTS (
            SELECT 1 FROM invoice_item b WHERE b.credit AND b.charge_round = i.charge_round
              AND (b.root_id = i.root_id OR b.trainer_id = i.trainer_id))
          GROUP BY i.root_id, i.trainer_id HAVING count(*) > 1""",
    ),
    Invariant(
        "billing.cancelled",
        "Un brouillon facture un enregistrement annulé",
        """
        SELECT x.id FROM invoice_item x JOIN invoice i ON i.id = x.invoice_id JOIN registration r ON r.id = x.registration_id
          WHERE i.state = 'draft' AND NOT x.credit AND r.cancelled_on IS NOT NULL""",
    ),
    Invariant(
        "billing.price",
        "Un enregistrement est facturé à un autre prix, un autre centre ou une autre suite que les siens",
        """
        SELECT x.id FROM invoice_item x JOIN invoice i ON i.id = x.invoice_id JOIN registration r ON r.id = x.registration_id
          WHERE x.amount <> r.price OR x.vat_rate <> r.vat_rate OR i.centre_id <> r.centre_id
            OR x.root_id <> COALESCE(r.ledger_id, r.id)""",
    ),
    Invariant(
        "billing.order",
        "Un brouillon facture un enregistrement sous un autre numéro de commande",
        """
        SELECT x.id FROM invoice_item x JOIN invoice i ON i.id = x.invoice_id JOIN registration r ON r.id = x.registration_id
          LEFT JOIN order_override o ON o.registration_id = r.id
          WHERE i.state = 'draft' AND NOT x.credit AND i.order_number <> COALESCE(o.order_number, r.order_number)""",
    ),
)
