"""How figures, dates and names are written on French screens: Jinja filters."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from flask import Flask
from wtforms import Field, Form, HiddenField

from app.french.templates import FrenchSpaces
from app.services.core import clock
from app.services.core.clock import PARIS
from app.services.core.numbers import count_of, enumerated, euros, grouped
from app.services.core.numbers import iban as iban
from app.services.core.numbers import percent as percent
from app.services.core.numbers import siret as siret
from app.validators.remark import SENTENCES, Code

#: Field → what the rules say of a day to come in it.
_LATE = {
    "end_date": SENTENCES[Code.END_DATE_IN_FUTURE, "end_date"],
    "birth_date": SENTENCES[Code.BIRTH_DATE_IN_FUTURE, "birth_date"],
}


def day(value: date | None) -> str:
    """Return a date as JJ/MM/AAAA, or nothing for None."""
    return f"{value:%d/%m/%Y}" if value else ""


def moment(value: datetime | None) -> str:
    """Return an aware instant as « JJ/MM/AAAA à HH:MM » in Paris, or nothing for None."""
    return f"{value.astimezone(PARIS):%d/%m/%Y à %H:%M}" if value else ""


def number(value: int) -> str:
    """Return a whole number in groups of three (« 202 000 »)."""
    return grouped(value)


def lower_first(text: str) -> str:
    """Return the text to stand after a colon: first letter lowered, but for an abbreviation (« N° », « CFR »)."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def first_error(errors: Iterable[Any]) -> str:
    """Return the first message of a field, whatever the depth FormField and FieldList put it at."""
    for error in errors.values() if isinstance(errors, dict) else errors:
        return first_error(error) if isinstance(error, (dict, list, tuple)) else str(error)
    return ""


def summary_line(field: Field) -> str:
    """Return a field's error for the summary, with the field's name in front unless the sentence names it already."""
    label, message = str(field.label.text), first_error(field.errors)
    return message if label.lower() in message.lower() else f"{label} : {lower_first(message)}"


def faulty_fields(form: Form) -> list[Field]:
    """Return the visible fields of a form that have an error, in the order of the screen."""
    return [field for field in form if field.errors and not isinstance(field, HiddenField)]


def tied(attrs: dict[str, Any], field: Field, hint: str | None) -> dict[str, Any]:
    """Return the attributes of a control, tied to its hint and its error (RGAA 11.10).

    Required is told to assistive technology only: the browser's own bubbles speak its language, not ours. Nothing cuts
    what is pasted: a text that is too long is answered in words.
    """
    ids = [f"{field.id}-hint"] * bool(hint) + [f"{field.id}-error"] * bool(field.errors)
    states = {"aria-required": bool(getattr(field.flags, "required", False)), "aria-invalid": bool(field.errors)}
    told: dict[str, Any] = {name: "true" for name, holds in states.items() if holds}
    if ids:
        told["aria-describedby"] = " ".join(ids)
    return {"required": False, "maxlength": False, **told, **attrs}


def until_today(name: str) -> dict[str, str]:
    """Return the attributes by which a field of this name tells on leaving it, with the rules' sentence, that its day is to
    come; none for a field that may hold such a day.
    """
    late = _LATE.get(name)
    return {"data-until": clock.today().isoformat(), "data-late": late} if late else {}


def page_numbers(page: int, page_count: int, around: int = 2) -> list[int | None]:
    """Return the page numbers to show, None for a gap: 1 … 4 5 [6] 7 8 … 15."""
    kept = sorted({1, page_count, *range(page - around, page + around + 1)} & set(range(1, page_count + 1)))
    numbers: list[int | None] = []
    for number_, before in zip(kept, [0, *kept], strict=False):
        numbers += [None] * (number_ - before > 1) + [number_]
    return numbers


FILTERS = (
    euros, percent, day, moment, siret, iban, number, count_of, lower_first, first_error, summary_line, faulty_fields, tied,
    enumerated,
)  # fmt: skip


def register(app: Flask) -> None:
    """Give templates the filters, under the names of their functions, and their no-break spaces."""
    app.jinja_env.add_extension(FrenchSpaces)
    app.jinja_env.filters.update({function.__name__: function for function in FILTERS})
    app.jinja_env.globals.update({"page_numbers": page_numbers, "until_today": until_today})
