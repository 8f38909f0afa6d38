"""Reading what a list is asked for: the filters of its address, or those that its cursor carries."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

from flask import request

from app.services.api import changes, lists
from app.services.api.changes import Place
from app.services.api.lists import Page, Question
from app.services.core import clock
from app.validators.fields import bare_permit, iso_to_french, parse_date
from app.views.shell.border import CONTROL

from .problems import Problem

#: Longer values are none that the register could hold.
LONGEST = 120
CURSOR_MAX = 2_000
_OFFSET = r"([Zz]|[+ -]\d\d:?\d\d)?"
_INSTANT = re.compile(rf"(\d{{4}}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{{1,9}}))?{_OFFSET}", re.ASCII)


def page(kind: str, centre_id: int, *names: str) -> Page:
    """Return the page that the address asks for; ``names`` are its filters. Raise :class:`Problem`."""
    told, place = asked(kind, centre_id, *names)
    return Page(centre_id, told, _question(told), place)


def asked(kind: str, centre_id: int, *names: str) -> tuple[dict[str, str], Place | None]:
    """Return the filters of the address, or of its cursor, and the place where that one ended. Raise :class:`Problem`."""
    told = {name: value(name) for name in names}
    told = {name: text for name, text in told.items() if text}
    if not (text := value("cursor", CURSOR_MAX)):
        return told, None
    try:
        cursor = changes.decode(kind, centre_id, text)
        if any(cursor.asked.get(name) != text for name, text in told.items()):
            raise changes.CursorRefused
    except changes.CursorRefused as refusal:
        raise Problem("invalid_cursor", refusal.message, parameter="cursor") from None
    return dict(cursor.asked), cursor.place


def value(name: str, longest: int = LONGEST) -> str:
    """Return a parameter of the address; one left empty is as if it were not there."""
    text = request.args.get(name, "")
    if len(text) > longest or CONTROL.search(text):
        raise _refused(name, "cette valeur est trop longue, ou contient un caractère de contrôle.")
    return text


def _question(asked: Mapping[str, str]) -> Question:
    question = Question()
    for name, text in asked.items():
        question = replace(question, **_READ[name](text))
    return question


def _refused(name: str, expected: str, code: str = "invalid_parameter") -> Problem:
    return Problem(code, f"« {name} » : {expected}", parameter=name)


def _since(text: str) -> dict[str, Any]:
    found = instant(text)
    if found is None:
        expected = (
            "un instant s’écrit AAAA-MM-JJThh:mm:ssZ (ou avec son décalage, +01:00), un jour AAAA-MM-JJ ou JJ/MM/AAAA."
        )
        raise _refused("updated_since", expected, "invalid_date")
    return {"updated_since": found}


def instant(text: str) -> datetime | None:
    """Return an ISO 8601 instant, or the beginning of a day in Paris; None for anything else.

    Without an offset the hour is that of Paris; a plus sign that an address has made a space is one.
    """
    day = parse_date(iso_to_french(text))
    try:
        if day is not None:
            return datetime.combine(day, time(), clock.PARIS).astimezone(UTC)
        if not (found := _INSTANT.fullmatch(text)):
            return None
        date_, hour, fraction, offset = found.groups()
        fraction = f".{fraction[:6]:0<6}" if fraction else ""
        told = datetime.fromisoformat(f"{date_}T{hour}{fraction}{(offset or '').upper().replace(' ', '+')}")
        return (told if told.tzinfo else told.replace(tzinfo=clock.PARIS)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def day_of(text: str, name: str) -> date:
    """Return the day that a parameter names; raise :class:`Problem`."""
    found = parse_date(iso_to_french(text))
    if found is None:
        raise _refused(name, "une date s’écrit AAAA-MM-JJ ou JJ/MM/AAAA.", "invalid_date")
    return found


def _training(text: str) -> dict[str, Any]:
    found = lists.trainings_named(text)
    if not found:
        raise _refused(
            "training", "aucune formation du catalogue ne porte ce libellé (GET /catalogue donne les vôtres)."
        )
    return {"trainings": found}


def _status(text: str) -> dict[str, str]:
    if text not in lists.STATUSES:
        raise _refused("status", f"une de ces valeurs : {', '.join(lists.STATUSES)}.")
    return {"status": text}


#: Filter → what reads it, as fields of the question.
_READ: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "updated_since": _since,
    "order_number": lambda text: {"order_number": text.strip()},
    "permit_number": lambda text: {"permit_number": bare_permit(text)},
    "birth_date": lambda text: {"birth_date": day_of(text, "birth_date")},
    "training": _training,
    "status": _status,
}
FILTERS = tuple(_READ)
