"""The lines of a receipt as an .xlsx, one a row."""

from __future__ import annotations

import io

from app.services.registration.receipts import Receipt, ReceiptLine

from . import sheets

#: Lines of one file: more are fetched part by part.
LINES = 5_000
HEADS = (
    "Reçu",
    "Ligne",
    "Nom",
    "Prénom",
    "Date de naissance",
    "N° de permis",
    "Formation",
    "Fin de formation",
    "N° de commande",
    "Référence",
    "Prix HT",
    "Certificat",
    "Invité le",
    "Code d’activation",
)


def render(receipt: Receipt) -> bytes:
    """Return the lines of a page of the receipt as a workbook."""
    target = io.BytesIO()
    number = str(receipt.batch.receipt_number)
    sheets.write(sheets.XLSX, HEADS, (_row(number, line) for line in receipt.lines), target)
    return target.getvalue()


def _row(number: str, line: ReceiptLine) -> list[object]:
    one = line.registration
    return [
        number,
        one.line_number,
        one.last_name,
        one.first_name,
        one.identity.birth_date,
        one.identity.permit_number,
        one.training.full_label,
        one.end_date,
        one.order_number,
        one.reference,
        one.price,
        line.told,
        line.invitation.created_at if line.invitation else None,
        line.code,
    ]
