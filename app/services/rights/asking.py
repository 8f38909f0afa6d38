"""How many strangers a centre asks about: identities it never registered, counted by day, so that nobody fishes for accounts.

Up to the limit a centre is told whether they have an account (`validators.rules.no_account`); beyond it, of the others, it is
told that they have none, whatever is true. Its work goes on.
"""

from __future__ import annotations

from collections.abc import Set
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import AskedIdentity, AskingAlert, Driver, Registration
from app.models.driver import standing
from app.services.core import bulk, clock, dialect
from app.services.core.numbers import grouped
from app.services.core.refusal import Refusal
from app.services.core.taking import changed
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.validators.context import DriverKey

#: Days after which nobody needs to know any more which identities were asked about.
KEPT = timedelta(days=7)
LIMIT = 50


class TooManyStrangers(Refusal):
    """The centre asked about more strangers today than it may."""

    def __init__(self) -> None:
        super().__init__(sentence())


def sentence() -> str:
    """Return what a centre over the limit is told."""
    return (
        f"Votre centre a interrogé aujourd’hui plus de {grouped(limit_of_a_day())} conducteurs qu’il n’a jamais enregistrés. "
        "Jusqu’à demain, l’existence d’un compte n’est plus indiquée pour les suivants ; vos enregistrements se poursuivent."
    )


def limit_of_a_day() -> int:
    """Return how many strangers a centre may ask about in a day; 0 is no limit."""
    return int(current_app.config["STRANGERS_PER_DAY"])


def count(centre_id: int, strangers: Set[DriverKey]) -> Set[DriverKey]:
    """Count the strangers that a centre asks about, in the caller's transaction, and return those it is told nothing of.

    Two statements whatever their number; who was counted today is not counted again.
    """
    limit, day = limit_of_a_day(), today()
    if not strangers or not limit:
        return frozenset()
    known, total = _counted(centre_id, day, strangers, limit)
    new = strangers - known
    room = limit - total
    if len(new) > room:
        room += _release(centre_id, day)
    admitted = sorted(new)[:room] if room > 0 else []
    untold = new - set(admitted)
    dialect.insert_new(
        AskedIdentity,
        [
            {"centre_id": centre_id, "day": day, "birth_date": birth_date, "permit_number": permit}
            for birth_date, permit in admitted
        ],
    )
    if untold:
        _alert(centre_id, day, limit)
    return untold


def is_over(centre_id: int) -> bool:
    """Tell whether the centre was over the limit today."""
    query = select(AskingAlert.id).where(AskingAlert.centre_id == centre_id, AskingAlert.day == today())
    return db.session.scalar(query) is not None


def alerts() -> tuple[list[AskingAlert], int]:
    """Return the first alerts no agent has seen, the oldest first, and how many there are."""
    query = select(AskingAlert).options(joinedload(AskingAlert.centre)).where(AskingAlert.seen_at.is_(None))
    return list(db.session.execute(query.order_by(AskingAlert.id).limit(LIMIT)).scalars()), count_alerts()


def count_alerts() -> int:
    """Return how many alerts no agent has seen."""
    return db.session.scalar(counting()) or 0


def counting() -> Select[Any]:
    """Return the query of :func:`count_alerts`."""
    return select(func.count()).select_from(AskingAlert).where(AskingAlert.seen_at.is_(None))


def see(alert_id: int, actor_id: int) -> None:
    """Note that an agent has seen to an alert; raise `Refusal` for one that never was. Seen twice, nothing changes."""
    with transaction():
        alert = db.session.get(AskingAlert, alert_id)
        if alert is None:
            raise Refusal("Cette alerte n’existe pas.")
        done = changed(
            update(AskingAlert)
            .where(AskingAlert.id == alert_id, AskingAlert.seen_at.is_(None))
            .values(seen_at=clock.now(), seen_by_id=actor_id)
        )
        if done:
            journal.record("asking.seen", "centre", alert.centre_id, actor_id=actor_id, centre_id=alert.centre_id)


def forget(*, dry_run: bool = False) -> int:
    """Delete the identities asked about some days ago and return how many there are."""
    old = AskedIdentity.day < today() - KEPT
    total = db.session.scalar(select(func.count()).select_from(AskedIdentity).where(old)) or 0
    if total and not dry_run:
        with transaction():
            db.session.execute(delete(AskedIdentity).where(old))
    return total


def today() -> date:
    """Return the machine's own day in Paris: a frozen « aujourd'hui » would never end."""
    return clock.machine_now().astimezone(clock.PARIS).date()


def seconds_left() -> int:
    """Return how many seconds remain until a centre may ask about others again."""
    now = clock.machine_now().astimezone(clock.PARIS)
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), clock.PARIS)
    return int((tomorrow - now).total_seconds()) + 1


def _counted(centre_id: int, day: date, strangers: Set[DriverKey], limit: int) -> tuple[Set[DriverKey], int]:
    """Return which of the strangers were counted today, and how many were in all; one query."""
    a = AskedIdentity
    own = and_(a.centre_id == centre_id, a.day == day)
    if len(strangers) > limit:  # all that were counted are fewer than those that are asked about
        counted = set(db.session.execute(select(a.birth_date, a.permit_number).where(own)).tuples())
        return counted & strangers, len(counted)
    permits = {permit for _, permit in strangers}
    wanted = bulk.text_table(permits)
    total = select(func.count()).select_from(a).where(own).correlate(None).scalar_subquery()
    # Of those never counted one row is enough, to bring the total: most of a large file are.
    worth_a_row = or_(a.permit_number.is_not(None), wanted.c.value == next(iter(permits)))
    query = select(a.birth_date, a.permit_number, total.label("total")).select_from(
        wanted.outerjoin(a, and_(own, a.permit_number == wanted.c.value))
    )
    rows = db.session.execute(query.where(worth_a_row)).all()
    return {(row.birth_date, row.permit_number) for row in rows} & strangers, rows[0].total


def _release(centre_id: int, day: date) -> int:
    """Uncount those whom the centre has registered since: it paid for them, and knows them. Return how many."""
    a, d, r = AskedIdentity, Driver, Registration
    own = (
        d.permit_number == a.permit_number,
        d.birth_date == a.birth_date,
        r.driver_id == standing(d),
        r.centre_id == centre_id,
    )
    paid = (a.centre_id == centre_id, a.day == day, exists().where(*own))
    # Mostly there is none: then nothing is written, and nobody who writes meanwhile is waited for.
    if db.session.scalar(select(a.permit_number).where(*paid).limit(1)) is None:
        return 0
    return changed(delete(a).where(*paid).execution_options(synchronize_session=False))


def _alert(centre_id: int, day: date, limit: int) -> None:
    """Tell agents, and the journal, once a day."""
    if is_over(centre_id):  # asked first: it is written once a day
        return
    if dialect.insert_if_new(AskingAlert, {"centre_id": centre_id, "day": day, "at": clock.now()}):
        journal.record(
            "asking.limit_reached", "centre", centre_id, actor_id=None, centre_id=centre_id, after={"limit": limit}
        )
