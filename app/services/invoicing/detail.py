"""Who an invoice is about: what it charges, or gives back, person by person; for those who follow the centre's invoices alone.

The invoice itself, its annex and its file name nobody: they are kept for ten years and cross several platforms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import Batch, Document, Driver, Invoice, InvoiceItem, OrderOverride, Registration, Trainer
from app.models.billing.invoices import ISSUED
from app.models.registration import RECAP, REVOKED
from app.services.billing import billable
from app.services.core.narrowing import page_at
from app.services.journal import record as journal

from .reading import Page

PAGE, STEP = 50, 2_000
HEADS = (
    "Reçu",
    "Enregistré le",
    "Nom",
    "Prénom",
    "Date de naissance",
    "N° de permis",
    "Formation",
    "Fin de formation",
    "N° de commande",
    "Référence",
    "Récapitulatif",
    "Montant HT",
    "TVA (%)",
    "Avoir",
)


@dataclass(frozen=True, slots=True)
class Named:
    """A line of the detail, in the order of :data:`HEADS`; ``credit``: the number of the credit note that gives it back."""

    receipt: str
    registered_on: date
    last_name: str
    first_name: str
    birth_date: date | None
    permit_number: str
    label: str
    end_date: date | None
    order_number: str
    reference: str
    recap: str
    amount: Decimal
    vat_rate: Decimal
    credit: str

    @property
    def values(self) -> tuple[Any, ...]:
        """Return its values, as a file holds them."""
        return tuple(getattr(self, name) for name in self.__slots__)


def page(invoice: Invoice, asked: int) -> Page:
    """Return a page of the people of an issued invoice, or credit note; five questions, however many they are."""
    own = InvoiceItem.invoice_id == invoice.id
    total = db.session.scalar(select(func.count()).select_from(InvoiceItem).where(own)) or 0
    number, page_count = page_at(asked, total, PAGE)
    found = _read(invoice, _query(invoice).limit(PAGE).offset((number - 1) * PAGE))
    return Page([named for _, named in found], total, number, page_count)


def rows(invoice: Invoice) -> Iterator[tuple[Any, ...]]:
    """Yield all of them, as rows of a file; some thousands are read at a time."""
    last = 0
    while found := _read(invoice, _query(invoice).where(InvoiceItem.id > last).limit(STEP)):
        last = found[-1][0]
        for _, named in found:
            yield named.values


def note(invoice: Invoice, person_id: int, count: int) -> None:
    """Note in the journal that the people of an invoice left as a file. No commit."""
    after = {"number": invoice.public_number, "rows": count}
    journal.record(
        "invoice.detailed", "invoice", invoice.id, actor_id=person_id, centre_id=invoice.centre_id, after=after
    )


def _query(invoice: Invoice) -> Any:
    """Return the statement of the items of an invoice, in their order, with whom each is about."""
    i, r, t, back, note_ = InvoiceItem, Registration, Trainer, aliased(InvoiceItem), aliased(Invoice)
    same = or_(back.root_id == i.root_id, back.trainer_id == i.trainer_id)
    credited = (
        select(note_.public_number)
        .join(back, back.invoice_id == note_.id)
        .where(back.credit, ~i.credit, back.round == i.round, note_.state == ISSUED, same)
        .correlate(i)
        .limit(1)
        .scalar_subquery()
    )
    recap = (Document.registration_id == r.id) & (Document.kind == RECAP) & (Document.state != REVOKED)
    return (
        select(
            i.id,
            func.coalesce(Batch.receipt_number, t.receipt_number),
            i.registered_on,
            func.coalesce(r.last_name, t.last_name),
            func.coalesce(r.first_name, t.first_name),
            func.coalesce(Driver.birth_date, t.birth_date),
            func.coalesce(Driver.permit_number, t.permit_number),
            i.training_id,
            r.end_date,
            func.coalesce(OrderOverride.reference, r.reference, t.reference),
            Document.number,
            i.amount,
            i.vat_rate,
            credited,
        )
        .select_from(i)
        .outerjoin(r, r.id == i.registration_id)
        .outerjoin(Driver, Driver.id == r.identity_id())
        .outerjoin(Batch, Batch.id == r.batch_id)
        .outerjoin(t, t.id == i.trainer_id)
        .outerjoin(Document, recap)
        .outerjoin(OrderOverride, billable.overrides())
        .where(i.invoice_id == invoice.id)
        .order_by(i.id)
    )


def _read(invoice: Invoice, query: Any) -> list[tuple[int, Named]]:
    """Return items with their ids; the order number is that of the invoice, whatever was typed when registering."""
    labels = billable.labels()
    return [
        (
            id_,
            Named(
                receipt or "",
                day,
                last,
                first,
                born,
                permit or "",
                labels[training],
                end,
                invoice.order_number,
                reference or "",
                recap or "",
                amount,
                rate,
                credit or "",
            ),
        )
        for id_, receipt, day, last, first, born, permit, training, end, reference, recap, amount, rate, credit in (
            db.session.execute(query)
        )
    ]
