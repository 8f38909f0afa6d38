"""Charges that go from one draft to another, as their lines are billed under other order numbers; the caller is the program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from app.extensions import db
from app.models import Invoice, InvoiceItem, Registration, Trainer
from app.models.billing.invoices import DRAFT
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.core.taking import changed

from . import billable, billed, grouping, holding, lines
from .billed import FEE, REGISTRATION, Line, Ref

#: Rows of one statement.
STEP = 500


class Issued(Refusal):
    """It is on an issued invoice: nothing moves there."""

    message = (
        "Une facture émise ne change plus : pour la facturer sous un autre numéro, un agent doit établir un avoir et une "
        "nouvelle facture. Rien n’a été changé."
    )


class NotBilled(Refusal):
    """It costs nothing, was cancelled, or is older than these invoices."""

    message = "Cette ligne n’est pas à facturer : annulée, gratuite, ou antérieure à ces factures. Rien n’a été changé."


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge on a draft: its id, its line, the draft."""

    item_id: int
    ref: Ref
    invoice_id: int


def on_drafts(lines_: Sequence[Line]) -> list[Charge]:
    """Return the charges of lines on drafts; raise :class:`Issued`, or :class:`NotBilled` for one that is not to be billed."""
    refs = [line.ref for line in lines_]
    if not all(line.is_live for line in lines_):
        raise NotBilled
    query = (
        select(InvoiceItem.id, InvoiceItem.registration_id, InvoiceItem.trainer_id, Invoice.id, Invoice.state)
        .join(Invoice, Invoice.id == InvoiceItem.invoice_id)
        .where(billed.charges(refs), billable.stands())
    )
    rows = db.session.execute(query).all()
    if any(state != DRAFT for *_, state in rows):
        raise Issued
    charged = [
        Charge(item, Ref(REGISTRATION, registration) if registration else Ref(FEE, trainer or 0), invoice)
        for item, registration, trainer, invoice, _ in rows
    ]
    open_ = set(refs) - {charge.ref for charge in charged}
    if open_ - _billable(open_):
        raise NotBilled
    return charged


def _billable(refs: set[Ref]) -> set[Ref]:
    """Return those of some lines that are to be billed."""
    today = clock.today()
    r = billable.registrations(today, Registration.id.in_([ref.id for ref in refs if ref.kind == REGISTRATION]))
    t = billable.fees(today, Trainer.id.in_([ref.id for ref in refs if ref.kind == FEE]))
    found = {Ref(REGISTRATION, id_) for id_ in db.session.execute(r.with_only_columns(Registration.id)).scalars()}
    return found | {Ref(FEE, id_) for id_ in db.session.execute(t.with_only_columns(Trainer.id)).scalars()}


def regroup(centre_id: int, charged: list[Charge], wanted: Mapping[Ref, tuple[str, str]]) -> None:
    """Put charges on the drafts of their numbers, of the same month; an empty one goes, an agent's hold follows."""
    sources = {charge.invoice_id for charge in charged}
    columns = Invoice.id, Invoice.period_end, Invoice.held_by_id, Invoice.held_reason
    about = {row.id: row for row in db.session.execute(select(*columns).where(Invoice.id.in_(sources)))}
    targets = {(about[charge.invoice_id].period_end, wanted[charge.ref][0]) for charge in charged}
    numbers, lasts = {number for _, number in targets}, {last for last, _ in targets}
    fitting = (Invoice.centre_id == centre_id, Invoice.order_number.in_(numbers), Invoice.period_end.in_(lasts))
    locked = grouping.hold(Invoice.id.in_(sources) | (fitting[0] & fitting[1] & fitting[2]))
    if sources - set(locked):
        raise Issued
    for last in lasts:
        grouping.make(last, [(centre_id, number) for day, number in targets if day == last])
    named = select(Invoice.id, Invoice.period_end, Invoice.order_number).where(*grouping.BILLS, *fitting)
    by_name = {(last, number): id_ for id_, last, number in db.session.execute(named).tuples()}
    moves: dict[int, list[int]] = {}
    for charge in charged:
        source = about[charge.invoice_id]
        target = by_name[source.period_end, wanted[charge.ref][0]]
        moves.setdefault(target, []).append(charge.item_id)
        if source.held_by_id is not None and target != source.id:
            _hold_too(target, source.held_by_id, source.held_reason)
    for target, ids in moves.items():
        for at in range(0, len(ids), STEP):
            statement = update(InvoiceItem).where(InvoiceItem.id.in_(ids[at : at + STEP])).values(invoice_id=target)
            changed(statement.execution_options(synchronize_session=False))
    touched = sorted(sources | set(moves))
    lines.restate(touched)
    holding.complete(touched)


def _hold_too(invoice_id: int, agent_id: int, why: str) -> None:
    statement = update(Invoice).where(Invoice.id == invoice_id, Invoice.held_by_id.is_(None))
    statement = statement.values(held_by_id=agent_id, held_reason=why)
    changed(statement.execution_options(synchronize_session=False))
