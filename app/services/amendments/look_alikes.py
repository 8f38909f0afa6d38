"""The guard before the harm: fresh registrations that led to no account and look like a known driver, while the centre may
still correct them alone.

They may look like a driver of other centres: whom they look like is neither kept nor told (decision 21).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, exists, func, or_, select, update
from sqlalchemy.orm import aliased, joinedload

from app.extensions import db
from app.models import Driver, LookAlike, Registration
from app.models.types import first_known
from app.services.core import actor, case, clock, dialect
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.validators.context import DriverKey
from app.validators.rules import mistyped

from . import acts
from .acts import Who
from .alone import WINDOW, last_day
from .reports import SUBJECT, reach_to

#: Days after the registration on which it is first shown, and from which it is shown as urgent.
FIRST, URGENT = timedelta(days=2), timedelta(days=6)
#: Registrations looked at together.
SHARE = 2000


class Gone(Refusal):
    """It waits no more: checked by somebody else, cancelled, or its account was opened."""

    message = "Cet enregistrement n’est plus à vérifier."


@dataclass(frozen=True, slots=True)
class Waiting:
    """A registration to check: until when the centre corrects it alone, whether that is tomorrow or today; and, where it looks
    like a driver whom this very centre registered, by which value (« N° de permis 85… »).
    """

    registration: Registration
    until: date
    urgent: bool
    like: str = ""


@actor.acting(actor.PROGRAM)
def look() -> int:
    """Note the fresh registrations that look like a known driver, and return how many are new; run each night."""
    today, last, found = clock.today(), 0, 0
    while True:
        rows = _fresh(today, last)
        if not rows:
            return found
        last = rows[-1]
        alike = _alike(rows)
        with transaction():
            found += sum(
                bool(dialect.insert_if_new(LookAlike, {"registration_id": id_, "found_on": today})) for id_ in alike
            )


def of_centre(centre_id: int, person_id: int) -> tuple[list[Waiting], int]:
    """Return the first registrations that a person of a centre is to check, the soonest end first, and how many there are."""
    within = (*_waits(), *reach_to(centre_id, person_id))
    r = Registration
    base = select(r).join(LookAlike, LookAlike.registration_id == r.id).join(r.driver).where(*within)
    links = joinedload(r.driver), joinedload(r.registered_as), joinedload(r.training), joinedload(r.batch)
    rows = db.session.execute(base.options(*links).order_by(r.registered_on, r.id).limit(case.LIMIT)).scalars().all()
    count = db.session.scalar(base.with_only_columns(func.count()).order_by(None)) or 0
    like, today = _own_likes(list(rows)), clock.today()
    told = [Waiting(row, last_day(row), today >= row.registered_on + URGENT, like.get(row.id, "")) for row in rows]
    return told, count


def check(registration_id: int, who: Who) -> None:
    """« C’est exact »: put a registration aside, once. Raises :class:`Gone` or `access.NotAllowed`."""
    row = db.session.get(Registration, registration_id)
    if row is None:
        raise Gone
    acts.require(row, who)
    with transaction():
        found = update(LookAlike).where(
            LookAlike.registration_id == registration_id, LookAlike.checked_at.is_(None), exists().where(*_of(row))
        )
        if not taken(found.values(checked_at=clock.now(), checked_by_id=who.person_id)):
            raise Gone
        journal.record("look_alike.checked", SUBJECT, registration_id, actor_id=who.person_id, centre_id=row.centre_id)


def _of(row: Registration) -> tuple[ColumnElement[bool], ...]:
    return Registration.id == row.id, Registration.live()


def _waits() -> tuple[ColumnElement[bool], ...]:
    """Return, as SQL, whether a registration noted is still to be checked, and may still be corrected by the centre alone."""
    return (
        LookAlike.checked_at.is_(None),
        Registration.live(),
        Registration.registered_on >= clock.today() - WINDOW,
        Driver.person_id.is_(None),
    )


def _fresh(today: date, last: int) -> list[int]:
    """Return the next registrations to look at: some days old, without account, neither noted nor checked for that driver."""
    r, again = Registration, aliased(Registration)
    noted = exists().where(LookAlike.registration_id == r.id)
    checked = exists().where(
        LookAlike.registration_id == again.id,
        LookAlike.checked_at.is_not(None),
        again.driver_id == r.driver_id,
        again.centre_id == r.centre_id,
    )
    query = (
        select(r.id)
        .join(r.driver)
        .where(r.registered_on >= today - WINDOW, r.registered_on <= today - FIRST, r.id > last)
        .where(r.live(), Driver.person_id.is_(None), ~noted, ~checked)
        .order_by(r.id)
        .limit(SHARE)
    )
    return list(db.session.execute(query).scalars())


def _alike(ids: list[int]) -> list[int]:
    """Return which registrations look like a driver who has an account, or whom a registration before it led to."""
    r, own, other, before = Registration, aliased(Driver), aliased(Driver), aliased(Registration)
    is_known = or_(
        other.person_id.is_not(None),
        exists().where(before.driver_id == other.id, before.id < r.id, before.cancelled_on.is_(None)),
    )
    query = (
        select(r.id, own.birth_date, own.permit_number, other.birth_date, other.permit_number)
        .join(own, own.id == r.driver_id)
        .join(other, (other.search_last == r.search_last) & (other.search_first == r.search_first))
        .where(r.id.in_(ids), other.id != own.id, is_known)
        .where((other.birth_date == own.birth_date) | (other.permit_number == own.permit_number))
        .order_by(r.id)
    )
    rows = db.session.execute(query).tuples()
    found = [
        id_
        for id_, its_day, its_permit, day, permit in rows
        if mistyped((its_day, its_permit), (day, permit), years=True)
    ]
    return list(dict.fromkeys(found))


def _own_likes(rows: list[Registration]) -> dict[int, str]:
    """Return registration id → the value of this centre's own driver that it looks like; one query."""
    if not rows:
        return {}
    r, mine, driver = Registration, aliased(Registration), Driver
    query = (
        select(r.id, driver.birth_date, driver.permit_number)
        .join(
            mine,
            (mine.centre_id == r.centre_id)
            & (mine.search_last == r.search_last)
            & (mine.search_first == r.search_first),
        )
        .join(driver, driver.id == first_known(mine.registered_as_id, mine.driver_id))  # as it was registered
        .where(r.id.in_([row.id for row in rows]), mine.driver_id != r.driver_id, mine.cancelled_on.is_(None))
        .order_by(mine.id)
    )
    by_id = {row.id: row for row in rows}
    told: dict[int, str] = {}
    for id_, born, permit in db.session.execute(query).tuples():
        key: DriverKey = (by_id[id_].identity.birth_date, by_id[id_].identity.permit_number)
        field = mistyped(key, (born, permit), years=True)
        if field:
            told[id_] = f"N° de permis {permit}" if field == "permit_number" else f"date de naissance {born:%d/%m/%Y}"
    return told
