"""What the mail of an issued invoice says, to who sees to a centre's invoices: a link, never the file."""

from __future__ import annotations

from flask import current_app

from app.extensions import db
from app.models import Invoice, Mail
from app.models.billing.invoices import CREDIT_NOTE
from app.services.billing import alerts
from app.services.core import numbers
from app.services.notifications import mail
from app.services.notifications.mail import Content

#: Its values: ``invoice``, and ``to``, by which one is told from another.
ISSUED = "invoice_issued"


def make_due(invoice: Invoice) -> None:
    """Make due the mail that an invoice, or a credit note, is issued; no commit."""
    alerts.tell(ISSUED, invoice.centre_id, invoice=invoice.id)


@mail.says(ISSUED, "Facture ou avoir émis")
def _issued(row: Mail) -> Content:
    invoice = db.session.get_one(Invoice, row.values["invoice"])
    is_credit = invoice.kind == CREDIT_NOTE
    values: dict[str, object] = {
        "centre": invoice.centre.name,
        "number": invoice.public_number,
        "order": invoice.order_number,
        "total": numbers.euros(invoice.total),
        "due_on": invoice.due_on,
        "corrects": invoice.corrects.public_number if invoice.corrects else "",
        "url": f"{current_app.config['BASE_URL']}/factures/{invoice.key}",
    }
    what = "Avoir" if is_credit else "Facture"
    return Content("invoicing/mail/issued", f"{what} {invoice.public_number} : {values['total']} TTC", values)
