"""Pasted rows read with what the person says of their columns; where that is in doubt, the small form that asks it."""

from __future__ import annotations

from typing import Any

from flask import request
from wtforms import Form, SelectField

from app.models import Batch
from app.services.core.refusal import Refusal
from app.services.registration import pasting
from app.services.registration.pasting import Layout, Unsure
from app.services.registration.pasting_columns import letter

from .forms import PasteForm

COLUMN, FIRST = "colonne-", "premiere"
#: So many rows may be the first one of a trainee, so many cells show what a column holds.
_ROWS, _CELLS = 10, 3
_LEFT_OUT = ("", "Ne pas reprendre")


class Faulty(Refusal):
    """The form of the paste itself is to be mended; its fields say why."""


def read(batch: Batch, form: PasteForm, *, lenient: bool = False) -> pasting.Pasted:
    """Return the pasted rows of a form, each with its own cells only.

    Raises a :class:`Refusal`: :class:`Faulty` (unless ``lenient``: the fields of the form bear what is wrong with them),
    `pasting.Unsure` where the columns are to be asked, or why nothing is taken.
    """
    if not form.validate() and not lenient:
        raise Faulty
    training = batch.training
    given = pasting.Given(
        training_label=training.label if training else "",
        category=training.category if training else "",
        end_date=batch.end_date,
    )
    return pasting.read(form.text.data or "", given, _answer())


def answer() -> list[tuple[str, str]]:
    """Return the answer on the columns as the request holds it, to be sent on."""
    return [(name, value) for name, value in request.form.items() if name == FIRST or name.startswith(COLUMN)]


def _answer() -> Layout | None:
    """Return what the person said of the columns; None where nothing was said, or nothing that makes sense."""
    sent, fields = request.form, list[str]()
    while (value := sent.get(f"{COLUMN}{len(fields)}")) is not None:
        fields.append(value if value in pasting.FIELD_CHOICES else "")
    first = sent.get(FIRST, "")
    if not fields or not (first.isascii() and first.isdigit() and len(first) < 5):
        return None
    return Layout(tuple(fields), int(first))


def asked(unsure: Unsure) -> dict[str, Any]:
    """Return what the page that asks needs."""
    told = {"form": _form(unsure), "why": unsure.message, "first": FIRST}
    return {**told, "examples": _examples(unsure), "empty": _empty_columns(unsure)}


def _form(unsure: Unsure) -> Form:
    """Return the form that asks: a select a column, and the row of the first trainee."""
    choices = [_LEFT_OUT, *pasting.FIELD_CHOICES.items()]
    asked = [at for at, cells in enumerate(zip(*unsure.table, strict=True)) if any(cells)]
    fields: dict[str, Any] = {f"{COLUMN}{at}": SelectField(_label(unsure, at), choices=choices) for at in asked}
    fields[FIRST] = SelectField("Première ligne à reprendre", choices=_first_rows(unsure))
    known = {f"{COLUMN}{at}": name for at, name in enumerate(unsure.known.fields)}
    form = type("ColumnsForm", (Form,), fields)(data={**known, FIRST: str(unsure.known.first)})
    for at, sentence in unsure.faults.items():
        form[f"{COLUMN}{at}"].errors = [sentence]
    return form


def _examples(unsure: Unsure) -> dict[str, str]:
    """Return name of each select → the first cells of its column."""
    rows = unsure.table[unsure.known.first :]
    return {
        f"{COLUMN}{at}": ", ".join([cell[:40] for cell in cells if cell][:_CELLS])
        for at, cells in enumerate(zip(*rows, strict=True))
    }


def _empty_columns(unsure: Unsure) -> list[str]:
    """Return the names of the columns that hold nothing: they are not asked, and sent on as left out."""
    return [f"{COLUMN}{at}" for at, cells in enumerate(zip(*unsure.table, strict=True)) if not any(cells)]


def _label(unsure: Unsure, at: int) -> str:
    head = "" if unsure.known.head is None else unsure.table[unsure.known.head][at]
    return f"Colonne {letter(at)}{f' : « {head[:60]} »' if head else ''}"


def _first_rows(unsure: Unsure) -> list[tuple[str, str]]:
    shown = unsure.table[: max(_ROWS, unsure.known.first + 1)]
    return [(str(at), f"{at + 1} : {' · '.join(filter(None, row))[:80]}") for at, row in enumerate(shown)]
