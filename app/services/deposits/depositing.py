"""Handing issued invoices to the platform: due once their file is made, sent by the worker, acknowledged, or failed.

The platform is asked before anything is written: killed in between, the same file goes again under the same tracking id, which
is the same flow. A credit note that is internal goes to nobody, nor does an invoice that one has undone before it left.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import Deposit, Invoice
from app.models.billing.deposits import ACKNOWLEDGED, DUE, FAILED, SENT
from app.models.billing.invoices import CREDIT_NOTE, ISSUED
from app.models.outbox import DEPOSIT
from app.services.core import clock, outbox
from app.services.core.dialect import id_if_new
from app.services.core.taking import changed, taken
from app.services.invoicing import filing
from app.services.journal import record as journal

from . import platforms
from .platform import B2B, B2G, Answer, EInvoicePlatform, FlowRefused, Unreachable

log = structlog.get_logger()
#: Waits after each failed try; there are as many tries as waits and one, within 48 hours, then an agent decides.
WAITS = tuple(timedelta(minutes=m) for m in (1, 10, 60, 180, 360, 720, 1440))
TRIES = len(WAITS) + 1
#: A try that left no word of itself (a worker killed, a bell lost) is made again after this.
LEASE = timedelta(minutes=10)
#: Rows looked at in one round.
ROUND = 500
ERROR_MAX = 300


def file_and_deposit(invoice_id: int) -> None:
    """Make the file of an issued invoice, then make its deposit due; no commit."""
    filing.make(invoice_id)
    make_due(invoice_id)


def make_due(invoice_id: int) -> None:
    """Make due the first deposit of an invoice that is to be deposited and is not yet; no commit."""
    row = db.session.scalars(select(Invoice).where(Invoice.id == invoice_id, wanted())).first()
    if row is not None:
        _make(row, 1)


def catch_up() -> int:
    """Make due what was issued and filed, and never deposited; return how many there were. No commit."""
    rows = db.session.scalars(select(Invoice).where(wanted()).order_by(Invoice.id)).all()
    for row in rows:
        _make(row, 1)
    return len(rows)


def wanted() -> ColumnElement[bool]:
    """Return, as SQL about `Invoice`, whether it is to be deposited and never was."""
    has_deposit = exists().where(Deposit.invoice_id == Invoice.id)
    return (Invoice.state == ISSUED) & Invoice.path.is_not(None) & ~Invoice.internal & ~has_deposit & ~is_undone()


def is_undone(invoice: Any = Invoice) -> ColumnElement[bool]:
    """Return, as SQL about `Invoice` (or an alias of it), whether an internal credit note, issued or not yet, undoes it."""
    note = aliased(Invoice)
    return exists().where(note.corrects_id == invoice.id, note.kind == CREDIT_NOTE, note.internal).correlate(invoice)


def again(deposit: Deposit) -> None:
    """Make a failed deposit due again, in the caller's transaction: the same flow, or, where the platform has refused that
    flow, another attempt.
    """
    if deposit.flow_id is not None:
        _make(db.session.get_one(Invoice, deposit.invoice_id), deposit.attempt + 1)
        return
    own = (Deposit.id == deposit.id, Deposit.state == FAILED)
    if taken(update(Deposit).where(*own).values(**_now(DUE), tries=0, last_error="", next_at=_lease())):
        outbox.add(DEPOSIT, [{"deposit": deposit.id}])


def _make(invoice: Invoice, attempt: int) -> None:
    now, tracking_id = clock.now(), f"{invoice.public_number}/{attempt}"
    values = {"invoice_id": invoice.id, "attempt": attempt, "tracking_id": tracking_id, "sha256": invoice.sha256}
    state = {"state": DUE, "tries": 0, "made_at": now, "changed_at": now, "next_at": _lease()}
    id_ = id_if_new(Deposit, {**values, **state, "platform": platforms.current().name})
    if id_ is not None:
        outbox.add(DEPOSIT, [{"deposit": id_}])


def send(deposit_id: int) -> None:
    """Hand one due invoice to the platform and note what came of it; no commit. What is sent already is left alone."""
    deposit = db.session.get_one(Deposit, deposit_id, populate_existing=True)
    if deposit.state not in (DUE, FAILED) or deposit.next_at is None:
        return
    invoice = deposit.invoice
    if db.session.scalar(select(is_undone()).where(Invoice.id == invoice.id)):
        _move(deposit, state=FAILED, next_at=None, last_error="Annulée par un avoir avant son dépôt.")
        return
    rule = B2G if (invoice.buyer_json or {}).get("public_buyer") else B2B
    try:
        flow_id = platforms.current().submit(deposit.tracking_id, filing.pdf_of(invoice), invoice.sha256 or "", rule)
    except Unreachable as error:
        _failed(deposit, str(error), refused=False)
    except FlowRefused as refusal:
        _failed(deposit, str(refusal), refused=True)
    else:
        _move(deposit, state=SENT, flow_id=flow_id, last_error="", next_at=None)


def _failed(deposit: Deposit, why: str, *, refused: bool) -> None:
    tries = deposit.tries + 1
    next_at = None if refused or tries >= TRIES else clock.machine_now() + WAITS[tries - 1]
    log.warning("deposit failed", tracking_id=deposit.tracking_id, tries=tries, given_up=next_at is None)
    _move(deposit, state=FAILED, tries=tries, last_error=why[:ERROR_MAX], next_at=next_at)


def _move(deposit: Deposit, **values: Any) -> bool:
    """Change a deposit from the state it was read in; journalled where it comes, or comes no further."""
    id_, before, invoice_id = deposit.id, deposit.state, deposit.invoice_id
    moved = taken(
        update(Deposit)
        .where(Deposit.id == id_, Deposit.state == before, Deposit.tries == deposit.tries)
        .values(changed_at=clock.now(), **values)
    )
    if moved and (values["state"] != FAILED or values["next_at"] is None):
        centre_id = db.session.scalar(select(Invoice.centre_id).where(Invoice.id == invoice_id))
        after = {"state": str(values["state"]), "why": values.get("last_error", "")}
        journal.record("invoice.deposited", "invoice", invoice_id, actor_id=None, centre_id=centre_id, after=after)
    return moved


def retry_due() -> int:
    """Make due now the deposits whose time has come, and those of which nothing was heard; return how many. No commit."""
    now = clock.machine_now()
    late = (Deposit.state.in_((DUE, FAILED)), Deposit.next_at <= now)
    ids = list(db.session.execute(select(Deposit.id).where(*late).order_by(Deposit.id).limit(ROUND)).scalars())
    if ids:
        changed(update(Deposit).where(Deposit.id.in_(ids), *late).values(next_at=_lease()))
        outbox.add(DEPOSIT, [{"deposit": id_} for id_ in ids])
    return len(ids)


def acknowledge(platform: EInvoicePlatform) -> None:
    """Ask what became of the flows that are sent, those that were asked about longest ago first; no commit.

    Raises :class:`platform.Unreachable`.
    """
    query = select(Deposit).where(Deposit.state == SENT, Deposit.platform == platform.name)
    longest = query.order_by(Deposit.next_at.is_not(None), Deposit.next_at, Deposit.id).limit(ROUND)
    for deposit in db.session.execute(longest).scalars().all():
        answer = platform.acknowledgement(deposit.flow_id or "")
        if answer.answer is Answer.TAKEN:
            _move(deposit, state=ACKNOWLEDGED, last_error="", next_at=None)
        elif answer.answer is Answer.REFUSED:
            _move(deposit, state=FAILED, last_error=answer.reason[:ERROR_MAX], next_at=None)
        else:
            own = (Deposit.id == deposit.id, Deposit.state == SENT)  # another round may have been told meanwhile
            db.session.execute(update(Deposit).where(*own).values(next_at=clock.machine_now()))


def given_up() -> ColumnElement[bool]:
    """Return, as SQL about `Deposit`, whether it failed for good and an agent has to decide: none has followed it, and its
    invoice still stands.
    """
    later, above = aliased(Deposit), aliased(Invoice)
    followed = exists().where(later.invoice_id == Deposit.invoice_id, later.attempt > Deposit.attempt)
    stands = exists().where(above.id == Deposit.invoice_id, ~is_undone(above))
    return (Deposit.state == FAILED) & Deposit.next_at.is_(None) & ~followed & stands


def of_invoice(invoice_id: int) -> list[Deposit]:
    """Return the attempts to deposit an invoice, the last one first."""
    query = select(Deposit).where(Deposit.invoice_id == invoice_id).order_by(Deposit.attempt.desc())
    return list(db.session.execute(query).scalars())


def _now(state: str) -> dict[str, Any]:
    return {"state": state, "changed_at": clock.now()}


def _lease() -> Any:
    return clock.machine_now() + LEASE
