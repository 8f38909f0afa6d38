"""What a driver lends to see: one document, or where they stand, for some days, to whoever holds the link.

The base holds the hash of a link's token alone, so a link is shown once. Who opens it is not known and not asked: a look is a
day and an hour. It shows nothing once its last day is over, it was taken back, the account was closed or is no more the
driver's, or what was lent no longer holds; which of these is not said.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import case, delete, func, select, text, update
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import Document, Driver, LentLook, LentView, Person
from app.services.core import actor, clock, throttle
from app.services.core.dialect import be_the_writer, on_postgresql
from app.services.core.links import hash_of
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.throttle import Limit
from app.services.core.transaction import transaction
from app.services.documents import drawing
from app.services.journal import record as journal
from app.validators.fco import Due

from . import fco
from . import space as driver_space

#: For how many days something may be lent.
DAYS = (1, 7, 30)
#: Links that hold at the same time, of one person.
MOST = 20
_LOCK = 7_204  # of a person's links, among the base's advisory locks
#: Looks that are listed of a link, the latest; and how long the trace of one that has ended is kept.
SHOWN = 20
KEPT = timedelta(days=90)
#: A file that is fetched so long after a look belongs to it.
ONE_LOOK = timedelta(hours=1)
FROM_NETWORK = throttle.network("lent view", forgets=timedelta(minutes=5))
OF_VIEW = Limit("looks of a lent view", 60, forgets=timedelta(minutes=1))


class Gone(Refusal):
    """There is nothing to see behind this link, whatever the reason."""

    message = "Ce lien ne montre rien, ou ne montre plus rien."


@dataclass(frozen=True, slots=True)
class Paper:
    """A document, as far as it is shown."""

    kind: str
    number: str
    training: str
    established_on: date
    valid_from: date
    valid_until: date


@dataclass(frozen=True, slots=True)
class Lent:
    """All that a link shows, as plain values: whose it is, until when, and one document or where the person stands."""

    full_name: str
    until: date
    document: Paper | None = None
    #: « Ma situation »: the last training and its day, the certificate that holds, what is due next.
    last: tuple[str, date] | None = None
    certificate: Paper | None = None
    dues: Sequence[Due] = ()


@dataclass(frozen=True, slots=True)
class Loan:
    """A link as its driver sees it: whether it still runs, and shows something; how often it was looked at, and when last."""

    view: LentView
    holds: bool
    shows: bool
    count: int
    looks: Sequence[datetime]


def lend(person_id: int, document_id: int | None, days: int) -> str:
    """Lend a document, or one's situation where it is None, up to a day and return the token of the link.

    Raises :class:`Refusal` for a document that is not offered to this person, another number of days, or too many links.
    """
    driver = driver_space.driver_of(person_id)
    if driver is None or (document_id is not None and driver_space.own_document(driver, document_id) is None):
        raise Refusal("Choisissez ce que vous prêtez parmi vos documents.")
    if days not in DAYS:
        raise Refusal("Choisissez pour combien de jours.")
    token = secrets.token_urlsafe(32)
    with transaction():
        _leave_room(person_id)
        view = LentView(
            token_hash=hash_of(token),
            person_id=person_id,
            document_id=document_id,
            created_at=clock.now(),
            until=clock.today() + timedelta(days=days),
        )
        db.session.add(view)
        db.session.flush()
        journal.record("view.lent", "lent_view", view.id, actor_id=person_id, after={"until": view.until.isoformat()})
    return token


def _leave_room(person_id: int) -> None:
    """Refuse a link too many; two at once, each of which would count the links without the other's, take turns."""
    be_the_writer(LentView)
    if on_postgresql():
        db.session.execute(text("SELECT pg_advisory_xact_lock(:lock, :person)"), {"lock": _LOCK, "person": person_id})
    runs = (LentView.person_id == person_id, LentView.ended_at.is_(None), LentView.until >= clock.today())
    if (db.session.scalar(select(func.count()).select_from(LentView).where(*runs)) or 0) >= MOST:
        raise Refusal(f"Vous avez déjà {MOST} liens en cours : retirez-en un.")


def take_back(person_id: int, view_id: int) -> None:
    """End a link at once; raise :class:`Refusal` for one that is not this person's, or has ended before."""
    with transaction():
        done = taken(
            update(LentView)
            .where(LentView.id == view_id, LentView.person_id == person_id, LentView.ended_at.is_(None))
            .values(ended_at=clock.now())
        )
        if not done:
            raise Refusal("Ce lien a déjà pris fin.")
        journal.record("view.taken_back", "lent_view", view_id, actor_id=person_id)


def loans(person_id: int) -> list[Loan]:
    """Return a person's links, those that run first, then the latest, with their last looks; four queries.

    One that runs is always among them: it can be taken back.
    """
    today = clock.today()
    runs = case((LentView.ended_at.is_(None) & (LentView.until >= today), 0), else_=1)
    query = (
        select(LentView)
        .where(LentView.person_id == person_id)
        .options(joinedload(LentView.document))
        .order_by(runs, LentView.id.desc())
        .limit(5 * MOST)
    )
    views = list(db.session.execute(query).scalars())
    driver = driver_space.driver_of(person_id) if views else None
    offered = driver_space.offered(driver) if driver else frozenset()
    looks, counts = _looks([view.id for view in views])
    return [
        Loan(
            view,
            holds := _holds(view, today),
            holds and driver is not None and (view.document_id is None or view.document_id in offered),
            counts.get(view.id, 0),
            looks.get(view.id, ()),
        )
        for view in views
    ]


def _looks(view_ids: Sequence[int]) -> tuple[dict[int, list[datetime]], dict[int, int]]:
    """Return the last looks of each of these links, and how many there were."""
    turn = func.row_number().over(partition_by=LentLook.view_id, order_by=LentLook.id.desc())
    total = func.count().over(partition_by=LentLook.view_id)
    ranked = (
        select(LentLook.view_id, LentLook.looked_at, turn.label("turn"), total.label("total"))
        .where(LentLook.view_id.in_(view_ids))
        .subquery()
    )
    looks: dict[int, list[datetime]] = {}
    counts: dict[int, int] = {}
    query = select(ranked.c.view_id, ranked.c.looked_at, ranked.c.total).where(ranked.c.turn <= SHOWN)
    for view_id, looked_at, count in db.session.execute(query.order_by(ranked.c.turn)):
        looks.setdefault(view_id, []).append(looked_at)
        counts[view_id] = count
    return looks, counts


def look(token: str, network: str) -> Lent:
    """Return what a link shows, and note the look; raise :class:`Gone`, or `throttle.TooOften`."""
    with _opened(token, network) as view:
        lent = _document(view) if view.document_id is not None else _situation(view)
        view_id = view.id
    _note(view_id)
    return lent


def file(token: str, network: str) -> tuple[bytes, str]:
    """Return the document that was lent and its name; raise :class:`Gone`, `throttle.TooOften`, or `store.Missing`.

    It is a look of its own where the page was not looked at just before.
    """
    with _opened(token, network) as view:
        document, view_id = _own(view), view.id
        content, name = drawing.content(document), drawing.file_name(document)
    _note(view_id, unless_within=ONE_LOOK)
    return content, name


def _note(view_id: int, unless_within: timedelta | None = None) -> None:
    now = clock.now()
    with actor.acting(actor.PROGRAM), transaction():
        last = select(func.max(LentLook.looked_at)).where(LentLook.view_id == view_id)
        if unless_within is None or (at := db.session.scalar(last)) is None or at < now - unless_within:
            db.session.add(LentLook(view_id=view_id, looked_at=now))


@contextmanager
def _opened(token: str, network: str) -> Iterator[LentView]:
    """Find a link that holds, and see with its driver's eyes: the base itself then shows nobody else's rows."""
    throttle.count(FROM_NETWORK, network)
    with actor.acting(actor.PROGRAM):
        known = _view(token)
        if known is None:
            raise Gone
        view_id, person_id = known.id, known.person_id
        with transaction():
            throttle.take_back(FROM_NETWORK, network)
        throttle.count(OF_VIEW, str(view_id))
    with actor.acting(actor.person(person_id)):
        yield db.session.get_one(LentView, view_id)


def _view(token: str) -> LentView | None:
    query = (
        select(LentView)
        .join(Person, Person.id == LentView.person_id)
        .where(LentView.token_hash == hash_of(token), Person.active.is_(True))
    )
    view = db.session.execute(query).scalar_one_or_none()
    return view if view is not None and _holds(view, clock.today()) else None


def _holds(view: LentView, today: date) -> bool:
    return view.ended_at is None and today <= view.until


def _driver(view: LentView) -> Driver:
    driver = driver_space.driver_of(view.person_id)
    if driver is None:
        raise Gone
    return driver


def _own(view: LentView) -> Document:
    document = driver_space.own_document(_driver(view), view.document_id) if view.document_id is not None else None
    if document is None:
        raise Gone
    return document


def _document(view: LentView) -> Lent:
    document = _own(view)
    registration = document.registration
    return Lent(f"{registration.first_name} {registration.last_name}", view.until, document=_paper(document))


def _situation(view: LentView) -> Lent:
    driver = _driver(view)
    space = driver_space.space(driver)
    last = max(space.registrations, key=lambda one: (one.end_date, one.id), default=None)
    return Lent(
        f"{driver.first_name} {driver.last_name}",
        view.until,
        last=(last.training.full_label, last.end_date) if last else None,
        certificate=_paper(space.certificate.document) if space.certificate else None,
        dues=fco.overview(space.registrations, clock.today()).dues,
    )


def _paper(document: Document) -> Paper:
    return Paper(
        document.kind,
        document.number,
        document.registration.training.full_label,
        document.established_on,
        document.valid_from,
        document.valid_until,
    )


def forget(*, dry_run: bool = False) -> int:
    """Delete the links that ended longer ago than :data:`KEPT`, with their looks, and return how many."""
    day = clock.today() - KEPT
    old = (LentView.until < day) | (LentView.ended_at < clock.now() - KEPT)
    count = db.session.scalar(select(func.count()).select_from(LentView).where(old)) or 0
    if count and not dry_run:
        with transaction():
            db.session.execute(delete(LentLook).where(LentLook.view_id.in_(select(LentView.id).where(old))))
            db.session.execute(delete(LentView).where(old))
    return count
