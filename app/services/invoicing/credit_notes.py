"""Credit notes: what an issued invoice charged and is given back, to the cent, in whole or in part.

The VAT of the k-th credit note of an invoice is that of all that is credited so far less what the others gave back: they add up
to the invoice, whatever the order. A credit note is drafted here, then proved and issued as an invoice is, in its own series.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, exists, func, insert, select, update
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import Invoice, InvoiceItem, InvoiceLine, InvoiceVat, Registration
from app.models.batch import new_key
from app.models.billing.invoices import CREDIT_NOTE, DRAFT, INVOICE, ISSUED
from app.services.billing import billable, lines
from app.services.core import actor, clock, outbox
from app.services.core import reason as reasons
from app.services.core.dialect import be_the_writer
from app.services.core.refusal import Refusal
from app.services.core.taking import changed
from app.services.core.transaction import transaction
from app.services.reference import amounts

from . import asked


class Waits(Refusal):
    """One credit note of an invoice at a time: the next one's VAT depends on it."""

    message = "Un avoir de cette facture attend déjà d’être émis : rien n’a été fait. Réessayez dans quelques instants."


class Credited(Refusal):
    """Something that was chosen is not charged by this invoice, or is given back already."""

    message = (
        "Une des lignes choisies ne figure pas sur cette facture, ou a déjà son avoir. Rien n’a été fait : relisez-la."
    )


class Charge(NamedTuple):
    """A charge of an issued invoice, and whether it is given back, or is about to be."""

    item: InvoiceItem
    is_credited: bool

    @property
    def id(self) -> int:
        """Return the id of its row."""
        return self.item.id


def give_back(invoice_id: int, item_ids: Sequence[int], why: str, agent_id: int) -> int:
    """Draft the credit note of some charges of an issued invoice and make its issue due; return its id.

    Raises :class:`Credited`, :class:`Waits`, or `reason.ReasonNeeded`.
    """
    kept = reasons.reason(why, "Dites pourquoi cet avoir est fait : la raison figure sur l’avoir.")
    if not item_ids:
        raise Credited("Choisissez au moins une ligne de la facture.")
    with transaction(durable=True), actor.acting(actor.PROGRAM):
        credit_id = _draft(invoice_id, item_ids, kept, agent_id)
    outbox.ring()
    return credit_id


def bill_again(invoice_id: int, why: str, agent_id: int) -> int:
    """Draft the credit note of all that is left of an invoice, internal, and have what it gives back billed anew once issued.

    Returns its id. Raises :class:`Credited` where nothing is left, :class:`Waits`, or `reason.ReasonNeeded`.
    """
    kept = reasons.reason(why, "Dites pourquoi cette facture est annulée et refaite : la raison figure sur l’avoir.")
    with transaction(durable=True), actor.acting(actor.PROGRAM):
        credit_id = undo(invoice_id, kept, agent_id, internal=True, rebills=True)
    outbox.ring()
    return credit_id


def undo(invoice_id: int, why: str, agent_id: int, *, internal: bool, rebills: bool) -> int:
    """Draft the credit note of all that is left of an invoice and make its issue due, in the caller's transaction, whose actor
    sees it; return its id.

    ``internal``: the buyer never had the invoice, or refused it, so the credit note goes to nobody. Without ``rebills``, what
    is still valid is billed with the next month. Raises as :func:`bill_again`.
    """
    left = [item.id for item in charges(invoice_id) if not item.is_credited]
    return _draft(invoice_id, left, why, agent_id, internal=internal, rebills=rebills)


def of_cancelled(item: InvoiceItem, why: str, agent_id: int) -> int:
    """Give back a charge of an issued invoice (:func:`charge_of`), in the transaction of the cancellation; return the credit
    note's id. Where one of that invoice waits already, it gives this back as well.
    """
    with actor.acting(actor.PROGRAM):
        waiting = _waiting(item.invoice_id)
        if waiting is not None and not waiting.rebills:
            _charge_back(waiting, [item])
            asked.make_due(waiting.id, agent_id)
            return waiting.id
        return _draft(item.invoice_id, [item.id], why[: reasons.REASON_MAX], agent_id)


def charge_of(registration: Registration) -> InvoiceItem | None:
    """Return the charge of a registration's chain that stands on an issued invoice; None where nothing does."""
    return _standing(InvoiceItem.root_id == registration.root_id)


def charge_of_fee(trainer_id: int) -> InvoiceItem | None:
    """Return the charge of a trainer's fee that stands on an issued invoice; None where it is on none."""
    return _standing(InvoiceItem.trainer_id == trainer_id)


def _standing(same: ColumnElement[bool]) -> InvoiceItem | None:
    query = (
        select(InvoiceItem)
        .join(Invoice, Invoice.id == InvoiceItem.invoice_id)
        .where(same, ~InvoiceItem.credit, Invoice.state == ISSUED, ~given_back())
    )
    return db.session.scalars(query).first()


def charges(invoice_id: int) -> list[Charge]:
    """Return what an issued invoice charges, with whether a credit note gives it back."""
    query = (
        select(InvoiceItem, given_back())
        .join(Invoice, Invoice.id == InvoiceItem.invoice_id)
        .where(InvoiceItem.invoice_id == invoice_id, Invoice.state == ISSUED, ~InvoiceItem.credit)
        .order_by(InvoiceItem.id)
    )
    return [Charge(item, is_credited) for item, is_credited in db.session.execute(query).tuples()]


def given_back() -> ColumnElement[bool]:
    """Return, as SQL, whether a credit note, issued or not yet, gives a charge back."""
    back = aliased(InvoiceItem)
    same = (back.root_id == InvoiceItem.root_id) | (back.trainer_id == InvoiceItem.trainer_id)
    return exists().where(back.credit, back.round == InvoiceItem.round, same).correlate(InvoiceItem)


def _waiting(invoice_id: int) -> Invoice | None:
    query = select(Invoice).where(Invoice.corrects_id == invoice_id, Invoice.state == DRAFT).with_for_update()
    return db.session.execute(query).scalar_one_or_none()


def _draft(
    invoice_id: int, item_ids: Sequence[int], why: str, agent_id: int, *, internal: bool = False, rebills: bool = False
) -> int:
    """Write a credit note's draft in the caller's transaction; twins wait for each other at the invoice's row."""
    be_the_writer(Invoice)
    own = (Invoice.id == invoice_id, Invoice.state == ISSUED, Invoice.kind == INVOICE)
    corrected = db.session.execute(select(Invoice).where(*own).with_for_update()).scalar_one_or_none()
    if corrected is None:
        raise Credited
    if _waiting(invoice_id) is not None:
        raise Waits
    wanted = set(item_ids)
    found = [one.item for one in charges(invoice_id) if one.id in wanted and not one.is_credited]
    if not found or len(found) != len(wanted):
        raise Credited
    credit = Invoice(
        key=new_key(),
        kind=CREDIT_NOTE,
        centre_id=corrected.centre_id,
        state=DRAFT,
        period_start=corrected.period_start,
        period_end=corrected.period_end,
        order_number=corrected.order_number,
        corrects_id=corrected.id,
        internal=internal,
        rebills=rebills,
        reason=why,
        built_at=clock.now(),
    )
    db.session.add(credit)
    db.session.flush()
    _charge_back(credit, found)
    asked.make_due(credit.id, agent_id)
    return credit.id


def _charge_back(credit: Invoice, items: Sequence[InvoiceItem]) -> None:
    """Write what a credit note gives back, and work its lines, VAT and totals out anew."""
    names = ("registration_id", "trainer_id", "root_id", "round", "training_id", "amount", "vat_rate", "registered_on")
    rows = [{name: getattr(item, name) for name in names} for item in items]
    db.session.execute(insert(InvoiceItem), [{**row, "invoice_id": credit.id, "credit": True} for row in rows])
    credit_id, corrects_id = credit.id, credit.corrects_id
    assert corrects_id is not None
    for table in (InvoiceLine, InvoiceVat):
        changed(delete(table).where(table.invoice_id == credit_id).execution_options(synchronize_session=False))
    counts = lines.charges([credit_id])[credit_id]
    db.session.execute(insert(InvoiceLine), lines.rows_of(credit_id, counts, billable.labels()))
    bases: defaultdict[Decimal, Decimal] = defaultdict(lambda: amounts.ZERO)
    for (_, price, rate, _), count in counts.items():
        bases[rate] += price * count
    before = _credited(corrects_id)
    vats = {rate: vat_of(base, rate, *before.get(rate, (amounts.ZERO, amounts.ZERO))) for rate, base in bases.items()}
    rows = [
        {"invoice_id": credit_id, "category": lines.category_of(rate), "rate": rate, "base": base, "vat": vats[rate]}
        for rate, base in bases.items()
    ]
    db.session.execute(insert(InvoiceVat), rows)
    net, vat = sum(bases.values(), amounts.ZERO), sum(vats.values(), amounts.ZERO)
    sums = {"net": net, "vat": vat, "total": net + vat, "proved_hash": "", "findings": ""}
    changed(update(Invoice).where(Invoice.id == credit_id).values(sums).execution_options(synchronize_session=False))
    db.session.expire_all()


def vat_of(base: Decimal, rate: Decimal, base_before: Decimal, vat_before: Decimal) -> Decimal:
    """Return the VAT that a credit note gives back on a base, in euros, after others that gave back so much."""
    return amounts.vat_of(base_before + base, rate) - vat_before


def _credited(invoice_id: int) -> dict[Decimal, tuple[Decimal, Decimal]]:
    """Return rate → base and VAT that the issued credit notes of an invoice have given back."""
    query = (
        select(InvoiceVat.rate, func.sum(InvoiceVat.base), func.sum(InvoiceVat.vat))
        .join(Invoice, Invoice.id == InvoiceVat.invoice_id)
        .where(Invoice.corrects_id == invoice_id, Invoice.state == ISSUED)
        .group_by(InvoiceVat.rate)
    )
    return {rate: (base, vat) for rate, base, vat in db.session.execute(query)}
