"""What drivers are looked for by: the beginning of their names or of their permit number, of today or former ones; an index
answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, union_all
from sqlalchemy.orm import aliased

from app.models import Driver, IdentityCorrection, Registration
from app.models.driver import standing
from app.services.registration.search import by_names, permit_begins, registered_under


def by_words(text: str, *, broad: bool = False) -> ColumnElement[bool]:
    """Return the drivers that a person's words mean; words with a figure are permit numbers, the others names.

    A former identity leads to the driver as today's does: what an agent corrected, or another record of the same person.
    """
    other, before, whose = aliased(Driver), IdentityCorrection, aliased(Driver)

    def named(model: Any) -> ColumnElement[bool]:
        return _meant(model, text, lambda number: permit_begins(number, model), broad)

    if broad:
        led = exists().where(other.same_as_id == Driver.id, named(other))
        corrected = exists().where(before.driver_id == whose.id, standing(whose) == Driver.id, named(before))
        return or_(named(Driver), led, corrected)
    former = select(standing(whose)).join(before, before.driver_id == whose.id).where(named(before))
    led_to = select(other.same_as_id).where(other.same_as_id.is_not(None), named(other))
    return Driver.id.in_(union_all(select(Driver.id).where(named(Driver)), led_to, former))


def registered_by_words(text: str, *, broad: bool = False) -> ColumnElement[bool]:
    """Return the registrations that a person's words mean, under the names and the permit number they were registered by."""

    def has_permit(number: str) -> ColumnElement[bool]:
        if broad:
            return exists().where(Driver.id == Registration.identity_id(), permit_begins(number))
        return or_(*registered_under(permit_begins(number)))

    return _meant(Registration, text, has_permit, broad)


def has_account(text: str, *, broad: bool = False) -> ColumnElement[bool]:
    """Return the registrations of drivers with an account (« oui ») or without one."""
    driver, account = Registration.driver_id, Driver.person_id
    condition = account.is_not(None) if text == "oui" else account.is_(None)
    return exists().where(Driver.id == driver, condition) if broad else driver.in_(select(Driver.id).where(condition))


def _meant(model: Any, text: str, has_permit: Callable[[str], ColumnElement[bool]], broad: bool) -> ColumnElement[bool]:
    parts = text.split()
    numbers = [part for part in parts if any(c.isdigit() for c in part)]
    names = [part for part in parts if part not in numbers]
    asked = [has_permit("".join(numbers))] if numbers else []
    return and_(*asked, *([by_names(model, " ".join(names), broad=broad)] if names else []))


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
