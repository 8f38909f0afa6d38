"""The annex of an invoice: what was registered, row by row, without a name, a birth date or a permit number.

Drawn straight on the canvas, as it may have twenty thousand rows. A text too long for its column goes on below, and the row
grows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, partial
from typing import NamedTuple

from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.textobject import PDFTextObject

from app.french.spaces import WIDE
from app.services.core.numbers import count_of, euros
from app.services.paper import faces
from app.services.paper.marking import END, Paper
from app.services.paper.tree import Element
from app.services.reference.amounts import ZERO

from ..content import Detail
from . import sheet

_SIZE, _LEADING, _PAD = 7.3, 9, 1.3 * mm
_ROW = _LEADING + 2 * 0.85 * mm
#: Title, its place on the first page and on the next ones.
_TITLE_SIZE, _TITLE = 13, 9 * mm
_HEAD = 6.5 * mm
#: Head of a column → its width; they add up to the width of the sheet.
_COLUMNS = {
    "Reçu": 30 * mm,
    "Enregistré le": 20 * mm,
    "Formation": 43.5 * mm,
    "Fin": 17 * mm,
    "Votre référence": 23 * mm,
    "Récapitulatif": 30 * mm,
    "HT": 14.5 * mm,
}
_WIDTHS = tuple(_COLUMNS.values())
_NONE = "–"


class _Cell(NamedTuple):
    """What is drawn of a text, line by line, and the text meant where a sign of it has no glyph."""

    lines: tuple[str, ...]
    actual: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """The lines of each cell, and the height they take."""

    cells: tuple[_Cell, ...]
    height: float


class Annex:
    """The rows, parted into pages."""

    def __init__(self, details: Sequence[Detail]) -> None:
        """Lay the rows out; nothing is drawn yet."""
        self._count = len(details)
        self._total = sum((detail.amount for detail in details), ZERO)
        self._pages = list(_paged(_row(detail) for detail in details))

    @property
    def pages(self) -> int:
        """Return how many pages it takes; none where there is nothing to tell."""
        return len(self._pages)

    def draw(self, canvas: Paper, root: Element, end_page: Callable[[], None]) -> None:
        """Draw every page, each ended by ``end_page``; what stands on each is said once."""
        if not self._pages:
            return
        title, table, total = root.add("H2"), root.add("Table"), root.add("P")
        heads, body = table.add("THead").row(*["TH"] * len(_COLUMNS)), table.add("TBody")
        for at, rows in enumerate(self._pages):
            if at:
                with canvas.paginating():
                    top = _title(canvas, "Annexe, suite", title, heads)
            else:
                text = f"Annexe\u00a0: {count_of(self._count, 'enregistrement')}, sans nom"
                canvas.bookmark(text, 1)
                top = _title(canvas, text, title, heads)
            top = _draw_rows(canvas, rows, top, body)
            if at == self.pages - 1:
                canvas.say(total, partial(_draw_total, canvas, top, self._total))
            end_page()


def _paged(rows: Iterator[_Row]) -> Iterator[list[_Row]]:
    """Part rows into pages; each leaves room for the total below its last row."""
    room = sheet.HEIGHT - _TITLE - _HEAD - _ROW
    page: list[_Row] = []
    left = room
    for row in rows:
        if page and row.height > left:
            yield page
            page, left = [], room
        page.append(row)
        left -= row.height
    if page:
        yield page


def _row(detail: Detail) -> _Row:
    texts = (
        detail.receipt,
        f"{detail.registered_on:%d/%m/%Y}",
        detail.label,
        f"{detail.end_date:%d/%m/%Y}",
        detail.centre_reference,
        detail.document_number,
    )
    amount = euros(detail.amount).removesuffix(f"{WIDE}€")
    cells = (*(_fitted(text, width) for text, width in zip(texts, _WIDTHS[:-1], strict=True)), _Cell((amount,)))
    return _Row(cells, _ROW + (max(len(cell.lines) for cell in cells) - 1) * _LEADING)


@lru_cache(maxsize=4096)
def _fitted(text: str, width: float) -> _Cell:
    """Return the text in lines that fit the column, each ended by the space that parted it from the next; a word that does not
    fit is cut where it must.
    """
    true, text, room = faces.one_line(text).strip(), faces.drawable(text).strip() or _NONE, width - 2 * _PAD
    actual = true if true and true != text else ""
    if stringWidth(text, faces.REGULAR, _SIZE) <= room:
        return _Cell((text,), actual)
    if " " in text and _fits(text, room):
        *lines, last = simpleSplit(text, faces.REGULAR, _SIZE, room)
        return _Cell((*(f"{line} " for line in lines), last), actual)
    return _Cell(_cut(text, room), actual)


def _fits(text: str, room: float) -> bool:
    return all(stringWidth(word, faces.REGULAR, _SIZE) <= room for word in text.split())


def _cut(text: str, room: float) -> tuple[str, ...]:
    lines = [""]
    for sign in text:
        if lines[-1] and stringWidth(lines[-1] + sign, faces.REGULAR, _SIZE) > room:
            lines.append("")
        lines[-1] += sign
    return tuple(lines)


def _title(canvas: Paper, title: str, element: Element, heads: Sequence[Element]) -> float:
    """Draw the title and the heads of the columns; return where the rows begin."""
    canvas.setFont(faces.BOLD, _TITLE_SIZE)
    canvas.setFillColor(sheet.DEEP)
    canvas.say(element, partial(canvas.drawString, sheet.LEFT, sheet.TOP - _TITLE_SIZE, title))
    top = sheet.TOP - _TITLE
    canvas.setFillColor(sheet.PALE)
    canvas.rect(sheet.LEFT, top - _HEAD, sheet.WIDTH, _HEAD, stroke=0, fill=1)
    canvas.setStrokeColor(sheet.ACCENT)
    canvas.setLineWidth(0.75)
    canvas.line(sheet.LEFT, top - _HEAD, sheet.LEFT + sheet.WIDTH, top - _HEAD)
    text = canvas.beginText()
    text.setFont(faces.BOLD, _SIZE)
    text.setFillColor(sheet.GREY)
    is_first = not heads[0].is_drawn
    _write(
        canvas,
        text,
        [_Cell((head,)) for head in _COLUMNS],
        top - _HEAD + 2.1 * mm,
        faces.BOLD,
        heads if is_first else (),
    )
    (canvas.draw_pieces if is_first else canvas.drawText)(text)
    bottom: float = top - _HEAD
    return bottom


def _draw_rows(canvas: Paper, rows: Sequence[_Row], top: float, body: Element) -> float:
    """Draw the rows of a page, as one text and one set of lines; return where they end."""
    text = canvas.beginText()
    text.setFont(faces.REGULAR, _SIZE)
    text.setFillColor(sheet.INK)
    rules = []
    for row in rows:
        elements = body.row(*["TD"] * len(row.cells))
        _write(canvas, text, row.cells, top - 0.85 * mm - _SIZE, faces.REGULAR, elements)
        top -= row.height
        rules.append((sheet.LEFT, top, sheet.LEFT + sheet.WIDTH, top))
    canvas.draw_pieces(text)
    canvas.setStrokeColor(sheet.LINE)
    canvas.setLineWidth(0.5)
    canvas.lines(rules)
    return top


def _write(
    canvas: Paper, text: PDFTextObject, cells: Sequence[_Cell], base: float, face: str, elements: Sequence[Element]
) -> None:
    """Write the lines of each cell from this height down, as a piece of its element if it has one; the last column is of
    amounts.
    """
    left = sheet.LEFT
    last = len(_WIDTHS) - 1
    for at, cell in enumerate(cells):
        if elements:
            elements[at].actual = cell.actual
            text._code.append(canvas.piece(elements[at]))
        for below, line in enumerate(cell.lines):
            # What stands to the right ends there, whatever its width.
            start = left + _PAD if at < last else left + _WIDTHS[at] - _PAD - stringWidth(line, face, _SIZE)
            text.setTextOrigin(start, base - below * _LEADING)
            text.textOut(line)
        if elements:
            text._code.append(END)
        left += _WIDTHS[at]


def _draw_total(canvas: Paper, top: float, total: Decimal) -> None:
    canvas.setFont(faces.BOLD, _SIZE)
    canvas.setFillColor(sheet.INK)
    canvas.drawRightString(sheet.LEFT + sheet.WIDTH - _PAD, top - 1.2 * mm - _SIZE, f"Total HT\u00a0: {euros(total)}")
