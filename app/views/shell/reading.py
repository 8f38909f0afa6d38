"""What a screen reads of its request, and leading to another page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from flask import abort, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from app.models import Trainer
from app.services.billing import months
from app.services.core import clock
from app.services.registration.announced import Told

from .headers import is_htmx

#: The handlers of a trainer's steps, in their order.
TRAINER_STEPS = ("person", "terms", "checks")


def lead(address: str) -> Response:
    """Lead to a page: a redirection, or an order to htmx, which would paint that page into a piece of this one."""
    return make_response("", 200, {"HX-Redirect": address}) if is_htmx() else redirect(address)


def number_of(name: str, default: int = 1) -> int:
    """Return a whole number of the query or the form, the default for anything that is none."""
    text = request.values.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else default


def word_of(name: str, known: Iterable[str], asked: Mapping[str, str] | None = None) -> str:
    """Return a word of the query that narrows a list, '' where none is asked; answer 400 to one that means nothing."""
    word = (request.args if asked is None else asked).get(name, "")
    if word and word not in known:
        abort(400, "Cette liste ne se filtre pas ainsi.")
    return word


def month_of(name: str, default: date) -> date:
    """Return the first day of a month of the query or the form, that of a day by default; 400 for none, or one to come."""
    typed = request.values.get(name, "")
    month = months.read(typed) if typed else months.first_of(default)
    if month is None or month > clock.today():
        abort(400, "Ce mois n’en est pas un, ou est à venir : il s’écrit AAAA-MM.")
    return month


def version_shown() -> int | None:
    """Return the version of the batch of which the dialog that was confirmed told lines and amount, None where it said none."""
    version = number_of("version", -1)
    return None if version < 0 else version


def told_shown() -> Told | None:
    """Return what the dialog that was confirmed told of costs and of documents withheld, None where it said nothing."""
    return Told.read(request.form.get("told", ""))


def trainer_step(row: Trainer, step: int) -> str:
    """Return the address of a step (from 1) of a trainer's draft."""
    return url_for(f"TrainersView.{TRAINER_STEPS[step - 1]}", key=row.key)
