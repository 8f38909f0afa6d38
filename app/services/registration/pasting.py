"""Rows copied from a spreadsheet and pasted in step 2: tab-separated text → the six fields of a line."""

from __future__ import annotations

import csv
import io

from app.services.core.refusal import Refusal
from app.validators.fields import fold, loosen_date
from app.validators.remark import HEADERS

from .drafts import LINE_FIELDS

_SHORT = LINE_FIELDS[2:]
#: How columns may be headed: the file's headers and those of the screen.
_NAMES = {
    **{fold(header): field for field, header in HEADERS.items()},
    fold("Réf"): "reference", fold("Référence"): "reference", fold("N° de commande"): "order_number",
    fold("Numéro de commande"): "order_number", fold("N° de permis de conduire"): "permit_number",
    fold("Permis"): "permit_number", fold("Naissance"): "birth_date",
}  # fmt: skip


class NotRows(Refusal):
    """The pasted text is no table we can read."""

    message = (
        "Les lignes collées doivent compter 4 colonnes (prénom, nom, date de naissance, n° de permis), "
        "6 colonnes (référence et n° de commande d’abord) ou les 9 colonnes du modèle de fichier."
    )


def rows(text: str, *, reference: str = "", order_number: str = "") -> list[dict[str, str]]:
    """Return the pasted rows as fields, blank rows left out.

    Four columns take reference and order number from the form. A first row of headers gives the order of the columns.
    Raises :class:`NotRows` when the number of columns fits nothing.
    """
    table = _table(text)
    if not table:
        raise NotRows("Collez au moins une ligne copiée depuis votre tableur.")
    fields = _headed(table[0])
    lines = table[1:] if fields else table
    fields = fields or _by_width(max(len(row) for row in table))
    given = {"reference": reference, "order_number": order_number}
    return [_row(fields, row, given) for row in lines]


def _table(text: str) -> list[list[str]]:
    """Return the cells of a pasted text, blank rows left out; a cell may hold line breaks between quotes."""
    ends = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(ends), delimiter="\t")]
    except csv.Error:  # a cell larger than any line is worth
        raise NotRows from None
    return [row for row in rows if any(row)]


def _headed(row: list[str]) -> list[str] | None:
    """Return the fields a header row names (unknown ones empty), or None when the row is no header."""
    named = [_NAMES.get(fold(cell), "") for cell in row]
    return named if {"first_name", "last_name", "permit_number"} <= set(named) else None


def _by_width(width: int) -> list[str]:
    by_width = {4: list(_SHORT), 6: list(LINE_FIELDS), 9: list(HEADERS)}
    if width not in by_width:
        raise NotRows
    return by_width[width]


def _row(fields: list[str], row: list[str], given: dict[str, str]) -> dict[str, str]:
    cells = {field: cell for field, cell in zip(fields, row, strict=False) if field in LINE_FIELDS}
    line = {field: cells.get(field) or given.get(field, "") for field in LINE_FIELDS}
    return {**line, "birth_date": loosen_date(line["birth_date"])}
