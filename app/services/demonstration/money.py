"""The year's money: invoices issued on their days, paid by statements of the bank but for one, which is late and reminded of.

The worker makes it behind the start, for proving an invoice takes its time; each act by the service that does it, on its day.
Begun again after a kill, it goes on where it stopped: what is issued, paid or told stands, and is not done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial

from sqlalchemy import func, select

from app.extensions import db
from app.models import BankStatement, Centre, Invoice, Outbox, Registration
from app.models.billing.parties import PAYMENT_DAYS
from app.models.outbox import DEMONSTRATION
from app.services.billing import drafts, holding, missing, months, profiles
from app.services.core import clock, outbox
from app.services.core.transaction import transaction
from app.services.invoicing import proving, reference, running
from app.services.payments import dunning, importing, matching, settlement
from app.services.payments.stops import open_

from . import bank, demonstration, doors
from .bank import Transfer
from .doors import AGENT, Desk
from .plan import DEMO, NEIGHBOUR
from .waiting import Year

#: Why a draft of the last month waits.
HELD = "Le centre demande un autre numéro de commande."
#: Day of a month by which the centres have paid what was issued in it.
PAID_ON = 24
#: So many months ago the one began of which an invoice is still to be paid, and the one that is paid by the last statement.
LATE, NEWEST = 3, 2
#: Centre → from which account it pays.
PAYERS = {DEMO: "FR1420041010050500013M02606", NEIGHBOUR: "FR7610071440000000100200314"}
#: What came in last, and nobody knows yet what for.
UNKNOWN = Transfer("TRANSPORTS DU RHONE", "FR7630001007941234567890185", Decimal("152.04"), "REGLEMENT FORMATIONS")
#: What the account held before the first statement.
OPENING = Decimal("12500.00")

Act = Callable[[proving.Judge], object]


def neighbours_profile(year: Year) -> None:
    """Fill in how the public centre is billed, as an agent does for it."""
    centre = db.session.get_one(Centre, year.desk.centres[NEIGHBOUR])
    profiles.save(centre.id, profiles.values_of(centre, None), year.person(AGENT), agent=True)


def make_due(_year: Year) -> None:
    """Have the worker make the year's invoices."""
    with transaction():
        outbox.add(DEMONSTRATION, [{}])


def carry_out() -> None:
    """Issue, have paid and remind, in the order of the days; raise `demonstration.NotInProduction`."""
    demonstration.refuse_in_production()
    began = clock.machine_now()
    own = db.session.scalar(select(func.max(Outbox.id)).where(Outbox.kind == DEMONSTRATION)) or 0
    now, steps = clock.now(), sorted(_steps(clock.today()), key=lambda step: step[0])
    with proving.judge() as judge:
        for at, act in steps:
            with clock.moved(min(at, now)):
                act(judge)
            with transaction():
                outbox.put_behind(own, began)


def _steps(today: date) -> Iterator[tuple[datetime, Act]]:
    """Yield what is done when."""
    desk, this = doors.desk(), months.first_of(today)
    for month in _months(this):
        after, ago = months.after(month), _ago(month, this)
        issued_on = after.replace(day=running.ISSUE_ON)
        if issued_on <= today:
            yield _at(issued_on, running.ISSUE_ON), partial(_issue, desk, month, holds=ago == 1)
        if ago >= NEWEST:
            yield _at(after.replace(day=PAID_ON), 18), partial(_pay, desk, month, ago)
        if ago == LATE:
            due_on = issued_on + timedelta(days=PAYMENT_DAYS)
            for day in (due_on + timedelta(days=count) for count in dunning.DAYS.values()):
                if day < today:
                    yield _at(day, 4), lambda _judge: dunning.nightly()


def _months(this: date) -> Iterator[date]:
    """Yield the months in which somebody was registered, up to the last one that is over."""
    first = db.session.scalar(select(func.min(Registration.registered_on)))
    month = months.first_of(first) if first else this
    while month < this:
        yield month
        month = months.after(month)


def _ago(month: date, this: date) -> int:
    return (this.year - month.year) * 12 + this.month - month.month


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), clock.PARIS)


def _issue(desk: Desk, month: date, judge: proving.Judge, *, holds: bool) -> None:
    """Build the drafts of a month and issue them; where it ``holds``, an agent keeps one of the first centre's back."""
    running.build(month)
    own = drafts.listing(1, centre_id=desk.centres[DEMO], last=months.last_of(month)).drafts
    if holds and own and not any(one.held_reason for one in own):
        holding.hold(own[-1].id, desk.people[AGENT], HELD)
    running.issue(month, judge)


def _pay(desk: Desk, month: date, ago: int, _judge: proving.Judge) -> None:
    """Bring in the statement by which the centres pay a month's invoices: all but the one that is late, and what else came."""
    query = select(Invoice, Centre.siret).join(Centre, Centre.id == Invoice.centre_id)
    own = (Invoice.period_end == months.last_of(month), *open_())
    owed = db.session.execute(query.where(*own).order_by(Invoice.id)).tuples().all()
    largest = max((one for one, siret in owed if siret == DEMO), key=lambda one: (one.total, one.id), default=None)
    due = settlement.of([one.id for one, _ in owed])
    transfers = [
        Transfer(
            one.centre.name.upper(), PAYERS[siret], due[one.id].due, "FACTURE", reference.of(one.public_number or "")
        )
        for one, siret in owed
        if ago != LATE or one is not largest
    ]
    transfers += [UNKNOWN] if ago == NEWEST else []
    seller = missing.seller_on(clock.today())
    if not transfers or seller is None:
        return
    opening = db.session.scalar(select(BankStatement.closing).order_by(BankStatement.id.desc()).limit(1)) or OPENING
    name = f"{clock.today():%Y-%m}"
    content = bank.statement("".join(seller.iban.split()), name, clock.today(), opening, transfers)
    importing.read_in(content, f"releve-{name}.xml", desk.people[AGENT])
    matching.run()
