"""The shapes of what the API says of invoices, credit notes and what orders have cost."""

from __future__ import annotations

from app.models.billing.invoices import CREDIT_NOTE, INVOICE
from app.services.api.invoices import PAGE

from .schemas import _ID, _NEXT, Schema, _list, _object, _or_null, _ref, _text

_AMOUNT = _text("En euros.", pattern=r"^-?\d+\.\d{2}$")
_RATE = _text("En pour cent.", pattern=r"^\d+\.\d{2}$")
_OR_NO_AMOUNT: Schema = {"type": ["string", "null"], "pattern": r"^-?\d+\.\d{2}$"}
_HEAD = {
    "number": _text("Le numéro porté sur la pièce.", pattern=r"^[FA]\d{4}-\d{6}$"),
    "kind": _text("Facture, ou avoir : ses montants sont ceux qui sont rendus.", enum=[INVOICE, CREDIT_NOTE]),
    "issued_on": _text(format="date"),
    "due_on": {
        "type": ["string", "null"],
        "format": "date",
        "description": "Dernier jour pour régler ; null pour un avoir.",
    },
    "period_end": _text("Dernier jour du mois facturé.", format="date"),
    "order_number": _text(),
    "corrects": _or_null("string", "Pour un avoir, la facture qu’il corrige."),
    "reference": _text("Référence à porter sur le virement (ISO 11649) ; vide pour un avoir."),
    "net": _AMOUNT,
    "vat": _AMOUNT,
    "total": _AMOUNT,
    "file_ready": {"type": "boolean", "description": "Le PDF et le XML peuvent être demandés."},
}
_LINE = _object({"label": _text(), "quantity": _ID, "unit_price": _AMOUNT, "vat_rate": _RATE, "amount": _AMOUNT})
_VAT = _object(
    {"rate": _RATE, "base": _AMOUNT, "amount": _AMOUNT, "mention": _text("Pourquoi rien n’est taxé ; vide sinon.")}
)

#: Name → schema, beside those of `schemas`.
INVOICE_SCHEMAS: dict[str, Schema] = {
    "InvoiceHead": _object(_HEAD),
    "InvoicePage": _object({"items": _list(_ref("InvoiceHead"), maxItems=PAGE), "next": _NEXT}),
    "Invoice": _object({**_HEAD, "lines": _list(_LINE), "vats": _list(_VAT)}),
    "Consumption": _object(
        {
            "order_number": _text(),
            "not_invoiced": {**_AMOUNT, "description": "Enregistré, et sur aucune facture émise."},
            "invoiced": {**_AMOUNT, "description": "Sur des factures émises, avoirs déduits."},
            "credited": {**_AMOUNT, "description": "Rendu par des avoirs : déjà déduit de « invoiced »."},
            "spent": {**_AMOUNT, "description": "La somme de « not_invoiced » et de « invoiced »."},
            "paid": {**_AMOUNT, "description": "Payé de ses factures, TTC."},
            "unpaid": {**_AMOUNT, "description": "Reste à payer de ses factures, TTC ; négatif : en faveur du centre."},
            "ceiling": _OR_NO_AMOUNT,
            "left": {**_OR_NO_AMOUNT, "description": "Ce qui reste du plafond, négatif au-delà ; null sans plafond."},
            "blocking": {"type": "boolean", "description": "Au-delà du plafond, rien n’est enregistré."},
            "valid_from": {**_or_null("string", "Premier jour du plafond ; null : depuis toujours."), "format": "date"},
            "valid_to": {**_or_null("string", "Dernier jour du plafond ; null : sans fin."), "format": "date"},
        }
    ),
}
