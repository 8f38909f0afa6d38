"""The preview of pasted rows as a grid: each cell is a field, what was typed over is carried on, rows may be taken out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flask import request

from app.models import Batch
from app.services.registration import drafts, pasting
from app.services.registration.drafts import LINE_FIELDS, TYPED_FIELDS
from app.validators.batch import Row
from app.validators.fields import loosen_date
from app.validators.remark import EMAIL

from . import paste_columns
from .forms import PasteForm

CELL, OUT, BACK, FROM_GRID = "case-", "retirer", "retablir", "grille"
#: So many rows are shown, the faulty ones first.
SHOWN = 50
_FAULTY, _IDENTICAL, _SOUND = range(3)


@dataclass(frozen=True)
class GridRow:
    """A pasted row: its place among them, its ``own`` cells, and its ``values`` with what holds for all rows; ``judged`` once
    the rules have seen it; ``typed``: field of the grid → value, of the cells typed over.
    """

    at: int
    own: Mapping[str, str]
    values: Mapping[str, str]
    typed: Mapping[str, str]
    judged: Row | None = None

    def faults(self) -> dict[str, str]:
        """Return field → what is wrong with it; what is wrong with no cell of the grid stands under an empty one."""
        remarks = self.judged.remarks if self.judged else ()
        found: dict[str, str] = {}
        for remark in remarks:
            if remark.severity == "error":
                found.setdefault(remark.field if remark.field in LINE_FIELDS else "", remark.message)
        return found


@dataclass(frozen=True)
class Grid:
    """The rows that are not taken out, in their order; ``told`` as in `pasting.Pasted`; ``out``: places taken out."""

    rows: list[GridRow]
    told: list[str]
    out: list[int]

    @property
    def values(self) -> list[Mapping[str, str]]:
        """Return the fields of each row."""
        return [row.values for row in self.rows]

    @property
    def typed(self) -> dict[str, str]:
        """Return what is carried on of the cells typed over."""
        return {name: value for row in self.rows for name, value in row.typed.items()}

    def judged(self, rows: Sequence[Row]) -> Grid:
        """Return the grid with what the rules say of its rows."""
        return replace(self, rows=[replace(row, judged=said) for row, said in zip(self.rows, rows, strict=True)])

    @property
    def addresses(self) -> bool:
        """Tell whether a row bears an address."""
        return any(row.own[EMAIL] for row in self.rows)

    @property
    def shown(self) -> list[GridRow]:
        """Return the rows of the screen: errors, then identical ones, then the rest, each in the order of the paste."""
        return sorted(self.rows, key=_block)[:SHOWN]

    @property
    def without_order(self) -> int:
        """Return how many rows bear no order number and get none."""
        return sum(not row.values["order_number"].strip() for row in self.rows)


def _block(row: GridRow) -> int:
    if row.judged is None or row.judged.rank == 0:
        return _FAULTY
    return _SOUND if row.judged.is_kept else _IDENTICAL


def is_sent() -> bool:
    """Tell whether the request comes from the grid: what is wrong is then shown in it."""
    return FROM_GRID in request.form


def read(batch: Batch, form: PasteForm) -> Grid:
    """Return the pasted rows with what was typed over in the grid; raises as `paste_columns.read`."""
    pasted = paste_columns.read(batch, form, lenient=is_sent())
    out = [] if BACK in request.form else sorted({int(text) for text in request.form.getlist(OUT) if _is_place(text)})
    rows = [_row(at, row, form) for at, row in enumerate(pasted.rows) if at not in set(out)]
    if not rows:
        raise pasting.NotRows("Toutes les lignes collées ont été retirées : collez-en d’autres.")
    drafts.check_room(batch.id, len(rows))
    return Grid(rows, pasted.told, [at for at in out if at < len(pasted.rows)])


def _is_place(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 8


def _row(at: int, pasted: Mapping[str, str], form: PasteForm) -> GridRow:
    own, typed = {EMAIL: "", **pasted}, {}
    for field in TYPED_FIELDS:
        name = f"{CELL}{at}-{field}"
        # A cell shown stands below what is carried on of it: the last one counts.
        sent = request.form.getlist(name)[-1:]
        if sent and sent[0] != one_line(pasted.get(field, "")):
            own[field] = loosen_date(sent[0]) if field == "birth_date" else sent[0]
            typed[name] = sent[0]
    shared = {"reference": form.reference.data or "", "order_number": form.order_number.data or ""}
    return GridRow(at, own, {**own, **{field: own[field] or value for field, value in shared.items()}}, typed)


def cells_sent() -> dict[int, dict[str, str]]:
    """Return line number → field → what was typed, of the cells of lines that the draft holds already."""
    found: dict[int, dict[str, str]] = {}
    for name, value in request.form.items():
        number, _, field = name.removeprefix(CELL).partition("-")
        if name.startswith(CELL) and _is_place(number) and field in LINE_FIELDS:
            found.setdefault(int(number), {})[field] = loosen_date(value) if field == "birth_date" else value
    return found


def one_line(text: str) -> str:
    """Return a cell as a field of one line shows it."""
    return " ".join(text.splitlines())


def as_text(grid: Grid) -> str:
    """Return the rows as a text to paste, with what was typed over; the headers say what each column is."""
    fields = TYPED_FIELDS if grid.addresses else LINE_FIELDS
    heads = [pasting.FIELD_CHOICES[field] for field in fields]
    rows = [[one_line(row.own[field]).replace("\t", " ") for field in fields] for row in grid.rows]
    return "\n".join("\t".join(row) for row in [heads, *rows])
