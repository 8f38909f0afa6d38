"""What drivers are looked for by: the beginning of their names or of their permit number, their birth date, of today or
former ones; an index answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select, true, union_all
from sqlalchemy.orm import aliased

from app.models import Driver, IdentityCorrection, Registration
from app.models.driver import standing
from app.models.search import by_names, name_ways
from app.services.core.dialect import found_first
from app.services.core.narrowing import typed
from app.services.registration.search import identified, person_ways


def by_words(text: str, *, broad: bool = False) -> ColumnElement[bool]:
    """Return the drivers that a person's words mean; words with a figure are days or permit numbers, the others names.

    A former identity leads to the driver as today's does: what an agent corrected, or another record of the same person.
    """
    if not broad:
        return or_(*ways(text))
    other, before, whose = aliased(Driver), IdentityCorrection, aliased(Driver)
    led = exists().where(other.same_as_id == Driver.id, _meant(other, text, broad))
    corrected = exists().where(before.driver_id == whose.id, standing(whose) == Driver.id, _meant(before, text, broad))
    return or_(_meant(Driver, text, broad), led, corrected)


def ways(text: str) -> list[ColumnElement[bool]]:
    """Return the conditions of :func:`by_words`, of which one is met."""
    asked = typed(text)
    own = name_ways(Driver, asked.name) if asked.names and not (asked.numbers or asked.days) else [_meant(Driver, text)]
    return [*own, found_first(Driver.id, union_all(*_led(text)))]


def ids(text: str) -> list[Select[Any]]:
    """Return statements that together find the ids of the drivers meant: by today's identity, by another record of the same
    person, by what an agent corrected.
    """
    return [select(Driver.id).where(_meant(Driver, text)), *_led(text)]


def _led(text: str) -> list[Select[Any]]:
    """Return the statements of :func:`ids` that a former identity answers."""
    other, before, whose = aliased(Driver), IdentityCorrection, aliased(Driver)
    return [
        select(other.same_as_id.label("id")).where(other.same_as_id.is_not(None), _meant(other, text)),
        select(standing(whose).label("id")).join(before, before.driver_id == whose.id).where(_meant(before, text)),
    ]


def latest_of(centre_id: int) -> list[ColumnElement[bool]]:
    """Return what the last registration that counts of each driver of a centre meets: the row by which it knows them."""
    later, own = aliased(Registration), Registration
    same = (
        (later.driver_id == own.driver_id)
        & (later.centre_id == own.centre_id)
        & (later.id > own.id)
        & later.cancelled_on.is_(None)
    )
    return [own.centre_id == centre_id, own.live(), ~exists().where(same)]


def registered_by_words(text: str, *, broad: bool = False) -> ColumnElement[bool]:
    """Return the registrations that a person's words mean, under the names, permit number and birth date registered."""
    if not broad:
        return or_(*person_ways(text))
    asked = typed(text)
    under = identified(asked)
    named = [by_names(Registration, asked.name, broad=True)] if asked.names else []
    if under is None:
        return and_(true(), *named)
    return and_(exists().where(Driver.id == Registration.identity_id(), under), *named)


def has_account(text: str, *, broad: bool = False) -> ColumnElement[bool]:
    """Return the registrations of drivers with an account (« oui ») or without one."""
    driver, account = Registration.driver_id, Driver.person_id
    condition = account.is_not(None) if text == "oui" else account.is_(None)
    return exists().where(Driver.id == driver, condition) if broad else driver.in_(select(Driver.id).where(condition))


def _meant(model: Any, text: str, broad: bool = False) -> ColumnElement[bool]:
    asked = typed(text)
    under = identified(asked, model)
    named = [by_names(model, asked.name, broad=broad)] if asked.names else []
    return and_(true(), *([] if under is None else [under]), *named)


def conditions(asked: Mapping[str, str]) -> list[ColumnElement[bool]]:
    """Return what drivers must meet to answer these questions of their list (question → text); nonsense is met by none.

    An identity that is another driver's stands in no list of its own.
    """
    account = {"oui": Driver.person_id.is_not(None), "non": Driver.person_id.is_(None)}
    known: dict[str, Callable[[str], ColumnElement[bool]]] = {
        "words": by_words,
        "account": lambda text: account.get(text, false()),
    }
    return [
        Driver.same_as_id.is_(None),
        *(known[name](text) if name in known else false() for name, text in asked.items() if text),
    ]
