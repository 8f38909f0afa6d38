"""Joining two drivers who are one person: one transaction, all or nothing, once, as it was shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select, update

from app.extensions import db
from app.models import CardRequest, Driver, DriverMerge, Registration, Trainer
from app.models.card import OPEN_STATES
from app.models.registration import CERTIFICATE
from app.services.accounts import link as account_link
from app.services.amendments import cards, papers
from app.services.amendments.alone import card_state
from app.services.core import actor, clock, outbox
from app.services.core.reason import reason as reason_of
from app.services.core.refusal import Refusal
from app.services.core.taking import changed, taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import certificate_mail, webhook_events

from . import effects, mails
from .effects import AFTER, JOINED, KEPT, Account, Effects, NotTwo, account_of
from .hanging import CARDS, LED, REGISTRATIONS, TRAINERS
from .holding import hold
from .ledger import Moves

SUBJECT = "driver"
#: Why an FCO certificate was revoked, as the register keeps it; whoever reads it learns nothing of the other record.
WHY = "FCO par modules comptée de nouveau, l’identité du conducteur étant corrigée"
MISSING = "Dites pourquoi ces deux fiches sont celles d’une seule personne."


class AlreadyJoined(Refusal):
    """A second click, another tab, another agent."""

    message = "Ces deux fiches sont déjà réunies : rien n’a été fait une seconde fois."


class Changed(Refusal):
    """What hangs on the drivers is no longer what the agent was shown."""

    message = "Une donnée a changé depuis que les effets vous ont été montrés. Rien n’a été fait : relisez-les."


def look(kept_id: int, joined_id: int) -> Effects:
    """Return what joining two drivers would bring about; raise as :func:`join`, but for the reason; LookupError for none."""
    kept, joined = db.session.get(Driver, kept_id), db.session.get(Driver, joined_id)
    if kept is None or joined is None:
        raise LookupError((kept_id, joined_id))
    _require_two(kept, joined)
    return effects.foresee(kept, joined)


def join(kept_id: int, joined_id: int, agent_id: int, reason: str, *, shown: str) -> int:
    """Make ``joined`` another identity of ``kept``, with all that hangs on it, and return the merger's id.

    ``shown``: the version of the effects that the agent was shown. Raises `ReasonNeeded`, :class:`AlreadyJoined`,
    :class:`Changed`, `effects.NotTwo`, `effects.TwoAccounts` or `holding.Busy`.
    """
    why = reason_of(reason, MISSING)
    with transaction(durable=True), actor.acting(actor.PROGRAM):
        hold({kept_id, joined_id})
        free = Driver.id == joined_id, Driver.same_as_id.is_(None)
        if not taken(update(Driver).where(*free).values(code_series=Driver.code_series + 1)):
            raise AlreadyJoined
        kept, joined = db.session.get_one(Driver, kept_id), db.session.get_one(Driver, joined_id)
        _require_two(kept, joined)
        found = effects.foresee(kept, joined)
        if found.version != shown:
            raise Changed
        merge = _write(found, agent_id, why)
    outbox.ring()
    return merge


def _require_two(kept: Driver, joined: Driver) -> None:
    if joined.same_as_id == kept.id:
        raise AlreadyJoined
    if kept.id == joined.id or kept.same_as_id is not None or joined.same_as_id is not None:
        raise NotTwo


def _write(found: Effects, agent_id: int, why: str) -> int:
    kept, joined, ids = found.kept.driver, found.joined.driver, found.joined.ids
    kept_id, joined_id = kept.id, joined.id
    before = {KEPT: account_of(kept), JOINED: account_of(joined)}
    stays = before.get(found.account)
    merge = DriverMerge(
        kept_id=kept_id,
        joined_id=joined_id,
        reason=why,
        at=clock.now(),
        by_id=agent_id,
        hung={KEPT: found.kept.ids, JOINED: ids},
        accounts={
            **{side: account.told() if account else None for side, account in before.items()},
            AFTER: stays.person_id if stays else None,
        },
        effects={"lost": list(found.moves.lost), "gained": list(found.moves.gained)},
    )
    db.session.add(merge)
    give({joined: None, kept: stays})
    move(ids, kept, func.coalesce(Registration.registered_as_id, joined_id))
    joined.same_as_id = kept_id
    kept.code_series += 1
    db.session.flush()
    settle(found.moves, agent_id)
    journal.record(
        "driver.merged",
        SUBJECT,
        kept_id,
        actor_id=agent_id,
        after={"driver": joined_id, "registrations": ids[REGISTRATIONS]},
        reason=why,
    )
    if kept.person_id is not None:
        account_link.mail_certificates(kept)
        mails.tell_joined(merge, kept)
    return merge.id


def give(accounts: dict[Driver, Account | None]) -> None:
    """Let each driver have this account, or none; an account leads to one driver at any moment. No commit."""
    for driver in accounts:
        driver.person_id, driver.proof, driver.proved_at = None, "", None
    db.session.flush()
    for driver, account in accounts.items():
        if account is not None:
            driver.person_id, driver.proof, driver.proved_at = account.person_id, account.proof, account.proved_at
    db.session.flush()


def move(ids: dict[str, list[int]], to: Driver, registered_as: Any) -> None:
    """Hang rows (kind → ids) on a driver; ``registered_as``: as SQL, the identity its registrations say from now on. No commit.

    A request for a card that is not made yet takes the identity of its driver.
    """
    to_id, identity = to.id, {"birth_date": to.birth_date, "permit_number": to.permit_number}
    _update(Registration, ids[REGISTRATIONS], driver_id=to_id, registered_as_id=registered_as)
    _update(Trainer, ids[TRAINERS], driver_id=to_id)
    _update(CardRequest, ids[CARDS], driver_id=to_id)
    identify_cards(ids[CARDS], identity)
    _update(Driver, ids[LED], same_as_id=to_id)


def identify_cards(ids: Iterable[int], values: dict[str, Any]) -> list[int]:
    """Give the requests that are not in the making yet these values of an identity; return their ids. No commit."""
    open_ = CardRequest.id.in_(list(ids)), CardRequest.state.in_(OPEN_STATES)
    concerned = list(db.session.execute(select(CardRequest.id).where(*open_)).scalars())
    _update(CardRequest, concerned, **values)
    return concerned


def _update(model: Any, ids: Iterable[int], **values: Any) -> None:
    wanted = list(ids)
    if wanted:
        statement = update(model).where(model.id.in_(wanted)).values(**values)
        changed(statement.execution_options(synchronize_session=False))
        db.session.expire_all()


def settle(moves: Moves, agent_id: int) -> None:
    """Revoke the FCO certificates that are due no more, write those that are, and let requests for a card follow. No commit."""
    certificates = papers.revoke(list(moves.lost), WHY, CERTIFICATE)
    papers.gain(moves.gained, agent_id, moves.days)
    papers.note_lost(moves.lost, agent_id)
    certificate_mail.make_cancelled_due(certificates)
    for lost in moves.lost:
        cards.hold(lost)
        heir = moves.heirs.get(lost)
        new = db.session.get(Registration, heir) if heir and card_state(heir) is None else None
        cards.settle(lost, new, agent_id)
    webhook_events.revoked(list(moves.lost))
