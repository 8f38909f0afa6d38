"""Mails about what became of an invoice on its platform: to agents what stops it, to its centre what they note about it."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import func, select

from app import roles
from app.extensions import db
from app.models import Invoice, InvoiceEvent, Mail, Person
from app.services.billing import alerts
from app.services.core import numbers
from app.services.notifications import mail
from app.services.notifications.mail import Content

from . import codes, platforms

#: To agents; its values: ``invoice``, ``code``, ``reason`` and ``to``, so that it goes once an invoice and reason.
REFUSED = "invoice_refused"
#: To who sees to a centre's invoices; its values: ``event``, ``to``.
CONTESTED = "invoice_contested"


def stopped(invoice_id: int, code: str, reason_code: str) -> None:
    """Make due the mail to agents that an invoice was refused or rejected, unless it was told before; no commit."""
    e = InvoiceEvent
    same = (e.invoice_id == invoice_id, e.code == code, e.reason_code == reason_code)
    if (db.session.scalar(select(func.count()).select_from(e).where(*same)) or 0) > 1:
        return
    agents = select(Person.id, Person.email).where(Person.roles.any(name=roles.AGENT), Person.active.is_(True))
    values = {"invoice": invoice_id, "code": code, "reason": reason_code}
    rows = [
        {"recipient": email, "values": {**values, "to": id_}}
        for id_, email in db.session.execute(agents.order_by(Person.id)).tuples()
    ]
    mail.make_all_due(REFUSED, rows)


def contested(event: InvoiceEvent, centre_id: int) -> None:
    """Make due the mail that tells a centre what an agent answers to its refusal or dispute; no commit."""
    alerts.tell(CONTESTED, centre_id, event=event.id)


@mail.says(REFUSED, "Facture refusée ou rejetée")
def _refused(row: Mail) -> Content:
    invoice, code = db.session.get_one(Invoice, row.values["invoice"]), row.values["code"]
    said = db.session.scalars(
        select(InvoiceEvent)
        .where(InvoiceEvent.invoice_id == invoice.id, InvoiceEvent.code == code)
        .order_by(InvoiceEvent.id.desc())
    ).first()
    values: dict[str, object] = {
        "number": invoice.public_number,
        "centre": invoice.centre.name,
        "order": invoice.order_number,
        "total": numbers.euros(invoice.total),
        "status": codes.words(code),
        "reason": " : ".join(part for part in (row.values["reason"], said.text if said else "") if part),
        "notice": platforms.notice(),
        "url": f"{current_app.config['BASE_URL']}/facturation/factures/{invoice.key}#plateforme",
    }
    return Content("deposits/mail/refused", f"Facture {invoice.public_number} : {codes.words(code).lower()}", values)


@mail.says(CONTESTED, "Réponse à un refus de facture")
def _contested(row: Mail) -> Content:
    event = db.session.get_one(InvoiceEvent, row.values["event"])
    invoice = event.invoice
    values: dict[str, object] = {
        "number": invoice.public_number,
        "centre": invoice.centre.name,
        "order": invoice.order_number,
        "note": event.text,
        "url": f"{current_app.config['BASE_URL']}/factures/{invoice.key}",
    }
    return Content("deposits/mail/contested", f"Facture {invoice.public_number} : réponse de l’exploitant", values)
