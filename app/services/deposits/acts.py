"""What agents do about what the platform said: accept a refusal, contest it, note a document added or a routing put right,
deposit again, undo and bill anew. Each is written beside the events it answers, for as long as the invoice is kept.
"""

from __future__ import annotations

import secrets

from sqlalchemy import select

from app.extensions import db
from app.models import Deposit, Invoice, InvoiceEvent
from app.models.billing.deposits import ACKNOWLEDGED, DUE, FAILED, SENT, TEXT_MAX
from app.models.billing.invoices import CREDIT_NOTE
from app.services.core import actor, clock, numbers, outbox
from app.services.core import reason as reasons
from app.services.core.dialect import be_the_writer
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.invoicing import credit_notes
from app.services.journal import record as journal
from app.validators.fields import visible

from . import depositing, event_mail, statuses
from .codes import STICKY, WAITING, Act, Code

#: What a note to the centre answers.
CONTESTABLE = (Code.REFUSED, Code.DISPUTED, Code.PARTLY_APPROVED)
#: Who says it, where the platform does not.
REGISTER = "register"
NOTE_MISSING = f"Écrivez ce qui est à dire : de 1 à {numbers.grouped(TEXT_MAX)} caractères."


class Moved(Refusal):
    """What is shown of the invoice is no more what the act answers."""

    message = "Le statut de cette facture a changé, ou un agent y a déjà répondu : rien n’a été fait. Relisez-la."


class UnderWay(Refusal):
    """The deposit is on its way: whether the buyer has the invoice is not known yet."""

    message = (
        "Le dépôt de cette facture est en cours : l’acheteur la recevra peut-être. Rien n’a été fait ;"
        " recommencez quand le dépôt a abouti ou échoué."
    )


def accept(invoice_id: int, shown_id: int, why: str, agent_id: int, *, bills_again: bool) -> None:
    """Accept a refusal: an internal credit note of the whole invoice, billed anew at once or with the next month.

    ``shown_id``: the event that the agent was shown. Raises :class:`Moved`, `reason.ReasonNeeded`, or what
    `credit_notes.undo` raises.
    """
    kept = reasons.reason(why, "Dites pourquoi le refus est accepté : la raison figure sur l’avoir.")
    with transaction(durable=True), actor.acting(actor.PROGRAM):
        event = _shown(invoice_id, shown_id, (Code.REFUSED,))
        credit_notes.undo(invoice_id, kept, agent_id, internal=True, rebills=bills_again)
        _write(invoice_id, Act.ACCEPTED, kept, agent_id, event)
    outbox.ring()


def bill_again(invoice_id: int, why: str, agent_id: int) -> bool:
    """Undo what is left of an invoice and have it billed anew; return whether its credit note is internal.

    It is where the buyer never had the invoice (not deposited, rejected) or refused it; else the credit note is deposited too.
    Raises :class:`UnderWay`, `reason.ReasonNeeded`, or what `credit_notes.undo` raises.
    """
    kept = reasons.reason(why, "Dites pourquoi cette facture est annulée et refaite : la raison figure sur l’avoir.")
    with transaction(durable=True), actor.acting(actor.PROGRAM):
        be_the_writer(Invoice)
        internal, event = is_internal(invoice_id), statuses.word(invoice_id)
        credit_notes.undo(invoice_id, kept, agent_id, internal=internal, rebills=True)
        _write(invoice_id, Act.BILLED_AGAIN, kept, agent_id, event)
    outbox.ring()
    return internal


def is_internal(invoice_id: int) -> bool:
    """Tell whether a credit note of the whole invoice goes to nobody; raise :class:`UnderWay` where that is not known yet."""
    event, attempts = statuses.word(invoice_id), depositing.of_invoice(invoice_id)
    if event is not None:
        return event.code in STICKY
    last = attempts[0] if attempts else None
    if last is None or (last.state == FAILED and last.next_at is None):
        return True
    if last.state in (DUE, FAILED):
        raise UnderWay
    return last.state not in (SENT, ACKNOWLEDGED)


def contest(invoice_id: int, shown_id: int, note: str, agent_id: int) -> None:
    """Answer a refusal, a dispute or a partial approval by a note to the centre: mailed, and shown on its invoice. Of a credit
    note, which nothing undoes, whatever is said of it is answered so.

    Raises :class:`Moved`, `reason.ReasonNeeded`.
    """
    text = _note(note)
    with transaction(), actor.acting(actor.PROGRAM):
        is_note = db.session.scalar(select(Invoice.kind).where(Invoice.id == invoice_id)) == CREDIT_NOTE
        event = _shown(invoice_id, shown_id, WAITING if is_note else CONTESTABLE)
        answer = _write(invoice_id, Act.CONTESTED, text, agent_id, event)
        event_mail.contested(answer, answer.invoice.centre_id)
    outbox.ring()


def complete(invoice_id: int, shown_id: int, note: str, agent_id: int) -> None:
    """Note that the document which a suspended invoice lacked was handed in (status 209). Raises as :func:`contest`."""
    text = _note(note)
    with transaction(), actor.acting(actor.PROGRAM):
        event = _shown(invoice_id, shown_id, (Code.SUSPENDED,))
        _write(invoice_id, Code.COMPLETED, text, agent_id, event)


def recycle(invoice_id: int, shown_id: int, note: str, agent_id: int) -> None:
    """Note that the routing of an invoice « à recycler » was put right at Chorus Pro: it goes on under its own number.

    Raises as :func:`contest`.
    """
    text = _note(note)
    with transaction(), actor.acting(actor.PROGRAM):
        event = _shown(invoice_id, shown_id, (Code.TO_RECYCLE,))
        _write(invoice_id, Act.RECYCLED, text, agent_id, event)


def deposit_again(invoice_id: int, agent_id: int) -> None:
    """Deposit again an invoice whose deposit failed for good. Raises :class:`Moved`."""
    with transaction(), actor.acting(actor.PROGRAM):
        _lock(invoice_id)
        query = select(Deposit).where(Deposit.invoice_id == invoice_id, depositing.given_up())
        found = db.session.execute(query).scalar_one_or_none()
        if found is None:
            raise Moved
        depositing.again(found)
        _write(invoice_id, Act.DEPOSITED_AGAIN, "", agent_id)
    outbox.ring()


def _note(text: str) -> str:
    """Return a note as it is kept; raise `reason.ReasonNeeded`."""
    kept = " ".join(visible(text).split())
    if not 0 < len(kept) <= TEXT_MAX:
        raise reasons.ReasonNeeded(NOTE_MISSING)
    return kept


def _lock(invoice_id: int) -> None:
    """Have agents who act on one invoice at once wait for each other."""
    be_the_writer(Invoice)
    db.session.execute(select(Invoice.id).where(Invoice.id == invoice_id).with_for_update())


def _shown(invoice_id: int, shown_id: int, codes: tuple[Code, ...]) -> InvoiceEvent:
    """Return the event that is answered; raise :class:`Moved` unless it is what is shown, of one of these codes and answered by
    nobody.
    """
    _lock(invoice_id)
    event = statuses.word(invoice_id)
    if event is None or event.id != shown_id or event.code not in codes or statuses.answer_to(event) is not None:
        raise Moved
    return event


def _write(
    invoice_id: int, code: Act | Code, text: str, agent_id: int, answers: InvoiceEvent | None = None
) -> InvoiceEvent:
    """Keep an act; it is not dated before what it answers, whose clock may be ahead of ours."""
    now = clock.now()
    event = InvoiceEvent(
        invoice_id=invoice_id,
        code=str(code),
        happened_at=max(now, answers.happened_at) if answers else now,
        received_at=now,
        text=text,
        platform=REGISTER,
        platform_event_id=secrets.token_hex(12),
        by_id=agent_id,
    )
    db.session.add(event)
    db.session.flush()
    centre_id = db.session.scalar(select(Invoice.centre_id).where(Invoice.id == invoice_id))
    about = {"code": str(code)}
    journal.record(
        "invoice.answered", "invoice", invoice_id, actor_id=agent_id, centre_id=centre_id, after=about, reason=text
    )
    return event
