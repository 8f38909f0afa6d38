"""What drivers are looked for by: the beginning of their names or of their permit number; an index answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, select

from app.models import Driver, Registration
from app.services.registration.search import by_names, permit_begins


def by_words(text: str, *, broad: bool = False) -> ColumnElement[bool]:
    """Return the drivers that a person's words mean; words with a figure are permit numbers, the others names."""
    return _meant(Driver, text, permit_begins, broad)


def registered_by_words(text: str, *, broad: bool = False) -> ColumnElement[bool]:
    """Return the registrations of the drivers that a person's words mean, under the names the registrations bear."""
    driver = Registration.driver_id

    def has_permit(number: str) -> ColumnElement[bool]:
        if broad:
            return exists().where(Driver.id == driver, permit_begins(number))
        return driver.in_(select(Driver.id).where(permit_begins(number)))

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
    """Return what drivers must meet to answer these questions of their list (question → text); nonsense is met by none."""
    account = {"oui": Driver.person_id.is_not(None), "non": Driver.person_id.is_(None)}
    known: dict[str, Callable[[str], ColumnElement[bool]]] = {
        "words": by_words,
        "account": lambda text: account.get(text, false()),
    }
    return [known[name](text) if name in known else false() for name, text in asked.items() if text]
