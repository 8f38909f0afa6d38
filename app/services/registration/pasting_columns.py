"""Which column of a pasted table is which field: by its headers, by its place where what stands there fits, else unsure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from app.services.core.refusal import Refusal
from app.validators import headings
from app.validators.fields import bare_permit, clean, loosen_date, parse_date, visible
from app.validators.remark import EMAIL, EMAIL_HEADER, FIELDS, HEADERS

from .drafts import LINE_FIELDS
from .pasting_table import LEAST

Table = list[list[str]]
Row = Sequence[str]

NEEDED = ("first_name", "last_name", "birth_date", "permit_number")
#: Number of columns → what they are, where nothing is written above them.
BY_WIDTH = {4: NEEDED, 6: LINE_FIELDS, 9: FIELDS, 10: (*FIELDS, EMAIL)}
#: Field → how a column of it is called.
TITLES = {**HEADERS, EMAIL: EMAIL_HEADER}
#: A table with more columns than this is no list of trainees.
MOST = 60
_SHOWN = 10

_DAY = re.compile(
    r"\d{1,4}[-./ ]\d{1,2}[-./ ]\d{1,4}(?:[ T]\d{1,2}[:h]\d{2}(?::\d{2}(?:\.\d+)?)?)?|\d{1,2}(?:er)? [^\W\d]{3,9}\.? \d{2,4}"
)
_NUMERIC = re.compile(r"\d{9,}[.,]0*|\d+(?:[.,]\d+)?E\+?\d+", re.IGNORECASE)
_PERMIT = re.compile(r"(?=(?:[A-Z]*\d){5})[A-Z0-9]{9,16}")
_CODE = re.compile(r"[A-Z]{0,5}[-_/ ]?\d[\w./-]*")
_DIGIT = re.compile(r"\d")


class NotRows(Refusal):
    """The pasted text is no table we can read."""

    message = (
        "Les lignes collées doivent compter 4 colonnes (prénom, nom, date de naissance, n° de permis), "
        "6 colonnes (référence et n° de commande d’abord) ou les 9 colonnes du modèle de fichier."
    )


class NoLine(NotRows):
    """There are headers, titles or totals, and nobody below."""

    message = (
        "Collez au moins une ligne copiée depuis votre tableur, avec une date de naissance et un n° de permis : "
        "rien de ce qui a été collé n’en porte."
    )


@dataclass(frozen=True)
class Layout:
    """How a table is read: the field of each column ('' for one that is left out) and the place of its first line, from 0."""

    fields: tuple[str, ...]
    first: int
    #: Place of the row of headers, None where there is none.
    head: int | None = None


class Unsure(Refusal):
    """Nobody can say for sure which column is which: the person is asked.

    ``known``: what the headers and the looks of dates and permit numbers say already. ``faults``: place of a column →
    what is wrong with the answer given for it.
    """

    def __init__(self, why: str, table: Table, known: Layout, faults: Mapping[int, str] = MappingProxyType({})) -> None:
        super().__init__(why)
        self.table, self.known, self.faults = table, known, faults


def find(table: Table) -> Layout:
    """Return how a table is to be read.

    Raises :class:`NotRows` where it is no list of trainees, :class:`NoLine` where it holds none, :class:`Unsure` where
    headers or cells leave a doubt: columns are never taken by their place against what stands in them.
    """
    if not LEAST <= len(table[0]) <= MOST:
        raise NotRows
    named = [headings.fields_of(row) for row in table]
    head = next((at for at, names in enumerate(named) if set(NEEDED) <= set(names)), None)
    if head is not None:
        return _headed(table, Layout(tuple(named[head]), head + 1, head))
    if not any(map(is_trainee, table)):
        raise NoLine
    head = _unknown_head(table, named)
    if head is not None:
        raise unsure(table, _why_unknown(table[head], head + 1), Layout(tuple(named[head]), head + 1, head))
    return _placed(table)


def answered(table: Table, answer: Layout) -> Layout | None:
    """Return the answer of a person as it holds for this table, None where it was given for another.

    Raises :class:`Unsure` with its faults: a field that is needed and missing, or named twice.
    """
    if len(answer.fields) != len(table[0]) or not 0 <= answer.first < len(table):
        return None
    faults: dict[int, str] = {}
    for at, name in enumerate(answer.fields):
        if name and name in answer.fields[:at]:
            faults[at] = f"« {TITLES[name]} » est déjà la colonne {letter(answer.fields.index(name))}."
    missing = [HEADERS[name] for name in NEEDED if name not in answer.fields]
    if missing:
        at = next((at for at, name in enumerate(answer.fields) if not name and at not in faults), 0)
        faults.setdefault(at, f"Indiquez quelle colonne porte : {', '.join(missing)}.")
    if faults:
        raise Unsure("L’ordre des colonnes est à compléter.", table, answer, faults)
    head = answer.first - 1
    return Layout(answer.fields, answer.first, head if head >= 0 and not is_trainee(table[head]) else None)


def unsure(table: Table, why: str, seen: Layout) -> Unsure:
    """Return the question to ask: what is named once is kept, dates and permit numbers are known by their looks."""
    counts = Counter(seen.fields)
    known = [name if counts[name] == 1 else "" for name in seen.fields]
    rows = table[seen.first :]
    for name, looks in (("birth_date", is_day), ("permit_number", is_permit)):
        like = [at for at, cells in enumerate(zip(*rows, strict=True)) if _mostly(cells, looks)]
        if len(like) == 1 and name not in counts and not known[like[0]]:
            known[like[0]] = name
    return Unsure(why, table, Layout(tuple(known), min(seen.first, len(table) - 1), seen.head))


def letter(at: int) -> str:
    """Return the name of a column as spreadsheet programs give it: A, B … Z, AA."""
    return (letter(at // 26 - 1) if at >= 26 else "") + chr(ord("A") + at % 26)


def is_day(cell: str) -> bool:
    """Tell whether a cell looks like a day, right or wrong."""
    text = clean(cell)
    return _DAY.fullmatch(text) is not None or parse_date(loosen_date(text)) is not None


def is_permit(cell: str) -> bool:
    """Tell whether a cell looks like a permit number, or like one that a spreadsheet program took for a number."""
    text = clean(cell)
    return not is_day(text) and bool(_PERMIT.fullmatch(bare_permit(text)) or _NUMERIC.fullmatch(text))


def is_trainee(row: Row) -> bool:
    """Tell whether a row bears a day or a permit number: no header does."""
    return any(is_day(cell) or is_permit(cell) for cell in row)


def is_odd(row: Row, fields: Row) -> bool:
    """Tell whether a cell of a row plainly belongs to another column than the one it stands in."""
    return any(cell and _ODD[name](cell) for name, cell in zip(fields, row, strict=True) if name in _ODD)


def _is_no_name(cell: str) -> bool:
    return is_day(cell) or is_permit(cell) or _CODE.fullmatch(clean(cell)) is not None


def _is_no_day(cell: str) -> bool:
    return not is_day(cell) and (is_permit(cell) or not _DIGIT.search(cell))


def _is_no_address(cell: str) -> bool:
    return "@" not in cell


def _is_no_permit(cell: str) -> bool:
    return is_day(cell) or not _DIGIT.search(cell)


_ODD: dict[str, Callable[[str], bool]] = {
    "first_name": _is_no_name,
    "last_name": _is_no_name,
    "training_label": is_day,
    "category": is_day,
    "birth_date": _is_no_day,
    "end_date": _is_no_day,
    "permit_number": _is_no_permit,
    EMAIL: _is_no_address,
}


def _fits(rows: Table, fields: Row) -> bool:
    """Tell whether most trainees stand in the right columns; a row in error among many is shown as such."""
    odd = [is_odd(row, fields) for row in rows if is_trainee(row)]
    return not odd or 2 * sum(odd) < len(odd)


def _mostly(cells: Sequence[str], looks: Callable[[str], bool]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and 2 * sum(map(looks, filled)) > len(filled)


def _headed(table: Table, layout: Layout) -> Layout:
    rows = table[layout.first :]
    if not rows:
        raise NoLine
    if any(any(map(is_day, row)) and any(map(is_permit, row)) for row in table[: layout.head]):
        raise unsure(table, "Des lignes précèdent les en-têtes.", layout)
    twice = [TITLES[name] for name, count in Counter(layout.fields).items() if name and count > 1]
    if twice:
        raise unsure(table, f"Plusieurs colonnes ont un en-tête qui veut dire « {twice[0]} ».", layout)
    if not _fits(rows, layout.fields):
        raise unsure(table, "Les en-têtes ne correspondent pas à ce que portent les colonnes.", layout)
    return layout


def _unknown_head(table: Table, named: list[list[str]]) -> int | None:
    """Return the place of what must be headers that we do not know all of; None where every row may be a trainee's."""
    before = next(at for at, row in enumerate(table) if is_trainee(row))
    if before:
        return max(range(before), key=lambda at: (len(set(named[at])), at))
    return next((at for at, row in enumerate(table) if _is_head(row, named[at])), None)


def _is_head(row: Row, names: Row) -> bool:
    """Tell whether a row is one of headers: words alone, in as many cells as a trainee needs, or two that we know."""
    if is_trainee(row):
        return False
    return len(set(names) - {""}) > 1 or (sum(map(bool, row)) >= LEAST and not any(map(_DIGIT.search, row)))


def _why_unknown(row: Row, number: int) -> str:
    if any(map(headings.names_both, row)):
        return "Nom et prénom sont dans une seule colonne : séparez-les dans votre tableur, puis collez à nouveau les lignes."
    unknown = [cell for cell in row if cell and not headings.field_of(cell)]
    if not unknown:
        return "Les en-têtes collés ne nomment pas les quatre colonnes nécessaires."
    return f"La ligne {number} est prise pour des en-têtes, que nous ne connaissons pas tous : {quoted(unknown)}."


def quoted(texts: Sequence[str]) -> str:
    """Return a few texts between quotation marks, as a sentence lists them."""
    shown = ", ".join(f"« {visible(text)[:60]} »" for text in texts[:_SHOWN])
    return shown + (" …" if len(texts) > _SHOWN else "")


def _placed(table: Table) -> Layout:
    """Return the columns by their place, empty outer ones dropped; never against what stands in them."""
    width, filled = len(table[0]), [any(cells) for cells in zip(*table, strict=True)]
    left, right = filled.index(True), filled[::-1].index(True)
    for before, after in ((0, 0), (0, right), (left, 0), (left, right)):
        fields = BY_WIDTH.get(width - before - after)
        if fields:
            whole = ("",) * before + tuple(fields) + ("",) * after
            if _fits(table, whole):
                return Layout(whole, 0)
    seen = Layout(("",) * width, 0)
    if width - left - right in BY_WIDTH:
        raise unsure(table, "Ce que portent les colonnes ne correspond pas à l’ordre attendu.", seen)
    raise unsure(table, "Les lignes ont plus de colonnes qu’attendu, ou d’autres.", seen)
