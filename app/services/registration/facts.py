"""The facts that the rules are handed, read from the base in a number of queries that does not grow with the lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, select, tuple_
from sqlalchemy.orm import aliased

from app import models
from app.extensions import db
from app.models.driver import standing
from app.services.core import bulk
from app.services.rights import access, asking
from app.services.rights.access import Reach
from app.validators.context import Accreditation, Catalogue, Category, Context, DriverKey, Period, Training
from app.validators.fields import NameKey, joined_names, name_key, namesake_keys
from app.validators.line import Line

#: Lines that are many, and registrations of a centre that are few beside them.
_MANY = 2_000


@dataclass(frozen=True, slots=True)
class DriverRow:
    """A driver of the register that a line leads to."""

    id: int
    has_account: bool
    #: The name as the account knows it; empty without account.
    name: NameKey
    #: The identity by which the line leads there, where the driver's own is another one today.
    registered_as: int | None = None


@dataclass(frozen=True)
class Facts:
    """The rules' context, and the rows behind it that a registration needs.

    ``untold``: whom the centre is told nothing of, as it asked about too many strangers today (`asking`).
    """

    context: Context
    drivers: dict[DriverKey, DriverRow]
    untold: Set[DriverKey] = frozenset()


def load_catalogue() -> Catalogue:
    """Return the whole catalogue, one query; entries out of validity are in it (validity is judged by date)."""
    rows = db.session.execute(select(models.Training).order_by(models.Training.id)).scalars()
    return Catalogue(
        Training(
            row.id,
            row.label,
            Category(row.category),
            row.family,
            row.minors_allowed,
            row.is_module,
            row.valid_from,
            row.valid_to,
        )
        for row in rows
    )


def load_accreditations(centre_id: int, reach: Reach | None = None) -> tuple[Accreditation, ...]:
    """Return the centre's accreditations with their trainings and suspensions, one query.

    With ``reach``, those only that this person's rights extend to: a training they leave out is, for this person, not
    accredited.
    """
    given, covered, pause = models.Accreditation, models.accreditation_training, models.Suspension
    query = (
        select(given, covered.c.training_id, pause.starts_on, pause.ends_on)
        .outerjoin(covered, covered.c.accreditation_id == given.id)
        .outerjoin(pause, pause.accreditation_id == given.id)
        .where(given.centre_id == centre_id)
        .order_by(given.id)
    )
    rows = db.session.execute(query.where(access.reach_clause(reach)) if reach else query).all()
    trainings: dict[int, set[int]] = {}
    pauses: dict[int, set[Period]] = {}
    for row, training_id, starts_on, ends_on in rows:
        trainings.setdefault(row.id, set()).add(training_id)
        pauses.setdefault(row.id, set()).update({Period(starts_on, ends_on)} if starts_on else ())
    return tuple(
        Accreditation(
            frozenset(trainings[row.id]),
            Period(row.valid_from, row.valid_to),
            tuple(pauses[row.id]),
            row.withdrawn_on,
            row.number,
            row.id,
        )
        for row in {row.id: row for row, *_ in rows}.values()
    )


def load(
    centre_id: int,
    today: date,
    catalogue: Catalogue,
    lines: Iterable[Line],
    reach: Reach | None = None,
    *,
    asked: bool = True,
    alike: bool = True,
    without: Collection[int] = (),
) -> Facts:
    """Return the facts about these lines for this centre on that day: a few queries, whatever the number of lines.

    With ``reach``, accreditations are those that this person's rights extend to. ``asked``: the centre is told what is found
    before it has paid for it, so that the strangers among the drivers are counted, in the caller's transaction (`asking`).
    ``alike``: the centre's drivers of the same names are looked for. ``without``: registrations that are about to be
    replaced, as good as cancelled.
    """
    lines = list(lines)
    keys = {line.driver_key for line in lines if line.driver_key}
    drivers, names, registered = _load_drivers(centre_id, keys, without)
    untold = asking.count(centre_id, keys - names.keys()) if asked else frozenset()
    modules = {training.id for training in catalogue.trainings if training.is_module}
    accounts = {key: driver for key, driver in drivers.items() if driver.has_account and key not in untold}
    context = Context(
        today=today,
        catalogue=catalogue,
        accreditations=load_accreditations(centre_id, reach),
        accounts=frozenset(accounts),
        own_names={key: frozenset(known) for key, known in names.items()},
        own_registrations=_last_days(registered, modules),
        own_times=_times(registered, modules),
        account_names={key: driver.name for key, driver in accounts.items()},
        own_namesakes=_load_namesakes(centre_id, lines, names.keys(), without) if alike else {},
    )
    return Facts(context, drivers, untold)


def load_drivers(keys: set[DriverKey]) -> dict[DriverKey, DriverRow]:
    """Return the drivers of these keys that the register knows; one query."""
    wanted = bulk.text_table({permit for _, permit in keys})
    driver, known = models.Driver, aliased(models.Driver)
    query = (
        select(*_found(driver, known))
        .select_from(wanted)
        .join(known, known.permit_number == wanted.c.value)
        .join(driver, driver.id == standing(known))
    )
    found = (((row.birth_date, row.permit_number), row) for row in db.session.execute(query))
    return {key: _driver_row(row) for key, row in found if key in keys}


def _found(driver: Any, known: Any) -> tuple[Any, ...]:
    """Return the columns of a driver and of the identity by which it is found: a former one leads to it as its own does."""
    identity = known.id.label("identity_id"), known.birth_date, known.permit_number
    return driver.id, *identity, driver.person_id, driver.last_name, driver.first_name


def _driver_row(row: Any) -> DriverRow:
    """Return a driver from a row of the base; the name matters only where an account bears it."""
    has_account = row.person_id is not None
    name = name_key(row.last_name, row.first_name) if has_account else NameKey()
    return DriverRow(row.id, has_account, name, row.identity_id if row.identity_id != row.id else None)


#: Driver, training, end date → the days on which this centre registered them.
Registered = dict[tuple[DriverKey, int, date], list[date]]
Names = dict[DriverKey, set[NameKey]]


def _load_drivers(
    centre_id: int, keys: set[DriverKey], without: Collection[int]
) -> tuple[dict[DriverKey, DriverRow], Names, Registered]:
    """Return the drivers of these keys, the names and the days under which this centre registered them: one query."""
    drivers: dict[DriverKey, DriverRow] = {}
    names: Names = {}
    registered: Registered = {}
    for row in _driver_rows(centre_id, {permit for _, permit in keys}, without):
        key = (row.birth_date, row.permit_number)
        if key not in keys:
            continue
        if key not in drivers:
            drivers[key] = _driver_row(row)
        if row.training_id is not None:
            names.setdefault(key, set()).add(name_key(row.line_last_name, row.line_first_name))
            registered.setdefault((key, row.training_id, row.end_date), []).append(row.registered_on)
    return drivers, names, registered


def _driver_rows(centre_id: int, permits: set[str], without: Collection[int]):  # type: ignore[no-untyped-def]
    driver, known, own = models.Driver, aliased(models.Driver), models.Registration
    wanted = bulk.text_table(permits)
    mine: ColumnElement[bool] = and_(own.driver_id == driver.id, own.centre_id == centre_id, own.live())
    if without:
        mine = and_(mine, own.id.not_in(without))
    return db.session.execute(
        select(
            *_found(driver, known),
            own.training_id,
            own.end_date,
            own.registered_on,
            own.last_name.label("line_last_name"),
            own.first_name.label("line_first_name"),
        )
        .select_from(wanted)
        .join(known, known.permit_number == wanted.c.value)
        .join(driver, driver.id == standing(known))
        .outerjoin(own, mine)
    )


def _load_namesakes(
    centre_id: int, lines: Sequence[Line], known: Set[DriverKey], without: Collection[int]
) -> dict[tuple[str, str], tuple[DriverKey, ...]]:
    """Return the drivers whom this centre registered under the names of lines about drivers it does not know: one query, and
    one more where many are asked about.
    """
    lines = _borne(centre_id, lines) if len(lines) > _MANY else lines
    wanted = namesake_keys(
        (line.last_name, line.first_name)
        for line in lines
        if line.driver_key and line.driver_key not in known and line.has_names
    )
    if not wanted:
        return {}
    own, driver = models.Registration, models.Driver
    query = (
        select(own.search_last, own.search_first, driver.birth_date, driver.permit_number)
        .join(driver, driver.id == own.identity_id())
        .where(own.centre_id == centre_id, own.live())
        .where(tuple_(own.search_last, own.search_first).in_(bulk.pairs(wanted)))
        .distinct()
    )
    if without:
        query = query.where(own.id.not_in(without))
    found: dict[tuple[str, str], tuple[DriverKey, ...]] = {}
    for *names, born, permit in sorted(db.session.execute(query).tuples()):
        found[names[0], names[1]] = (*found.get((names[0], names[1]), ()), (born, permit))
    return found


def _borne(centre_id: int, lines: Sequence[Line]) -> Sequence[Line]:
    """Return those of many lines whose last name a driver of the centre bears, where it has few registrations: most are not
    asked about any further then. Else all of them.
    """
    own = models.Registration
    query = select(own.search_last).where(own.centre_id == centre_id).limit(_MANY + 1)
    borne = db.session.execute(query).scalars().all()
    if len(borne) > _MANY:
        return lines
    few, joined = frozenset(borne), joined_names({line.last_name for line in lines})
    bearing = {name for name, key in joined.items() if key in few}
    return [line for line in lines if line.last_name in bearing]


Trained = tuple[date, str, int, date | None]


def _last_days(registered: Registered, modules: set[int]) -> dict[Trained, date]:
    """Return driver and training → last day of registration."""
    days: dict[Trained, date] = {}
    for own, found in registered.items():
        key = _trained(own, modules)
        days[key] = max(days.get(key, date.min), *found)
    return days


def _times(registered: Registered, modules: set[int]) -> dict[Trained, int]:
    """Return driver and training → how often they were registered."""
    times: Counter[Trained] = Counter()
    for own, found in registered.items():
        times[_trained(own, modules)] += len(found)
    return times


def _trained(own: tuple[DriverKey, int, date], modules: set[int]) -> Trained:
    """Return driver and training; for an FCO module the end date counts too."""
    (birth_date, permit), training_id, end_date = own
    return birth_date, permit, training_id, end_date if training_id in modules else None


__all__ = ["DriverRow", "Facts", "load", "load_accreditations", "load_catalogue"]
