"""Cancelling a registration, or putting another in its place: one transaction, all or nothing, once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import exists, select, update

from app.extensions import db
from app.models import Accreditation, Batch, BatchLine, Cancellation, Registration
from app.models.amendment import CANCELLED, NONE, NOTE, REPLACED
from app.models.batch import CORRECTION, REGISTERING
from app.models.registration import CERTIFICATE, RECAP
from app.services.billing import drafts
from app.services.core import actor, clock, outbox
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import certificate_mail, webhook_events
from app.services.registration import analysis, confirm, facts, fco_modules
from app.services.registration import rows as registration_rows
from app.services.registration.rows import Inherited, Written
from app.services.rights import access
from app.services.rights.access import Reach
from app.validators.reading import parse_lines
from app.validators.remark import encode_remarks

from . import agent_mail, cards, money, papers, reports
from .effects import Effects, Foreseen, LineRefused, foresee, judge
from .orders import Order
from .orders import Who as Who

#: Why documents were revoked, as the register keeps it.
WHY = {
    CANCELLED: "Enregistrement annulé",
    REPLACED: "Enregistrement annulé et remplacé",
    "fco": "FCO par modules qui n’est plus atteinte, un enregistrement étant annulé",
}


class AlreadyCancelled(Refusal):
    """Somebody cancelled or replaced it before: a second click, another tab, an agent."""

    message = "Cet enregistrement est déjà annulé : rien n’a été fait une seconde fois."


class Changed(Refusal):
    """The effects are no longer those the person was shown."""

    message = "Une donnée a changé depuis que les effets vous ont été montrés. Rien n’a été fait : relisez-les."


class NeedsAgent(Refusal):
    """Situation B: an agent decides. The centre is told no more than that."""

    message = "Cette correction doit être décidée par un agent : envoyez-lui une demande."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done: the cancellation, and the new registration with its batch where there is one."""

    cancellation_id: int
    kind: str
    new: Written | None = None
    batch_key: str = ""
    receipt_number: str = ""


def look(registration: Registration, order: Order, who: Who) -> Effects:
    """Return what a correction would bring about; writes nothing but whom the centre asked about by it.

    Raises :class:`AlreadyCancelled`, `access.NotAllowed`, and what `effects.foresee` raises.
    """
    if not registration.is_live:
        raise AlreadyCancelled
    require(registration, who)
    return foresee(registration, order, _judged(registration, order, who)).effects


def amend(order: Order, who: Who, *, shown: str | None = None) -> Outcome:
    """Cancel or replace a registration, once; return what was done.

    ``shown``: the version of the effects that the person was shown. Raises :class:`AlreadyCancelled`, :class:`Changed`,
    :class:`NeedsAgent`, `access.NotAllowed`, what `effects.foresee` raises, or LookupError for one that never was.
    """
    try:
        with transaction(durable=True):
            outcome = carry_out(order, who, shown)
    except LineRefused:
        _judged(db.session.get_one(Registration, order.registration_id), order, who)
        raise
    outbox.ring()
    return outcome


def _judged(registration: Registration, order: Order, who: Who) -> analysis.Analysis | None:
    """Return the judgement of the new line, in a transaction that keeps whom the centre asked about by it."""
    if order.line is None:
        return None
    with transaction():
        return judge(registration, order, _reach(who))


def carry_out(order: Order, who: Who, shown: str | None) -> Outcome:
    """Do what :func:`amend` does, in the caller's transaction; the caller rings the outbox after the commit."""
    registration = _take(order)
    require(registration, who)
    foreseen = foresee(registration, order, judge(registration, order, _reach(who)))
    if shown is not None and foreseen.effects.version != shown:
        raise Changed
    if who.agent_id is None and foreseen.effects.needs_agent:
        raise NeedsAgent
    return _write(registration, order, who, foreseen)


def require(registration: Registration, who: Who) -> None:
    """Raise `access.NotAllowed` unless the person may register under the accreditation of a registration; agents may."""
    if who.agent_id is not None:
        return
    access.require(who.person_id, registration.centre_id, who.right)
    reach = access.reach_clause(Reach(who.person_id, (who.right,)))
    covered = exists().where(Accreditation.id == registration.accreditation_id, reach)
    if not db.session.scalar(select(covered)):
        raise access.NotAllowed("Votre droit ne s’étend pas à l’agrément de cet enregistrement.")


def _reach(who: Who) -> Reach | None:
    return Reach(who.person_id, (who.right,)) if who.agent_id is None else None


def _take(order: Order) -> Registration:
    """Lock the drivers concerned, in the order of their ids, then take the registration and the request for a card."""
    registration = db.session.get(Registration, order.registration_id, populate_existing=True)
    if registration is None:
        raise LookupError(order.registration_id)
    fco_modules.lock({registration.driver_id} | _driver_of(order))
    own = Registration.id == order.registration_id
    if not taken(update(Registration).where(own, Registration.live()).values(cancelled_on=clock.today())):
        raise AlreadyCancelled
    cards.hold(order.registration_id)
    row = db.session.get_one(Registration, order.registration_id)
    fco_modules.lock({row.driver_id})  # another one than before where two drivers were joined while this waited
    return row


def _driver_of(order: Order) -> set[int]:
    """Return the driver to whom the new line would lead, where the register knows one."""
    if order.line is None:
        return set()
    [line] = parse_lines([order.line], facts.load_catalogue())
    known = facts.load_drivers({line.driver_key}) if line.driver_key else {}
    return {row.id for row in known.values()}


def _write(registration: Registration, order: Order, who: Who, foreseen: Foreseen) -> Outcome:
    effects, kind = foreseen.effects, REPLACED if foreseen.found else CANCELLED
    id_, centre_id = registration.id, registration.centre_id
    certificates = papers.revoke([id_], WHY[kind], RECAP, CERTIFICATE)
    certificates += papers.revoke(list(effects.lost), WHY["fco"], CERTIFICATE)
    outcome = Outcome(0, kind)
    if foreseen.found is not None:
        outcome = _replace(registration, order, who, foreseen)
    papers.gain(effects.gained, who.actor_id)
    papers.note_lost(effects.lost, who.actor_id)
    with actor.acting(actor.PROGRAM):
        certificate_mail.make_cancelled_due(certificates)
    new = db.session.get_one(Registration, outcome.new.id) if outcome.new and effects.card_follows else None
    cards.settle(id_, new, who.actor_id)
    drafts.amended(registration, db.session.get_one(Registration, outcome.new.id) if outcome.new else None)
    row = _cancellation(order, who, effects, outcome, _settle(registration, order, who, effects))
    if who.is_agents_own:
        agent_mail.tell(row)
    act = "registration.replaced" if outcome.new else "registration.cancelled"
    journal.record(
        act,
        papers.SUBJECT,
        id_,
        actor_id=who.actor_id,
        centre_id=centre_id,
        before={"state": "registered"},
        reason=order.reason,
        after={
            "state": kind,
            "reason_code": order.reason_code,
            **({"replaced_by": outcome.new.id} if outcome.new else {}),
        },
    )
    webhook_events.cancelled(centre_id, id_, order.reason_code, outcome.new.id if outcome.new else None)
    webhook_events.revoked([id_, *effects.lost])
    reports.settle(id_, who.actor_id)
    return replace(outcome, cancellation_id=row.id)


def _settle(registration: Registration, order: Order, who: Who, effects: Effects) -> str:
    """Do what becomes of the money and return what; raise :class:`Changed` where it was invoiced since it was shown."""
    if money.invoiced(registration) != effects.invoiced:
        raise Changed
    if effects.moves != NOTE:
        return effects.moves
    if effects.new is None and not who.gives_back(order.reason_code):
        return NONE
    money.give_back(registration, order, who.actor_id)
    return NOTE


def _cancellation(order: Order, who: Who, effects: Effects, outcome: Outcome, credit: str) -> Cancellation:
    key, sent = who.call or (None, None)
    row = Cancellation(
        registration_id=order.registration_id,
        kind=outcome.kind,
        reason_code=order.reason_code,
        reason=order.reason,
        replaced_by_id=outcome.new.id if outcome.new else None,
        asked_by_id=who.person_id,
        decided_by_id=who.agent_id,
        at=clock.now(),
        credit=credit,
        effects=effects.told(),
        idempotency_key=key,
        request_hash=sent,
    )
    db.session.add(row)
    db.session.flush()
    return row


def _replace(registration: Registration, order: Order, who: Who, foreseen: Foreseen) -> Outcome:
    """Write the new registration, on a receipt of its own."""
    found, new = foreseen.found, foreseen.effects.new
    assert found is not None
    assert new is not None
    batch = _batch(registration.centre_id, found, who)
    inherited = Inherited(
        registration.root_id,
        (new.price, new.vat_rate) if new.keeps_price else None,
        new.certificate if new.keeps_days else None,
    )
    before = str(registration.batch.receipt_number)
    [written] = registration_rows.write_lines(batch.id, registration.centre_id, found, inherited)
    number = confirm.conclude(batch.id, registration.centre_id, found, who.person_id, 1, {"replaces": before})
    return Outcome(0, REPLACED, written, batch.key, number)


def _batch(centre_id: int, found: analysis.Analysis, who: Who) -> Batch:
    """Write the batch of a correction with its one line, as typed."""
    now = clock.machine_now()
    batch = Batch(
        centre_id=centre_id,
        created_by_id=who.person_id,
        mode=CORRECTION,
        state=REGISTERING,
        created_at=now,
        updated_at=now,
        version=1,
        checked_version=1,
        checked_at=clock.now(),
        next_number=2,
    )
    db.session.add(batch)
    db.session.flush()
    row = found.report.rows[0]
    db.session.add(
        BatchLine(
            batch_id=batch.id,
            number=row.line.number,
            rank=row.rank,
            remarks=encode_remarks(row.remarks),
            **row.line.raw.values(),
        )
    )
    db.session.flush()
    return batch
