"""The run of a month: drafts built, proved, issued. Each step starts again from what the base holds; twice is harmless."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import structlog
from sqlalchemy import func, select, update

from app.extensions import db
from app.models import Centre, Invoice, InvoiceRun
from app.models.billing.invoices import CREDIT_NOTE, DRAFT, INVOICE, ISSUED
from app.models.billing.runs import RunState
from app.services.billing import drafts, missing, months
from app.services.core import actor, clock
from app.services.core.dialect import insert_if_new
from app.services.core.refusal import Refusal
from app.services.core.taking import changed, taken
from app.services.core.transaction import transaction

from . import issuing, numbering, proving

log = structlog.get_logger()
#: Day of the month from which the night issues; it builds drafts from the 1st.
ISSUE_ON = 3


@dataclass
class Issued:
    """What an issue did: the numbers given, and why the others took none (a sentence, how many)."""

    numbers: list[str] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)


@actor.acting(actor.PROGRAM)
def build(month: date) -> drafts.Built:
    """Build the drafts of a month that is over, or bring them up to date; raise what `drafts.build` raises."""
    run_id = _open(month)
    built = drafts.build(month)
    with transaction():
        _note(run_id, month, RunState.BUILT, unless=(RunState.ISSUING, RunState.DONE))
    return built


@actor.acting(actor.PROGRAM)
def issue(month: date, by: proving.Judge | None, agent_id: int | None = None) -> Issued:
    """Issue all that is ready of a month, in the order of centres and order numbers; safe to run again, or twice at once."""
    run_id = _open(month)
    with transaction():
        _note(run_id, month, RunState.ISSUING, unless=(RunState.ISSUING,))
    done = _issue_all(ready(month), by, agent_id)
    with transaction():
        _note(run_id, month, RunState.ISSUING if done.refused else RunState.DONE)
    return done


@actor.acting(actor.PROGRAM)
def issue_credits(by: proving.Judge | None) -> Issued:
    """Issue the credit notes that wait."""
    waiting = select(Invoice.id).where(Invoice.state == DRAFT, Invoice.kind == CREDIT_NOTE).order_by(Invoice.id)
    return _issue_all(list(db.session.execute(waiting).scalars()), by, None)


def nightly() -> None:
    """Do what this night asks for: build from the 1st on, issue from the 3rd on, until the run of the month before is done."""
    today = clock.today()
    month = months.before(today)
    if missing.seller_on(today) is None:
        return
    run = of(month)
    if run is None or today.day < ISSUE_ON or run.state in (RunState.BUILDING, RunState.BUILT):
        build(month)
    with proving.judge() as by:
        issue_credits(by)
        if today.day >= ISSUE_ON:
            done = issue(month, by)
            log.info(
                "invoices issued", month=f"{month:%Y-%m}", issued=len(done.numbers), refused=sum(done.refused.values())
            )


def of(month: date) -> InvoiceRun | None:
    """Return the run of a month, None while nobody has started it."""
    return db.session.scalars(select(InvoiceRun).where(InvoiceRun.period == months.first_of(month))).first()


def _open(month: date) -> int:
    """Return the id of the month's run, made where there is none; raise `drafts.NoSeller` or `drafts.NotYet`."""
    seller = missing.seller_on(clock.today())
    if months.last_of(month) >= clock.today():
        raise drafts.NotYet
    if seller is None:
        raise drafts.NoSeller
    with transaction():
        first = months.first_of(month)
        empty = {"drafts": 0, "held": 0, "issued": 0, "done_at": None, "started_at": clock.now()}
        insert_if_new(InvoiceRun, {"siren": seller.siren, "period": first, "state": RunState.BUILDING, **empty})
    query = select(InvoiceRun.id).where(InvoiceRun.siren == seller.siren, InvoiceRun.period == first)
    return int(db.session.execute(query).scalar_one())


def _note(run_id: int, month: date, state: RunState, unless: tuple[RunState, ...] = ()) -> None:
    """Note how far a run has come; where it is further already, its counts alone."""
    last = months.last_of(month)
    own = (Invoice.period_end == last, Invoice.kind == INVOICE)
    issued = db.session.scalar(select(func.count()).select_from(Invoice).where(*own, Invoice.state == ISSUED)) or 0
    built = drafts.of_month(last)
    counts = {"drafts": built.drafts, "held": built.held, "issued": issued}
    changed(update(InvoiceRun).where(InvoiceRun.id == run_id).values(counts))
    moved = {"state": state, "done_at": clock.now() if state == RunState.DONE else None}
    taken(update(InvoiceRun).where(InvoiceRun.id == run_id, InvoiceRun.state.not_in(unless)).values(moved))


def ready(month: date) -> list[int]:
    """Return the drafts of a month that nothing holds, in the order of centres and order numbers."""
    last = months.last_of(month)
    query = (
        select(Invoice.id)
        .join(Centre, Centre.id == Invoice.centre_id)
        .where(Invoice.period_end == last, Invoice.kind == INVOICE, Invoice.state == DRAFT, Invoice.held_reason == "")
        .order_by(Centre.name, Invoice.centre_id, Invoice.order_number)
    )
    return list(db.session.execute(query).scalars())


def _issue_all(ids: list[int], by: proving.Judge | None, agent_id: int | None) -> Issued:
    done = Issued()
    for invoice_id in ids:
        try:
            done.numbers.append(issuing.issue(invoice_id, by, agent_id))
        except issuing.Held:
            continue  # issued by another, or changed meanwhile: the base says which
        except numbering.Backwards:
            raise
        except Refusal as refusal:
            done.refused[refusal.message] = done.refused.get(refusal.message, 0) + 1
        db.session.rollback()
    return done
