"""Lines one by one as they are billed: of a draft, of an invoice to come, of a receipt, or one alone; each with the order
number and the reference it was registered under, and those it is billed under.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Integer, cast, func, null, select
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import Batch, Invoice, InvoiceItem, OrderOverride, Registration, Trainer
from app.models.billing.invoices import DRAFT
from app.models.catalogue import CARD_FEE, PRICE_CLASSES
from app.models.trainer import REGISTERED
from app.models.types import Labelled
from app.services.core import clock
from app.services.core.narrowing import page_at
from app.services.core.reason import version_of

from . import billable

PAGE = 50
#: What a line is, as addresses and forms name it.
REGISTRATION, FEE = "r", "t"


class Standing(Labelled):
    """Where a line stands between its registration and its invoice."""

    OPEN = "open", "À facturer"
    DRAFTED = "drafted", "En brouillon"
    INVOICED = "invoiced", "Sur une facture émise"
    NONE = "none", "Non facturée"


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """A registration, or a trainer's fee, by its id."""

    kind: str
    id: int

    @property
    def text(self) -> str:
        """Return how addresses and forms name it."""
        return f"{self.kind}{self.id}"


def read(text: str) -> Ref | None:
    """Return what a form names, None for what names nothing."""
    kind, digits = text[:1], text[1:]
    known = kind in (REGISTRATION, FEE) and digits.isascii() and digits.isdigit() and len(digits) < 10
    return Ref(kind, int(digits)) if known else None


@dataclass(frozen=True, slots=True)
class Line:
    """A line. ``own_number``, ``own_reference``: as registered; ``number``, ``reference``: as billed. Amounts exclude VAT."""

    ref: Ref
    centre_id: int
    name: str
    label: str
    receipt_number: str
    registered_on: date
    end_date: date | None
    amount: Decimal
    own_number: str
    number: str
    own_reference: str
    reference: str
    is_live: bool

    @property
    def mark(self) -> str:
        """Return a text that changes with what it is billed under."""
        return version_of([self.number, self.reference])[:10]

    @property
    def is_elsewhere(self) -> bool:
        """Tell whether it is billed under another order number than its own."""
        return self.number != self.own_number

    @property
    def is_changed(self) -> bool:
        """Tell whether it is billed under another order number, or reference, than its own."""
        return self.is_elsewhere or self.reference != self.own_reference


@dataclass(frozen=True, slots=True)
class Page:
    """A page of lines, and how many there are."""

    lines: list[Line]
    total: int
    page: int
    page_count: int


def of_refs(refs: Collection[Ref]) -> list[Line]:
    """Return lines in the order asked for, without those that are not there; two queries, whatever their number."""
    found = {line.ref: line for line in [*_registrations(refs), *_fees(refs)]}
    return [found[ref] for ref in refs if ref in found]


def one(centre_id: int, ref: Ref) -> Line | None:
    """Return a line of a centre; None for another centre's, like one that never was."""
    return next((line for line in of_refs([ref]) if line.centre_id == centre_id), None)


def of_draft(draft: Invoice, page: int) -> Page:
    """Return a page of the lines that a draft bills."""
    return _page(_on_draft(draft.id), page)


def of_estimate(centre_id: int, order_number: str, page: int) -> Page:
    """Return a page of the lines that the invoice to come of an order number bills."""
    return _page(_to_come(centre_id, order_number), page)


def of_receipt(batch: Batch, page: int) -> Page:
    """Return a page of the lines of a receipt that may be billed, or are."""
    return _page(_on_receipt(batch.id), page)


def refs_of_draft(invoice_id: int) -> list[Ref]:
    """Return all lines of a draft."""
    return _refs(_on_draft(invoice_id))


def refs_to_come(centre_id: int, order_number: str) -> list[Ref]:
    """Return all lines of the invoice to come of an order number."""
    return _refs(_to_come(centre_id, order_number))


def refs_of_receipt(batch_id: int) -> list[Ref]:
    """Return all lines of a receipt that may be billed, or are."""
    return _refs(_on_receipt(batch_id))


def standing(line: Line) -> tuple[Standing, str]:
    """Return where a line stands, and the key of the draft that bills it, if any."""
    query = (
        select(Invoice.state, Invoice.key)
        .join(InvoiceItem, InvoiceItem.invoice_id == Invoice.id)
        .where(charges([line.ref]), billable.stands())
    )
    charge = db.session.execute(query).first()
    if charge is not None:
        return (Standing.DRAFTED, charge.key) if charge.state == DRAFT else (Standing.INVOICED, "")
    today = clock.today()
    same = [Registration.id == line.ref.id] if line.ref.kind == REGISTRATION else [Trainer.id == line.ref.id]
    wanted = billable.registrations(today, *same) if line.ref.kind == REGISTRATION else billable.fees(today, *same)
    return (Standing.OPEN if db.session.execute(wanted).first() else Standing.NONE), ""


def charges(refs: Collection[Ref]) -> ColumnElement[bool]:
    """Return, as SQL about `InvoiceItem`, whether it charges one of these lines; a replacement is charged by its chain."""
    roots = select(Registration.root_id).where(Registration.id.in_(_ids(refs, REGISTRATION))).scalar_subquery()
    return InvoiceItem.root_id.in_(roots) | InvoiceItem.trainer_id.in_(_ids(refs, FEE))


def note(registration_id: int) -> Line | None:
    """Return a registration that is billed under another order number or reference than its own; None for any other."""
    return next((line for line in of_refs([Ref(REGISTRATION, registration_id)]) if line.is_changed), None)


def _ids(refs: Collection[Ref], kind: str) -> list[int]:
    return [ref.id for ref in refs if ref.kind == kind]


def _registrations(refs: Collection[Ref]) -> list[Line]:
    ids, r = _ids(refs, REGISTRATION), Registration
    query = (
        select(r, OrderOverride.order_number, OrderOverride.reference)
        .outerjoin(OrderOverride, OrderOverride.registration_id == r.id)
        .options(joinedload(r.training), joinedload(r.batch))
        .where(r.id.in_(ids))
    )
    return [
        Line(
            Ref(REGISTRATION, row.id),
            row.centre_id,
            f"{row.last_name} {row.first_name}",
            row.training.full_label,
            str(row.batch.receipt_number),
            row.registered_on,
            row.end_date,
            row.price,
            row.order_number,
            row.order_number if number is None else number,
            row.reference,
            row.reference if reference is None else reference,
            row.is_live,
        )
        for row, number, reference in (db.session.execute(query).tuples() if ids else ())
    ]


def _fees(refs: Collection[Ref]) -> list[Line]:
    ids, t = _ids(refs, FEE), Trainer
    query = (
        select(t, OrderOverride.order_number, OrderOverride.reference)
        .outerjoin(OrderOverride, OrderOverride.trainer_id == t.id)
        .where(t.id.in_(ids), t.state == REGISTERED, t.fee.is_not(None))
    )
    return [
        Line(
            Ref(FEE, row.id),
            row.centre_id,
            row.full_name,
            PRICE_CLASSES[CARD_FEE],
            str(row.receipt_number),
            row.registered_on or clock.today(),
            None,
            row.fee or Decimal("0.00"),
            row.order_number,
            row.order_number if number is None else number,
            row.reference,
            row.reference if reference is None else reference,
            row.cancelled_on is None,
        )
        for row, number, reference in (db.session.execute(query).tuples() if ids else ())
    ]


def _on_draft(invoice_id: int) -> Any:
    i = InvoiceItem
    query = select(i.registration_id, i.trainer_id).where(i.invoice_id == invoice_id, ~i.credit)
    return query.order_by(i.registered_on, i.id)


def _to_come(centre_id: int, order_number: str) -> Any:
    c = billable.both(clock.today(), centre_id).c
    query = select(c.registration_id, c.trainer_id).where(c.order_number == order_number)
    return query.order_by(c.registered_on, c.registration_id, c.trainer_id)


def _on_receipt(batch_id: int) -> Any:
    r = Registration
    query = select(r.id, cast(null(), Integer)).where(r.batch_id == batch_id, r.live(), r.price > 0)
    return query.order_by(r.line_number)


def _page(query: Any, page: int) -> Page:
    total = db.session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    page, page_count = page_at(page, total, PAGE)
    return Page(of_refs(_refs(query.limit(PAGE).offset((page - 1) * PAGE))), total, page, page_count)


def _refs(query: Any) -> list[Ref]:
    rows: Sequence[Any] = db.session.execute(query).all()
    return [Ref(REGISTRATION, one) if one is not None else Ref(FEE, other) for one, other in rows]
