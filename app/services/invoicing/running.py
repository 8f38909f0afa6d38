"""The run of a month: drafts built, proved, issued. Each step starts again from what the base holds; twice is harmless.

A job that issues takes a share of some seconds and makes the next share due: a country's month takes minutes, which no job has.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select, tuple_, update

from app.extensions import db
from app.models import Centre, Invoice, InvoiceRun
from app.models.billing.invoices import CREDIT_NOTE, DRAFT, INVOICE, ISSUED
from app.models.billing.runs import RunState
from app.models.outbox import ISSUE
from app.services.billing import drafts, missing, months
from app.services.core import actor, clock, outbox
from app.services.core.dialect import insert_if_new
from app.services.core.refusal import Refusal
from app.services.core.taking import changed, taken
from app.services.core.transaction import transaction

from . import issuing, numbering, proving

#: Day of the month from which the night issues; it builds drafts from the 1st.
ISSUE_ON = 3


#: Where a draft stands among those to be issued; empty: before the first.
Place = Sequence[Any]


@dataclass
class Issued:
    """What an issue did: the numbers given, and why the others took none (a sentence, how many).

    ``after``: the place of the last draft tried where the time was up before all were, else empty.
    """

    numbers: list[str] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    after: Place = ()


@actor.acting(actor.PROGRAM)
def build(month: date) -> drafts.Built:
    """Build the drafts of a month that is over, or bring them up to date; raise what `drafts.build` raises."""
    run_id = _open(month)
    built = drafts.build(month)
    with transaction():
        _note(run_id, month, RunState.BUILT, unless=(RunState.ISSUING, RunState.DONE))
    return built


@actor.acting(actor.PROGRAM)
def issue(
    month: date,
    by: proving.Judge | None,
    agent_id: int | None = None,
    *,
    after: Place = (),
    seconds: float | None = None,
) -> Issued:
    """Issue what is ready of a month beyond a place, for so many seconds (None: all), by centre and order number.

    Safe to run again, or twice at once.
    """
    run_id = _open(month)
    _reach(run_id, month)
    done = _issue_all(_ready(month, after), by, agent_id, seconds)
    _reach(run_id, month)
    return done


@actor.acting(actor.PROGRAM)
def issue_credits(by: proving.Judge | None, *, after: Place = (), seconds: float | None = None) -> Issued:
    """Issue the credit notes that wait beyond a place, for so many seconds (None: all)."""
    waiting = select(Invoice.id, Invoice.id).where(Invoice.state == DRAFT, Invoice.kind == CREDIT_NOTE)
    if after:
        waiting = waiting.where(Invoice.id > after[0])
    return _issue_all(waiting.order_by(Invoice.id), by, None, seconds)


def nightly() -> None:
    """Build what this night asks for, from the 1st on, and make due what it issues, from the 3rd on, until the run of the month
    before is done; in the caller's transaction.
    """
    today = clock.today()
    month = months.before(today)
    if missing.seller_on(today) is None:
        return
    run = of(month)
    if run is None or today.day < ISSUE_ON or run.state in (RunState.BUILDING, RunState.BUILT):
        build(month)
    outbox.add(ISSUE, [{"credits": True}])
    if today.day >= ISSUE_ON and (run is None or run.state != RunState.DONE or ready(month)):
        outbox.add(ISSUE, [{"month": month.isoformat(), "agent": None}])


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


def _reach(run_id: int, month: date) -> None:
    """Note that the run issues, or that nothing is left to issue; the day it was done stays."""
    state = RunState.ISSUING if ready(month) else RunState.DONE
    with transaction():
        _note(run_id, month, state, unless=(state,))


def ready(month: date) -> list[int]:
    """Return the drafts of a month that nothing holds, in the order of centres and order numbers."""
    return list(db.session.execute(_ready(month)).scalars())


def _ready(month: date, after: Place = ()) -> Select[*tuple[Any, ...]]:
    """Return the query of these drafts beyond a place, each with its place."""
    place = (Centre.name, Invoice.centre_id, Invoice.order_number, Invoice.id)
    last = months.last_of(month)
    query = (
        select(Invoice.id, *place)
        .join(Centre, Centre.id == Invoice.centre_id)
        .where(Invoice.period_end == last, Invoice.kind == INVOICE, Invoice.state == DRAFT, Invoice.held_reason == "")
        .order_by(*place)
    )
    return query.where(tuple_(*place) > tuple_(*after)) if after else query


def _issue_all(
    drafts_: Select[*tuple[Any, ...]], by: proving.Judge | None, agent_id: int | None, seconds: float | None
) -> Issued:
    done, until = Issued(), time.monotonic() + seconds if seconds is not None else None
    for invoice_id, *place in db.session.execute(drafts_).tuples().all():
        if until is not None and done.after and time.monotonic() > until:
            return done
        done.after = place
        try:
            done.numbers.append(issuing.issue(invoice_id, by, agent_id))
        except issuing.Held:
            continue  # issued by another, or changed meanwhile: the base says which
        except numbering.Backwards:
            raise
        except Refusal as refusal:
            done.refused[refusal.message] = done.refused.get(refusal.message, 0) + 1
        db.session.rollback()
    done.after = ()
    return done
