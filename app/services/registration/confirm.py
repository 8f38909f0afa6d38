"""Registering a batch: the legal act, billed. One transaction; whatever is sent twice, it is done once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.extensions import db
from app.models import Batch
from app.models.batch import FILE, READY, REGISTERED, REGISTERING
from app.models.centre import REGISTER
from app.services.billing import ceilings
from app.services.core import clock, numbers, outbox
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import webhook_events
from app.services.rights import access
from app.validators.batch import Row
from app.validators.memory import collector_paused

from . import analysis, announced, batches
from .rows import Written, write_lines

__all__ = ["Changed", "HasErrors", "NotChecked", "Outcome", "Written", "conclude", "register", "write_lines"]


class NotChecked(Refusal):
    """The last check does not stand: a line changed since, or it found an error."""

    message = "Des lignes ont changé depuis la dernière vérification. Cliquez sur « Vérifier » avant d’importer."


class Changed(Refusal):
    """The lines are no longer those whose amount the person was shown."""

    message = "Des lignes ont changé depuis que le montant vous a été montré. Rien n’a été enregistré : vérifiez-le de nouveau."


class HasErrors(Refusal):
    """The batch, judged again at confirmation, has an error: nothing was registered."""

    message = "Une nouvelle vérification a trouvé des erreurs. Rien n’a été enregistré : corrigez les lignes signalées."


@dataclass(frozen=True, slots=True)
class Outcome:
    """The receipt's number, and whether this very call registered the batch (False: it was done before)."""

    receipt_number: str
    is_new: bool


def register(
    batch_id: int,
    person_id: int,
    *,
    ordered: bool = False,
    shown: int | None = None,
    told: announced.Told | None = None,
) -> Outcome:
    """Register every kept line of a batch, all or none, and return the receipt's number.

    A batch already registered answers with its receipt. ``ordered``: it waits in « registering » for a job to do it.
    ``shown``: the version of the batch of which the person was told lines and amount; ``told``: what they were told of costs
    and of documents withheld.
    Raises `access.NotAllowed` (contract or right gone),
    :class:`NotChecked`, :class:`Changed`, `pricing.NoTariff`, `ceilings.OverCeiling`, :class:`HasErrors` or
    `announced.NewFacts`; of the last two
    the new check is kept on the batch.
    """
    with collector_paused(), transaction(durable=True):
        # The conditional update comes first: it takes the lock, so that a twin waits here and then finds « registered ».
        if not batches.transition(batch_id, REGISTERING, only_from=(REGISTERING if ordered else READY,)):
            return _already(batch_id)
        batch = db.session.get_one(Batch, batch_id, populate_existing=True)
        require_as_shown(batch, shown)
        access.require(person_id, batch.centre_id, REGISTER)
        announced.hold(batch.centre_id)
        found, version = analysis.analyse(batch, person_id, asked=False, alike=False), batch.version
        fresh = announced.news(batch, found, told) if found.report.importable else []
        is_done = found.report.importable and not fresh
        if is_done:
            number = _write(batch, found, person_id)
        else:
            db.session.rollback()
    if not is_done:
        _keep(batch_id, person_id, version, fresh)
        raise announced.NewFacts(fresh) if fresh else HasErrors
    outbox.ring()
    return Outcome(number, is_new=True)


def _keep(batch_id: int, person_id: int, version: int, fresh: list[Row]) -> None:
    """Keep on the batch the check that stopped its registration; the lines that are new in it come first.

    It is told without being paid for: the strangers in it are counted now (`rights.asking`).
    """
    with transaction():
        found = analysis.analyse(db.session.get_one(Batch, batch_id), person_id)
        batches.transition(batch_id, READY, only_from=(REGISTERING,))
        analysis.store(batch_id, found, version, [row.line.number for row in fresh])
        if not fresh:
            webhook_events.refused(db.session.get_one(Batch, batch_id), found.report)
    outbox.ring()


def require_as_shown(batch: Batch, shown: int | None) -> None:
    """Raise :class:`NotChecked` or :class:`Changed` unless the last check stands, and for the version that was shown."""
    if not batch.is_checked:
        raise NotChecked
    if shown is not None and batch.version != shown:
        raise Changed


def _already(batch_id: int) -> Outcome:
    batch = db.session.get_one(Batch, batch_id, populate_existing=True)
    if batch.state != REGISTERED:
        raise NotChecked if batch.is_open else batches.BatchClosed
    return Outcome(str(batch.receipt_number), is_new=False)


def _write(batch: Batch, found: analysis.Analysis, person_id: int) -> str:
    """Write a checked batch's lines, its state and the journal; return the receipt's number."""
    batch_id, centre_id = batch.id, batch.centre_id
    count = len(write_lines(batch_id, centre_id, found))
    if batch.mode == FILE:
        batches.forget_addresses_aside(batch_id)
    ceilings.hold(centre_id, {row.line.order_number for row in found.report.rows})
    return conclude(batch_id, centre_id, found, person_id, count)


def conclude(
    batch_id: int,
    centre_id: int,
    found: analysis.Analysis,
    person_id: int,
    count: int,
    origin: dict[str, str] | None = None,
    *,
    tells: bool = True,
    **changes: Any,
) -> str:
    """Move a batch whose lines are written to « registered », note it in the journal, tell the centre's software; return
    the receipt's number.

    ``origin`` says in the journal by what means the person acted; ``tells`` is False where the caller knows that no software
    listens; ``changes`` are further columns of the batch.
    """
    number = numbers.public_number(numbers.RECEIPT, clock.today().year)
    batches.transition(
        batch_id,
        REGISTERED,
        registered_at=clock.now(),
        registered_by_id=person_id,
        receipt_number=number,
        summary=analysis.summary(found.report),
        **changes,
    )
    journal.record(
        "batch.registered",
        "batch",
        batch_id,
        actor_id=person_id,
        centre_id=centre_id,
        after={"receipt": number, "registrations": count, **(origin or {})},
    )
    if tells:
        webhook_events.confirmed(batch_id, centre_id, count)
    return number
