"""The files of an issued invoice, sent as they are kept; what is not there yet is said in words."""

from __future__ import annotations

import io

from flask import abort, send_file
from werkzeug.wrappers import Response

from app.models import Invoice
from app.services.invoicing import filing
from app.services.storage import store

NOT_YET = (
    "Ce fichier est en préparation : il paraît quelques instants après l’émission. La facture elle-même est émise."
)
BROKEN = "Ce fichier ne peut pas être lu pour le moment. La facture elle-même est émise, et cette page en dit tout le contenu."


def pdf(invoice: Invoice) -> Response:
    """Send the PDF."""
    return _send(invoice, "pdf", "application/pdf")


def xml(invoice: Invoice) -> Response:
    """Send the XML that the PDF holds."""
    return _send(invoice, "xml", "application/xml")


def _send(invoice: Invoice, kind: str, mimetype: str) -> Response:
    if not invoice.path:
        abort(404, NOT_YET)
    try:
        content = filing.pdf_of(invoice) if kind == "pdf" else filing.xml_of(invoice)
    except store.Missing:
        abort(404, BROKEN)
    sent: Response = send_file(
        io.BytesIO(content), mimetype=mimetype, as_attachment=True, download_name=f"{invoice.public_number}.{kind}"
    )
    return sent
