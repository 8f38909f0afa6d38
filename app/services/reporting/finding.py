"""One search over the register: whatever a person types, each kind of answer by an index of its own, a few rows of each.

An agent finds everything; somebody of a centre what that centre registered, under the names and papers it registered, as
far as the person's rights there open the lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select, union
from sqlalchemy.orm import joinedload, load_only

from app.extensions import db
from app.models import (
    Accreditation,
    Batch,
    CardRequest,
    Centre,
    Document,
    Driver,
    Membership,
    Person,
    Registration,
    Trainer,
)
from app.models.batch import REGISTERED
from app.models.card import CANCELLED, DRAFT
from app.models.centre import REGISTER, TRAINERS
from app.models.search import begins
from app.models.trainer import REGISTERED as RIGHT_OPEN
from app.models.types import holds_on
from app.services.core import clock, narrowing
from app.services.core.numbers import CARD, CERTIFICATE, RECAP, RECEIPT, TRAINER, public_prefix, typed_number
from app.services.drivers import search as driver_search
from app.services.registration import search as registration_search
from app.services.rights import members
from app.validators.fields import clean, parse_permit

R, T = Registration, Trainer
#: Rows of a kind that one page shows; more are the list's.
MOST = 20
#: Nobody types as much to find something.
LONGEST = 100
#: A shorter number would mean a good part of all centres.
SHORTEST = 4
DRIVERS, OWN_DRIVERS, REGISTRATIONS, DOCUMENTS, RECEIPTS = (
    "drivers",
    "own-drivers",
    "registrations",
    "documents",
    "receipts",
)
TRAINING_STAFF, CARDS, CENTRES, MEMBERS, ACCOUNTS = "trainers", "cards", "centres", "members", "accounts"
#: What is shown of a person and of a registration: the rest of those rows, a report's counts among it, stays in the base.
_PAPERS = (
    Driver.last_name,
    Driver.first_name,
    Driver.birth_date,
    Driver.permit_number,
    Driver.person_id,
)
_ROW_OF_PERSON = (
    load_only(R.last_name, R.first_name, R.end_date, R.order_number, R.cancelled_on),
    joinedload(R.driver).load_only(*_PAPERS),
    joinedload(R.registered_as).load_only(*_PAPERS),
    joinedload(R.training),
    joinedload(R.centre).load_only(Centre.name),
    joinedload(R.batch).load_only(Batch.receipt_number).lazyload(Batch.training),
)


@dataclass(frozen=True)
class Scope:
    """Where somebody may look: everywhere (``centre_id`` None), or at one centre, as far as these rights go."""

    centre_id: int | None = None
    rights: frozenset[str] = frozenset()

    @property
    def registrations(self) -> bool:
        """Tell whether registrations are open."""
        return self.centre_id is None or REGISTER in self.rights

    @property
    def trainers(self) -> bool:
        """Tell whether trainers are open."""
        return self.centre_id is None or TRAINERS in self.rights


@dataclass(frozen=True)
class Group:
    """Answers of one kind, MOST of them at most; ``more``: there are others."""

    kind: str
    rows: Sequence[Any]
    more: bool = False


@dataclass(frozen=True)
class Found:
    """What was typed, as it was understood, and the answers by kind."""

    text: str
    groups: list[Group] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Return how many answers are shown."""
        return sum(len(group.rows) for group in self.groups)

    @property
    def more(self) -> bool:
        """Tell whether there are others."""
        return any(group.more for group in self.groups)

    @property
    def only(self) -> tuple[str, Any] | None:
        """Return the one answer (kind, row), None where there is none or a choice.

        A whole permit number means one person: of an agent's answers the driver, whose registrations stand on that page.
        """
        if self.count == 1 and not self.more:
            group = next(group for group in self.groups if group.rows)
            return group.kind, group.rows[0]
        asked, rows = narrowing.typed(self.text), {group.kind: group.rows for group in self.groups}
        drivers, own, registrations = (rows.pop(kind, ()) for kind in (DRIVERS, OWN_DRIVERS, REGISTRATIONS))
        if rows or asked.names or asked.days or parse_permit(asked.number) is None:
            return None
        if len(drivers) == 1:
            return DRIVERS, drivers[0]
        return (REGISTRATIONS, registrations[0]) if len(own) == len(registrations) == 1 else None


def find(text: str, scope: Scope) -> Found:
    """Return what these words mean to somebody who may look there; a few queries, however many the answers."""
    text = clean(text)
    if not any(map(str.isalnum, text)) or len(text) > LONGEST:
        return Found(text)
    asked = narrowing.typed(text)
    mail = text.lower() if "@" in text and " " not in text else ""
    if scope.centre_id is None:
        groups = _of_mail(mail) if mail else _everywhere(text, asked)
    else:
        groups = _of_centre(text, asked, mail, scope)
    return Found(text, [group for group in groups if group.rows])


def _everywhere(text: str, asked: narrowing.Typed) -> list[Group]:
    drivers = _drivers(driver_search.ids(text))
    of_drivers = [row.id for row in drivers.rows]
    return [
        drivers,
        _registrations(registration_search.ways(text)),
        _documents(text),
        _receipts(text),
        _centres(text, asked),
        _members(asked),
        _trainers(text, [T.driver_id.in_(of_drivers)] if of_drivers else []),
        _cards(text, of_drivers),
    ]


def _of_mail(mail: str) -> list[Group]:
    """Return whose this address is: a driver, somebody of a centre, a centre; the account alone for anybody else."""
    person = select(Person.id).where(Person.email == mail)
    drivers = _drivers([select(Driver.id).where(Driver.person_id.in_(person))])
    members = _places([Membership.person_id.in_(person)])
    centres = _few(CENTRES, select(Centre).where(Centre.email == mail).order_by(Centre.name))
    alone = not (drivers.rows or members.rows)
    return [
        drivers,
        members,
        centres,
        *([_few(ACCOUNTS, select(Person).where(Person.id.in_(person)))] if alone else []),
    ]


def _of_centre(text: str, asked: narrowing.Typed, mail: str, scope: Scope) -> list[Group]:
    groups = []
    if scope.registrations and not mail:
        own = R.centre_id == scope.centre_id
        latest = driver_search.latest_of(scope.centre_id or 0)
        groups += [
            _registrations(registration_search.person_ways(text), *latest, kind=OWN_DRIVERS),
            _registrations(registration_search.ways(text), own),
            _documents(text, own),
            _receipts(text, Batch.centre_id == scope.centre_id),
        ]
    if scope.trainers:
        groups.append(_trainers(text, _trainer_ways(text, asked, mail), T.centre_id == scope.centre_id))
    return groups


def _few(kind: str, query: Select[Any]) -> Group:
    rows = list(db.session.execute(query.limit(MOST + 1)).unique().scalars())
    return Group(kind, rows[:MOST], len(rows) > MOST)


def _ids(key: Any, statements: Iterable[Select[Any]]) -> ColumnElement[bool]:
    """Return the rows of some of these statements' ids: each is read by its own index, and no further than needed."""
    arms = [select(one.limit(MOST + 1).subquery().c.id) for one in statements]
    return key.in_(union(*arms))  # type: ignore[no-any-return]


def _drivers(statements: list[Select[Any]]) -> Group:
    query = (
        select(Driver)
        .options(load_only(*_PAPERS), joinedload(Driver.person).load_only(Person.email))
        .where(_ids(Driver.id, statements), Driver.same_as_id.is_(None))
    )
    return _few(DRIVERS, query.order_by(Driver.search_last, Driver.search_first, Driver.id))


def _registrations(ways: list[ColumnElement[bool]], *own: ColumnElement[bool], kind: str = REGISTRATIONS) -> Group:
    """Return registrations that meet one of these, the newest first; of very many, some.

    Which they are is asked first, what is shown of them then: planning both at once costs PostgreSQL more than doing it.
    """
    arms = [select(R.id).where(way, *own).limit(MOST + 1).subquery() for way in ways]
    found = sorted(db.session.scalars(union(*(select(arm.c.id) for arm in arms))), reverse=True)
    if not found:
        return Group(kind, [])
    return _few(kind, select(R).options(*_ROW_OF_PERSON).where(R.id.in_(found[: MOST + 1])).order_by(R.id.desc()))


def _documents(text: str, *own: ColumnElement[bool]) -> Group:
    if public_prefix(text) not in (CERTIFICATE, RECAP):
        return Group(DOCUMENTS, [])
    link = joinedload(Document.registration)
    query = select(Document).join(Document.registration).where(Document.number == typed_number(text), *own)
    return _few(DOCUMENTS, query.options(link.joinedload(R.training), link.joinedload(R.centre)))


def _receipts(text: str, *own: ColumnElement[bool]) -> Group:
    if public_prefix(text) != RECEIPT:
        return Group(RECEIPTS, [])
    query = select(Batch).where(Batch.receipt_number == typed_number(text), Batch.state == REGISTERED, *own)
    return _few(RECEIPTS, query.options(joinedload(Batch.centre)))


def _centres(text: str, asked: narrowing.Typed) -> Group:
    """Return centres by SIRET, number of accreditation, or words of the name: the table is short, and read as a whole."""
    accredited = select(Accreditation.centre_id).where(Accreditation.number == text)
    ways: list[ColumnElement[bool]] = [Centre.id.in_(accredited)]
    bare = narrowing.bare_number(asked.number)
    if bare.isdecimal() and not asked.names and SHORTEST <= len(bare) <= 14:
        ways.append(begins(Centre.siret, bare))
    if asked.names and not asked.days:
        ways.append(and_(*(narrowing.holds(Centre.name, word) for word in (*asked.names, *asked.numbers))))
    return _few(CENTRES, select(Centre).where(or_(*ways)).order_by(Centre.name, Centre.id))


def _members(asked: narrowing.Typed) -> Group:
    """Return who acts for a centre today, by words of their names."""
    if not asked.names or asked.numbers or asked.days:
        return Group(MEMBERS, [])
    return _places([members.is_called(word) for word in asked.names])


def _places(ways: list[ColumnElement[bool]]) -> Group:
    query = select(Membership).options(joinedload(Membership.person), joinedload(Membership.centre))
    held = holds_on(clock.today(), Membership.valid_to)
    return _few(MEMBERS, query.where(held, *ways).order_by(Membership.id))


def _trainer_ways(text: str, asked: narrowing.Typed, mail: str) -> list[ColumnElement[bool]]:
    """Return what a centre's own trainers are found by; its rows are few."""
    if mail:
        return [T.email == mail]
    papers = [T.birth_date == day for day in asked.days]
    papers += [T.permit_number == narrowing.bare_number(asked.number).upper()] if asked.numbers else []
    named = [or_(narrowing.holds(T.last_name, word), narrowing.holds(T.first_name, word)) for word in asked.names]
    return [and_(*papers, *named), T.order_number == text]


def _trainers(text: str, ways: list[ColumnElement[bool]], *own: ColumnElement[bool]) -> Group:
    ways = [*ways, *([T.receipt_number == typed_number(text)] if public_prefix(text) == TRAINER else [])]
    if not ways:
        return Group(TRAINING_STAFF, [])
    query = select(T).options(joinedload(T.centre)).where(or_(*ways), T.state == RIGHT_OPEN, *own)
    return _few(TRAINING_STAFF, query.order_by(T.id.desc()))


def _cards(text: str, of_drivers: list[int]) -> Group:
    found = [CardRequest.number == typed_number(text)] if public_prefix(text) == CARD else []
    found += [CardRequest.driver_id.in_(of_drivers)] if of_drivers else []
    if not found:
        return Group(CARDS, [])
    query = select(CardRequest).where(or_(*found), CardRequest.state.not_in((DRAFT, CANCELLED)))
    return _few(CARDS, query.order_by(CardRequest.id.desc()))
