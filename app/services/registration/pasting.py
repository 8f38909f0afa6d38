"""Rows copied from a spreadsheet and pasted in step 2 → the fields of each line, with what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from app.models.catalogue import full_label
from app.validators import headings
from app.validators.context import Category
from app.validators.fields import clean, fold, loosen_date, parse_date
from app.validators.file import DETAIL_HEADER
from app.validators.remark import EMAIL

from .drafts import LINE_FIELDS, MAX_LINES, TooManyLines
from .pasting_columns import (
    NEEDED,
    TITLES,
    Layout,
    NoLine,
    NotRows,
    Row,
    Table,
    Unsure,
    answered,
    find,
    is_trainee,
    letter,
    quoted,
)
from .pasting_table import cells

__all__ = ["FIELD_CHOICES", "Given", "Layout", "NotRows", "OtherTraining", "Pasted", "Unsure", "read"]

#: What a column may be said to be, in the order in which it is asked.
FIELD_CHOICES = {name: TITLES[name] for name in (*NEEDED, *(name for name in TITLES if name not in NEEDED))}
#: Characters: what a draft holds at most, at 300 a line; more takes seconds to part.
_LONGEST = 300 * MAX_LINES
_TOTALS = ("total", "soustotal", "nombrede", "effectif", "nbde", "nbre")


class OtherTraining(NotRows):
    """Some rows name another training than the one chosen in step 1."""


@dataclass(frozen=True)
class Given:
    """What holds for every row: the training and its end date (step 1), reference and order number (the form)."""

    training_label: str = ""
    category: str = ""
    end_date: date | None = None
    reference: str = ""
    order_number: str = ""


@dataclass(frozen=True)
class Pasted:
    """The rows as fields; ``told``: sentences on what was pasted and is not taken; ``layout``: how the columns were read."""

    rows: list[dict[str, str]]
    layout: Layout
    told: list[str] = field(default_factory=list)


def read(text: str, given: Given, answer: Layout | None = None) -> Pasted:
    """Return the pasted rows; ``answer`` is what the person said of the columns where they were asked.

    Raises :class:`NotRows` (and its kinds) where nothing can be taken, :class:`Unsure` where the columns must be asked,
    `drafts.TooManyLines` beyond what a draft holds.
    """
    if len(text) > _LONGEST:
        raise TooManyLines
    table = cells(text)
    if not table:
        raise NotRows("Collez au moins une ligne copiée depuis votre tableur.")
    if len(table) > 2 * MAX_LINES or sum(map(is_trainee, table)) > MAX_LINES:
        raise TooManyLines  # said before anything is asked
    layout = (answer and answered(table, answer)) or find(table)
    rows, told = _below(table, layout)
    if not rows:
        raise NoLine
    if len(rows) > MAX_LINES:
        raise TooManyLines
    lines = [dict(zip(layout.fields, row, strict=True)) for row in rows]
    _refuse_other_training(lines, layout, given)
    return Pasted([_line(line, given) for line in lines], layout, told)


def _line(line: dict[str, str], given: Given) -> dict[str, str]:
    """Return the six fields of a row, and its address if any; reference and order number are the form's where it bears none."""
    shared = {"reference": given.reference, "order_number": given.order_number}
    found = {name: line.get(name) or shared.get(name, "") for name in LINE_FIELDS}
    address = {EMAIL: line[EMAIL]} if line.get(EMAIL) else {}
    return {**found, "birth_date": loosen_date(found["birth_date"]), **address}


def _below(table: Table, layout: Layout) -> tuple[Table, list[str]]:
    """Return the rows to take and what is to be told of the others: titles, headers that come again, totals, columns."""
    heads = [] if layout.head is None else [table[layout.head]]
    above = [row for at, row in enumerate(table[: layout.first]) if at != layout.head]
    below = table[layout.first :]
    again, totals = [row for row in below if row in heads], [row for row in below if _is_total(row)]
    told = [
        *_left_out(above, "au-dessus des lignes reprises"),
        *_left_out(again, "d’en-têtes répétée"),
        *_left_out(totals, "de total"),
        *_unread(table, layout),
    ]
    return [row for row in below if row not in heads and not _is_total(row)], told


def _left_out(rows: Sequence[Row], what: str) -> Iterator[str]:
    if rows:
        count = "Une ligne" if len(rows) == 1 else f"{len(rows)} lignes"
        verb = "n’est pas reprise" if len(rows) == 1 else "ne sont pas reprises"
        yield f"{count} {what} {verb} : {quoted([' '.join(filter(None, row)) for row in rows])}."


def _is_total(row: Row) -> bool:
    first = next(filter(None, row), "")
    return headings.key(first).startswith(_TOTALS) and not is_trainee(row)


def _unread(table: Table, layout: Layout) -> Iterator[str]:
    """Tell which columns hold something and are not taken; our own « Détail » goes without saying."""
    heads = table[layout.head] if layout.head is not None else [""] * len(layout.fields)
    named = [
        head or f"colonne {letter(at)}"
        for at, (name, head) in enumerate(zip(layout.fields, heads, strict=True))
        if not name and fold(head) != fold(DETAIL_HEADER) and any(row[at] for row in table[layout.first :])
    ]
    if named:
        yield f"{'Colonne non reprise' if len(named) == 1 else 'Colonnes non reprises'} : {quoted(named)}."


def _refuse_other_training(lines: Iterable[dict[str, str]], layout: Layout, given: Given) -> None:
    """Raise :class:`OtherTraining` where a row names another label, category or end date than step 1: never overlooked."""
    said = [name for name in ("training_label", "category", "end_date") if name in layout.fields]
    others = [(at, line) for at, line in enumerate(lines, 1) if any(_differs(name, line[name], given) for name in said)]
    if not others:
        return
    at, line = others[0]
    told = ", ".join(clean(line[name]) for name in said if _differs(name, line[name], given))
    more = "" if len(others) == 1 else f" (et {len(others) - 1} autre{'s' * (len(others) > 2)})"
    raise OtherTraining(
        f"La ligne {at}{more} porte une autre formation, une autre catégorie ou une autre date de fin que celles de "
        f"l’étape 1 : « {told[:120]} » au lieu de « {_own(given)} ». Enregistrez ces lignes à part, ou retirez ces colonnes."
    )


def _own(given: Given) -> str:
    end = f", fin le {given.end_date:%d/%m}/{given.end_date.year:04d}" if given.end_date else ""
    return full_label(given.training_label, given.category) + end


def _differs(name: str, cell: str, given: Given) -> bool:
    """Tell whether a cell says another thing than step 1; an empty one says nothing."""
    text = clean(cell)
    if not text:
        return False
    if name == "end_date":
        return parse_date(loosen_date(text)) != given.end_date
    if name == "category":
        return Category.from_text(text) != Category.from_text(given.category)
    return fold(text) not in {fold(given.training_label), fold(full_label(given.training_label, given.category))}
