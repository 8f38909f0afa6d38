"""What keeps a draft from being issued: what its centre or the operator has still to fill in, or an agent's decision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select, update

from app.extensions import db
from app.models import BillingProfile, Centre, Invoice
from app.models.billing.invoices import HELD_MAX
from app.services.core import actor, reason
from app.services.core.refusal import Refusal
from app.services.core.taking import changed, taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal

from . import alerts, grouping, missing

#: What parts the reasons of one draft.
AND = " ; "


class Moved(Refusal):
    """The draft is no longer the one that was shown: held, freed or rebuilt meanwhile."""

    message = "Cette facture a changé depuis que vous l’avez ouverte. Rien n’a été fait : relisez-la."


def complete(invoice_ids: Sequence[int], *, tell: bool = False) -> None:
    """Note on drafts what holds them, unless an agent does; a centre's profile is looked at once, whatever its drafts.

    ``tell``: who sees to a centre's invoices is told of what comes to hold one, once an invoice and reason.
    """
    query = (
        select(Invoice.centre_id, Centre, BillingProfile)
        .join(Centre, Centre.id == Invoice.centre_id)
        .outerjoin(BillingProfile, BillingProfile.centre_id == Invoice.centre_id)
        .where(Invoice.id.in_(invoice_ids))
        .distinct()
    )
    for centre_id, centre, profile in db.session.execute(query).tuples().all():
        why = reasons(centre, profile)
        own = (Invoice.centre_id == centre_id, *grouping.BILLS, Invoice.held_by_id.is_(None))
        statement = update(Invoice).where(*own, Invoice.held_reason != why).values(held_reason=why)
        if changed(statement.execution_options(synchronize_session=False)) and why and tell:
            alerts.held(centre_id)
    db.session.expire_all()


@actor.acting(actor.PROGRAM)
def review(centre_id: int) -> None:
    """Note anew what holds a centre's drafts, and that none is proved, in the caller's transaction: its profile has changed."""
    ids = grouping.hold(Invoice.centre_id == centre_id)
    unproved = update(Invoice).where(Invoice.id.in_(ids)).values(proved_hash="")
    changed(unproved.execution_options(synchronize_session=False))
    complete(ids)


def reasons(centre: Centre, profile: BillingProfile | None) -> str:
    """Return all that holds a centre's invoices, as one text; empty where nothing does."""
    return _one(one.sentence for one in missing.of_centre(centre, profile))


def waits_for_vat(draft: Invoice) -> bool:
    """Tell whether all that holds a draft is a VAT that an agent has still to confirm."""
    return draft.held_by_id is None and draft.held_reason.startswith(missing.VAT_TO_CONFIRM)


def _one(sentences: Iterable[str]) -> str:
    text = AND.join(sentences)
    return text if len(text) <= HELD_MAX else text[: HELD_MAX - 1] + "…"


def hold(invoice_id: int, agent_id: int, typed: str) -> None:
    """Keep a draft from being issued, for a reason, until an agent frees it; raise :class:`Moved` or `reason.ReasonNeeded`."""
    why = reason.reason(typed, "Dites pourquoi cette facture est retenue : le centre le lit.")
    with transaction():
        own = (Invoice.id == invoice_id, *grouping.BILLS, Invoice.held_by_id.is_(None))
        if not taken(update(Invoice).where(*own).values(held_by_id=agent_id, held_reason=why)):
            raise Moved
        _note("invoice.held", invoice_id, agent_id, why)


def free(invoice_id: int, agent_id: int) -> None:
    """Free a draft that an agent holds; what is missing holds it still. Raise :class:`Moved`."""
    with transaction():
        own = (Invoice.id == invoice_id, *grouping.BILLS, Invoice.held_by_id.is_not(None))
        if not taken(update(Invoice).where(*own).values(held_by_id=None, held_reason="")):
            raise Moved
        _note("invoice.freed", invoice_id, agent_id, "")
        with actor.acting(actor.PROGRAM):
            complete([invoice_id], tell=True)


def _note(act: str, invoice_id: int, agent_id: int, why: str) -> None:
    row = db.session.get_one(Invoice, invoice_id)
    journal.record(act, "invoice", row.id, actor_id=agent_id, centre_id=row.centre_id, reason=why)
