"""Reminding of invoices: before they fall due, when they are late, each level once; nobody is reminded of what is disputed.

What a mail says is worked out as it leaves: paid, credited or stopped in the meantime, it is not sent.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, literal, or_, select, update
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import BillingProfile, Centre, Dunning, DunningPause, Invoice
from app.models.types import Money
from app.services.billing import alerts
from app.services.core import actor, clock, outbox
from app.services.core import reason as reasons
from app.services.core.dialect import id_if_new, insert_or_change
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import mail
from app.services.rights import recipients

from . import allocating, dunning_mail, interest, matching, settlement
from .settlement import ZERO
from .stops import is_stopped, open_, stopped

#: Level → days after the due day from which it is reached.
DAYS = {0: -5, 1: 5, 2: 15, 3: 30, 4: 60}
TASK = 4
PAUSE_MOST = timedelta(days=366)
PAGE = 50


class BadPause(Refusal):
    """A pause that has no end, or none to come."""


@actor.acting(actor.PROGRAM)
def nightly() -> int:
    """Remind of what has to be today, once a level, and return of how many invoices; safe to run again, or twice at once."""
    matching.run()
    return sum(_remind(invoice_id) for invoice_id in candidates(clock.today()))


def candidates(today: date) -> list[int]:
    """Return the invoices of which a level was reached that nobody was told of, nor of one after it."""
    reached = or_(*(_is_reached(level, today) for level in DAYS))
    query = select(Invoice.id).join(Centre, Centre.id == Invoice.centre_id).where(*open_(), reached, ~stopped(today))
    return list(db.session.execute(query.order_by(Invoice.due_on, Invoice.id)).scalars())


def _is_reached(level: int, today: date) -> ColumnElement[bool]:
    since = Invoice.due_on <= today - timedelta(days=DAYS[level])
    told = exists().where(Dunning.invoice_id == Invoice.id, Dunning.level >= level).correlate(Invoice)
    if level == 0:  # the State is not reminded before the day
        return since & (Invoice.due_on >= today) & ~Centre.is_public & ~told
    return since & ~told


def _remind(invoice_id: int) -> bool:
    """Write the level that an invoice has reached and make its mails due, in one transaction that holds the invoice."""
    today = clock.today()
    with transaction():
        allocating.hold_invoices([invoice_id])
        invoice = db.session.get_one(Invoice, invoice_id, populate_existing=True)
        left = settlement.one(invoice_id, today).due
        reached = [level for level in DAYS if _reaches(invoice, level, today)]
        if left <= ZERO or not reached or is_stopped(invoice_id, today):
            return False
        level = reached[-1]
        told = db.session.scalar(select(func.max(Dunning.level)).where(Dunning.invoice_id == invoice_id))
        if told is not None and told >= level:
            return False
        owed = interest.of(invoice, today) or ZERO
        row = {"invoice_id": invoice_id, "level": level, "day": today, "at": clock.now(), "due": left, "interest": owed}
        dunning_id = id_if_new(Dunning, {**row, "done_reason": ""})
        if dunning_id is None:
            return False
        if level != TASK:
            _tell(dunning_id, level, invoice.centre_id)
    outbox.ring()
    return True


def _reaches(invoice: Invoice, level: int, today: date) -> bool:
    if invoice.due_on is None or invoice.due_on > today - timedelta(days=DAYS[level]):
        return False
    return level > 0 or (invoice.due_on >= today and not invoice.centre.is_public)


def _tell(dunning_id: int, level: int, centre_id: int) -> None:
    """Make the mails of a level due: to the accounts, else who sees to invoices; late, to the representatives too."""
    named = db.session.scalar(select(BillingProfile.accounts_email).where(BillingProfile.centre_id == centre_id))
    accounts = [one.strip() for one in (named or "").split(",") if one.strip()]
    addresses = accounts or alerts.recipients(centre_id)
    if level:
        addresses = [*addresses, *(address for _, address in recipients.representatives(centre_id))]
    each = enumerate(dict.fromkeys(addresses), 1)
    rows = [{"recipient": one, "values": {"dunning": dunning_id, "to": rank}} for rank, one in each]
    mail.make_all_due(dunning_mail.KINDS[level], rows)


def of_invoice(invoice_id: int) -> list[Dunning]:
    """Return the levels that were reached of an invoice, the first one first."""
    query = select(Dunning).where(Dunning.invoice_id == invoice_id).options(joinedload(Dunning.done_by))
    return list(db.session.execute(query.order_by(Dunning.level)).scalars())


def pause_of(invoice_id: int) -> DunningPause | None:
    """Return the pause of an invoice that still runs."""
    own = (DunningPause.invoice_id == invoice_id, DunningPause.until >= clock.today())
    return db.session.scalars(select(DunningPause).where(*own).options(joinedload(DunningPause.by))).first()


def pause(invoice_id: int, until: date | None, why: str, agent_id: int) -> None:
    """Remind nobody of an invoice until a day (included); raise :class:`BadPause` or `reason.ReasonNeeded`."""
    today = clock.today()
    if until is None or not today <= until <= today + PAUSE_MOST:
        raise BadPause("Indiquez jusqu’à quel jour les relances sont suspendues : d’aujourd’hui à un an.")
    kept = reasons.reason(why, "Dites pourquoi les relances sont suspendues.")
    values = {"until": until, "reason": kept, "by_id": agent_id, "at": clock.now()}
    with transaction(), actor.acting(actor.PROGRAM):
        statement = insert_or_change(DunningPause.__table__, ["invoice_id"], values)  # type: ignore[arg-type]
        db.session.execute(statement, {"invoice_id": invoice_id, **values})
        after = {"until": until.isoformat()}
        journal.record("dunning.paused", "invoice", invoice_id, actor_id=agent_id, after=after, reason=kept)


def resume(invoice_id: int, agent_id: int) -> None:
    """End a pause now; raise :class:`BadPause` where none runs."""
    today = clock.today()
    with transaction(), actor.acting(actor.PROGRAM):
        own = (DunningPause.invoice_id == invoice_id, DunningPause.until >= today)
        if not taken(update(DunningPause).where(*own).values(until=today - timedelta(days=1))):
            raise BadPause("Les relances de cette facture ne sont pas suspendues.")
        journal.record("dunning.resumed", "invoice", invoice_id, actor_id=agent_id)


def counting() -> Select[Any]:
    """Return the query that counts the invoices, late by two months, that wait for an agent."""
    return select(func.count()).select_from(Dunning).join(Dunning.invoice).where(*_tasks())


def waiting() -> int:
    """Return how many of these tasks there are."""
    return db.session.scalar(counting()) or 0


def tasks() -> list[Dunning]:
    """Return the first of these tasks, the oldest first, each with its invoice and centre."""
    query = select(Dunning).join(Dunning.invoice).where(*_tasks()).order_by(Dunning.id).limit(PAGE)
    return list(db.session.execute(query.options(joinedload(Dunning.invoice).joinedload(Invoice.centre))).scalars())


def _tasks() -> tuple[ColumnElement[bool], ...]:
    return (Dunning.level == TASK, Dunning.done_at.is_(None), settlement.due() > literal(ZERO, Money))


def waits(dunning_id: int) -> bool:
    """Tell whether an invoice that is late by two months still waits for an agent."""
    own = (Dunning.id == dunning_id, Dunning.level == TASK, Dunning.done_at.is_(None))
    return bool(db.session.scalar(select(exists().where(*own))))


def done(dunning_id: int, why: str, agent_id: int) -> None:
    """Note what an agent did about an invoice that is late by two months; nothing else follows from it."""
    kept = reasons.reason(why, "Dites ce qui a été fait : appel, échéancier, mise en demeure…")
    with transaction(), actor.acting(actor.PROGRAM):
        waiting = (Dunning.id == dunning_id, Dunning.level == TASK, Dunning.done_at.is_(None))
        values = {"done_at": clock.now(), "done_by_id": agent_id, "done_reason": kept}
        if not taken(update(Dunning).where(*waiting).values(values)):
            raise allocating.Moved("Ce retard est déjà traité.")
        invoice_id = db.session.get_one(Dunning, dunning_id).invoice_id
        journal.record("dunning.done", "invoice", invoice_id, actor_id=agent_id, reason=kept)
