"""The annex of an invoice: what was registered, row by row, without a name, a birth date or a permit number.

Drawn straight on the canvas, as it may have twenty thousand rows. A text too long for its column goes on below, and the row
grows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.textobject import PDFTextObject

from app.french.spaces import WIDE
from app.services.core.numbers import count_of, euros
from app.services.paper import faces
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


@dataclass(frozen=True, slots=True)
class _Row:
    """The lines of each cell, and the height they take."""

    cells: tuple[tuple[str, ...], ...]
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

    def draw(self, canvas: Canvas, end_page: Callable[[], None]) -> None:
        """Draw every page, each ended by ``end_page``."""
        for at, rows in enumerate(self._pages):
            top = _draw_rows(canvas, rows, _title(canvas, self._title(at)))
            if at == self.pages - 1:
                _draw_total(canvas, top, self._total)
            end_page()

    def _title(self, at: int) -> str:
        return "Annexe, suite" if at else f"Annexe\u00a0: {count_of(self._count, 'enregistrement')}, sans nom"


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
    cells = (*(_fitted(text, width) for text, width in zip(texts, _WIDTHS[:-1], strict=True)), (amount,))
    return _Row(cells, _ROW + (max(map(len, cells)) - 1) * _LEADING)


@lru_cache(maxsize=4096)
def _fitted(text: str, width: float) -> tuple[str, ...]:
    """Return the text in lines that fit the column; a word that does not is cut where it must."""
    text, room = faces.drawable(text).strip() or _NONE, width - 2 * _PAD
    if stringWidth(text, faces.REGULAR, _SIZE) <= room:
        return (text,)
    return (
        tuple(simpleSplit(text, faces.REGULAR, _SIZE, room)) if " " in text and _fits(text, room) else _cut(text, room)
    )


def _fits(text: str, room: float) -> bool:
    return all(stringWidth(word, faces.REGULAR, _SIZE) <= room for word in text.split())


def _cut(text: str, room: float) -> tuple[str, ...]:
    lines = [""]
    for sign in text:
        if lines[-1] and stringWidth(lines[-1] + sign, faces.REGULAR, _SIZE) > room:
            lines.append("")
        lines[-1] += sign
    return tuple(line.strip() for line in lines)


def _title(canvas: Canvas, title: str) -> float:
    """Draw the title and the heads of the columns; return where the rows begin."""
    canvas.setFont(faces.BOLD, _TITLE_SIZE)
    canvas.setFillColor(sheet.DEEP)
    canvas.drawString(sheet.LEFT, sheet.TOP - _TITLE_SIZE, title)
    top = sheet.TOP - _TITLE
    canvas.setFillColor(sheet.PALE)
    canvas.rect(sheet.LEFT, top - _HEAD, sheet.WIDTH, _HEAD, stroke=0, fill=1)
    canvas.setStrokeColor(sheet.ACCENT)
    canvas.setLineWidth(0.75)
    canvas.line(sheet.LEFT, top - _HEAD, sheet.LEFT + sheet.WIDTH, top - _HEAD)
    text = canvas.beginText()
    text.setFont(faces.BOLD, _SIZE)
    text.setFillColor(sheet.GREY)
    _write(text, [(head,) for head in _COLUMNS], top - _HEAD + 2.1 * mm, faces.BOLD)
    canvas.drawText(text)
    bottom: float = top - _HEAD
    return bottom


def _draw_rows(canvas: Canvas, rows: Sequence[_Row], top: float) -> float:
    """Draw the rows of a page, as one text and one set of lines; return where they end."""
    text = canvas.beginText()
    text.setFont(faces.REGULAR, _SIZE)
    text.setFillColor(sheet.INK)
    rules = []
    for row in rows:
        _write(text, row.cells, top - 0.85 * mm - _SIZE, faces.REGULAR)
        top -= row.height
        rules.append((sheet.LEFT, top, sheet.LEFT + sheet.WIDTH, top))
    canvas.drawText(text)
    canvas.setStrokeColor(sheet.LINE)
    canvas.setLineWidth(0.5)
    canvas.lines(rules)
    return top


def _write(text: PDFTextObject, cells: Sequence[Sequence[str]], base: float, face: str) -> None:
    """Write the lines of each cell from this height down; the last column is of amounts."""
    left = sheet.LEFT
    last = len(_WIDTHS) - 1
    for at, lines in enumerate(cells):
        for below, line in enumerate(lines):
            # What stands to the right ends there, whatever its width.
            start = left + _PAD if at < last else left + _WIDTHS[at] - _PAD - stringWidth(line, face, _SIZE)
            text.setTextOrigin(start, base - below * _LEADING)
            text.textOut(line)
        left += _WIDTHS[at]


def _draw_total(canvas: Canvas, top: float, total: Decimal) -> None:
    canvas.setFont(faces.BOLD, _SIZE)
    canvas.setFillColor(sheet.INK)
    canvas.drawRightString(sheet.LEFT + sheet.WIDTH - _PAD, top - 1.2 * mm - _SIZE, f"Total HT\u00a0: {euros(total)}")
