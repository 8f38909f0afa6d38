"""The file of an issued invoice: made by the worker, stored once, handed out with what its row says of it."""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import Document, Invoice, InvoiceItem, OrderOverride, Registration, Trainer
from app.models.registration import RECAP
from app.services.billing import billable
from app.services.core.taking import taken
from app.services.storage import store

from . import assembling, files, xml
from .content import Detail

STEP = 1000
#: What may be wrong with the electronic invoice that a file holds.
NO_XML = "Facture électronique absente ou illisible"
OTHER_XML = "Facture électronique modifiée"
OTHER_TOTALS = "Facture électronique d’un autre numéro ou d’autres totaux que la facture"


def make(invoice_id: int) -> None:
    """Make and store the file of an issued invoice; no commit. Of two at once the first keeps its file (`documents.draw`)."""
    invoice = db.session.get_one(Invoice, invoice_id)
    if invoice.path is not None or invoice.issued_at is None:
        return
    content = assembling.of_issued(invoice)
    made = files.make(content, details(invoice_id), invoice.issued_at)
    written = xml.write(content)
    file = store.put_named(f"invoices/{content.number}-{sha256(made).hexdigest()[:12]}.pdf", made)
    hashes = {"sha256": file.sha256, "size": file.size, "xml_sha256": sha256(written).hexdigest()}
    if not taken(
        update(Invoice).where(Invoice.id == invoice_id, Invoice.path.is_(None)).values(path=file.path, **hashes)
    ):
        store.remove(file.path)


def pdf_of(invoice: Invoice) -> bytes:
    """Return the stored file; raise `store.Missing` where it is not made yet, gone, or altered."""
    if not invoice.path or not invoice.sha256:
        raise store.Missing(str(invoice.id))
    return store.get(invoice.path, invoice.sha256)


def xml_of(invoice: Invoice) -> bytes:
    """Return the XML that the file holds; raise `store.Missing` where there is none yet, or it is not that one any more."""
    if not invoice.xml_sha256:
        raise store.Missing(str(invoice.id))
    written = xml.write(assembling.of_issued(invoice))
    if sha256(written).hexdigest() != invoice.xml_sha256:
        raise store.Changed(str(invoice.path))
    return written


def fault(path: str, content: bytes) -> str:
    """Return what is wrong with the electronic invoice inside a stored file, in French; nothing where it is the one that was
    stored, and its number and totals are those of the row.
    """
    row = db.session.execute(select(Invoice).where(Invoice.path == path)).scalar_one()
    try:
        written = files.attached(content)
        said = xml.said(written)
    except ValueError:
        return NO_XML
    if sha256(written).hexdigest() != row.xml_sha256:
        return OTHER_XML
    return "" if said == xml.Said(row.public_number or "", row.net, row.vat, row.total) else OTHER_TOTALS


def details(invoice_id: int) -> list[Detail]:
    """Return what stands on an invoice row by row, without a name: by day, receipt and line."""
    known, numbers = billable.labels(), _recaps(invoice_id)
    query = (
        select(InvoiceItem, Registration, Trainer, OrderOverride.reference)
        .outerjoin(Registration, Registration.id == InvoiceItem.registration_id)
        .outerjoin(Trainer, Trainer.id == InvoiceItem.trainer_id)
        .outerjoin(OrderOverride, billable.overrides())
        .options(joinedload(Registration.batch))
        .where(InvoiceItem.invoice_id == invoice_id)
        .order_by(InvoiceItem.registered_on, Registration.batch_id, Registration.line_number, InvoiceItem.id)
    )
    return [
        _detail(item, registration or trainer, known[item.training_id], numbers, reference)
        for item, registration, trainer, reference in db.session.execute(query).tuples()
    ]


def _detail(
    item: InvoiceItem, row: Registration | Trainer, label: str, numbers: dict[int, str], reference: str | None
) -> Detail:
    own = row.reference if reference is None else reference
    if isinstance(row, Registration):
        receipt, number = row.batch.receipt_number or "", numbers.get(row.id, "")
        return Detail(receipt, item.registered_on, label, row.end_date, own, number, item.amount)
    return Detail(row.receipt_number or "", item.registered_on, label, item.registered_on, own, "", item.amount)


def _recaps(invoice_id: int) -> dict[int, str]:
    """Return registration → number of its récapitulatif."""
    query = (
        select(Document.registration_id, Document.number)
        .join(InvoiceItem, InvoiceItem.registration_id == Document.registration_id)
        .where(InvoiceItem.invoice_id == invoice_id, Document.kind == RECAP)
        .order_by(Document.id)
    )
    return dict(db.session.execute(query).tuples().all())
