"""What people are to be reminded of on a day, by sets of rows: who, of what, of which day, how many days before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import contains_eager, joinedload

from app import roles
from app.extensions import db
from app.models import Accreditation, Batch, CardRequest, Document, Driver, Membership, Person, Registration
from app.models.batch import FILE, MANUAL, OPEN_STATES
from app.models.card import DRAFT, GIVEN_UP
from app.models.centre import LEGAL_REPRESENTATIVE
from app.models.registration import AVAILABLE, CERTIFICATE
from app.models.types import holds_on
from app.services.core import clock
from app.services.drivers import fco
from app.validators.fco import EARLY_MONTHS, PERIOD_MONTHS, Due
from app.validators.validity import add_months

from . import choices

#: Kind → how many days before; the last one that has come is told, so that a night that was missed is made up for.
STEPS = {choices.CARD: (30, 7), choices.FCO: (180, 90, 30), choices.ACCREDITATION: (90, 30, 7)}
#: Days without a change after which a draft or an import is left waiting, and after which nobody is told any more.
WAITS, GIVEN = 3, 30
#: Drivers looked at between two reads: a year's are more than a process should hold.
DRIVERS = 1000


@dataclass(frozen=True, slots=True)
class Ground:
    """One reminder to one person."""

    person_id: int
    email: str
    subject_id: int
    due_on: date
    step: int


def step(kind: str, due_on: date, today: date) -> int | None:
    """Return which of a kind's steps has come on a day; None before the first and after the day itself."""
    left = (due_on - today).days
    return min((one for one in STEPS[kind] if left <= one), default=None) if left >= 0 else None


def has_certificate_without_request(today: date) -> tuple[ColumnElement[bool], ...]:
    """Return, as SQL on `Document` with its `Registration`, whether a certificate holds and no card was asked for."""
    asked = exists().where(CardRequest.registration_id == Registration.id, CardRequest.state.not_in((DRAFT, *GIVEN_UP)))
    return (
        Document.kind == CERTIFICATE,
        Document.state == AVAILABLE,
        Document.valid_from <= today,
        Document.valid_until >= today,
        Registration.withheld.is_(False),
        Registration.live(),
        ~asked,
    )


def certificates(today: date) -> Iterator[Ground]:
    """Yield the certificates that end soon and were not used."""
    query = (
        select(Person.id, Person.email, Document.id, Document.valid_until)
        .join(Document.registration)
        .join(Driver, Driver.id == Registration.driver_id)
        .join(Person, Person.id == Driver.person_id)
        .where(*has_certificate_without_request(today), _is_open(choices.CARD))
        .where(Document.valid_until <= today + timedelta(days=max(STEPS[choices.CARD])))
    )
    yield from _stepped(choices.CARD, db.session.execute(query).tuples().all(), today)


def dues(
    today: date, *only: ColumnElement[bool], among: Sequence[int] | None = None
) -> Iterator[tuple[Driver, Sequence[Due]]]:
    """Yield drivers with an open account and the FCOs they owe from today on, of those who may owe one soon; one query.

    ``among``: ids of drivers.
    """
    ahead = max(STEPS[choices.FCO])
    first = add_months(today, -PERIOD_MONTHS - EARLY_MONTHS) - timedelta(days=31)
    last = add_months(today + timedelta(days=ahead), -PERIOD_MONTHS) + timedelta(days=31)
    may_owe = select(Registration.driver_id).where(Registration.end_date.between(first, last), Registration.live())
    if among is not None:  # within: what may be owed by anybody is not gone through for some
        may_owe = may_owe.where(Registration.driver_id.in_(among))
    query = (
        select(Registration)
        .join(Driver, Driver.id == Registration.driver_id)
        .join(Person, Person.id == Driver.person_id)
        .join(Registration.training)
        .options(contains_eager(Registration.training))
        .options(contains_eager(Registration.driver).contains_eager(Driver.person))
        .where(Registration.driver_id.in_(may_owe), Registration.withheld.is_(False), Registration.live())
        .where(_is_open(choices.FCO), *only)
        .order_by(Registration.driver_id, Registration.id)
    )
    for driver, rows in groupby(db.session.execute(query).scalars(), lambda row: row.driver):
        owed = [due for due in fco.overview(list(rows), today).dues if due.due_on >= today]
        if owed:
            yield driver, owed


def drivers_beyond(after: int, count: int) -> Sequence[int]:
    """Return the ids of so many drivers with an account beyond an id, in order."""
    query = select(Driver.id).where(Driver.person_id.is_not(None), Driver.id > after)
    return db.session.scalars(query.order_by(Driver.id).limit(count)).all()


def next_fcos(today: date, drivers: Sequence[int]) -> Iterator[Ground]:
    """Yield the FCOs of these drivers that are due soon; those of one day are one, whichever record of the driver is the
    account's by then.
    """
    for at in range(0, len(drivers), DRIVERS):
        rows = [
            (driver.person.id, driver.person.email, driver.person.id, day)
            for driver, owed in dues(today, among=drivers[at : at + DRIVERS])
            if driver.person is not None
            for day in {due.due_on for due in owed}
        ]
        yield from _stepped(choices.FCO, rows, today)


def accreditations(today: date) -> Iterator[Ground]:
    """Yield the accreditations that end soon, for each legal representative."""
    query = (
        select(Person.id, Person.email, Accreditation.id, Accreditation.valid_to)
        .join(Membership, Membership.centre_id == Accreditation.centre_id)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.role == LEGAL_REPRESENTATIVE, *_acts_still(today))
        .where(Accreditation.withdrawn_on.is_(None))
        .where(Accreditation.valid_to.between(today, today + timedelta(days=max(STEPS[choices.ACCREDITATION]))))
    )
    rows = [(who, email, id_, day) for who, email, id_, day in db.session.execute(query).tuples() if day is not None]
    yield from _stepped(choices.ACCREDITATION, rows, today)


def waiting(today: date) -> Iterator[Ground]:
    """Yield the drafts and imports left waiting, for who began them and still acts for the centre."""
    now = clock.machine_now()
    query = (
        select(Person.id, Person.email, Batch.id, Batch.updated_at)
        .join(Person, Person.id == Batch.created_by_id)
        .join(Membership, (Membership.person_id == Person.id) & (Membership.centre_id == Batch.centre_id))
        .where(*_acts_still(today))
        .where(Batch.state.in_(OPEN_STATES), Batch.mode.in_((MANUAL, FILE)))
        .where(Batch.updated_at.between(now - timedelta(days=GIVEN), now - timedelta(days=WAITS)))
    )
    for who, email, id_, at in db.session.execute(query).tuples():
        yield Ground(who, email, id_, at.astimezone(clock.PARIS).date(), WAITS)


def of_month(today: date) -> list[Accreditation]:
    """Return the accreditations that end in the month of a day and were not withdrawn, in the order of their days."""
    first = today.replace(day=1)
    query = (
        select(Accreditation)
        .options(joinedload(Accreditation.centre))
        .where(Accreditation.valid_to >= first, Accreditation.valid_to < add_months(first, 1))
        .where(Accreditation.withdrawn_on.is_(None))
        .order_by(Accreditation.valid_to, Accreditation.id)
    )
    return list(db.session.execute(query).scalars())


def months(today: date) -> Iterator[Ground]:
    """Yield, for each agent, the month in which accreditations end."""
    if not of_month(today):
        return
    agents = select(Person.id, Person.email).where(Person.active.is_(True), Person.roles.any(name=roles.AGENT))
    for who, email in db.session.execute(agents.order_by(Person.id)).tuples():
        yield Ground(who, email, today.year * 100 + today.month, today.replace(day=1), 0)


def acts_for(person_id: int, centre_id: int, today: date, role: str | None = None) -> bool:
    """Tell whether a person has an account and still acts for a centre, in a role where one is named."""
    query = (
        select(Membership.id)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.person_id == person_id, Membership.centre_id == centre_id, *_acts_still(today))
    )
    if role is not None:
        query = query.where(Membership.role == role)
    return db.session.execute(query.limit(1)).scalar() is not None


def _acts_still(today: date) -> tuple[ColumnElement[bool], ...]:
    return holds_on(today, Membership.valid_to), Person.active.is_(True)


def _is_open(kind: str) -> ColumnElement[bool]:
    return and_(Person.active.is_(True), ~choices.is_off(Person.id, kind))


def _stepped(kind: str, rows: Sequence[tuple[int, str, int, date]], today: date) -> Iterator[Ground]:
    for who, email, subject, day in rows:
        if (at := step(kind, day, today)) is not None:
            yield Ground(who, email, subject, day, at)
