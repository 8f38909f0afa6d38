"""Who may be the same person as a driver: those of the same names or the same permit number, and whom an agent looks for."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, select

from app.extensions import db
from app.models import Driver
from app.models.search import by_names
from app.services.registration.search import permit_begins

from . import hanging
from .hanging import Hanging

LIMIT = 20


def alike(driver: Driver) -> list[Driver]:
    """Return the drivers of the same names, or of the same permit number; LIMIT at most."""
    same_names = (Driver.search_last == driver.search_last) & (Driver.search_first == driver.search_first)
    return _some(driver, or_(same_names, Driver.permit_number == driver.permit_number))


def asked(driver: Driver, text: str) -> list[Driver]:
    """Return the other drivers that an agent's words mean: the beginning of names, or of a permit number."""
    words = text.split()
    number = "".join(word for word in words if any(sign.isdigit() for sign in word))
    names = " ".join(word for word in words if not any(sign.isdigit() for sign in word))
    meant = [*([permit_begins(number)] if number else []), *([by_names(Driver, names)] if names else [])]
    return _some(driver, *meant) if meant else []


def sides(kept: Driver, joined: Driver) -> list[Hanging]:
    """Return all that hangs on each of two drivers, the one that would stay first."""
    return [hanging.of(kept), hanging.of(joined)]


def _some(driver: Driver, *conditions: ColumnElement[bool]) -> list[Driver]:
    query = select(Driver).where(Driver.id != driver.id, Driver.same_as_id.is_(None), *conditions)
    return list(
        db.session.execute(query.order_by(Driver.search_last, Driver.search_first, Driver.id).limit(LIMIT)).scalars()
    )
