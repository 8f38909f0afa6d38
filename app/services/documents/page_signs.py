"""What is drawn on a document and is no text: the product's mark, and the code that leads to its verification."""

from __future__ import annotations

from typing import Any

import segno
from PIL import Image
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from app.services.paper.marking import Paper
from app.services.paper.tree import Element

_QR_SIDE = 31 * mm
_QR_LEFT, _QR_TOP = 18 * mm, 232 * mm
_QR_PIXELS = 8
_MARK_LEFT, _MARK_TOP, _MARK_SIDE = 18 * mm, 15 * mm + 0.5, 26


def draw_code(canvas: Paper, picture: ImageReader, element: Element, height: float) -> None:
    """Draw a code, as the figure that it is, on a page of this height."""
    canvas.figure(element, picture, (_QR_LEFT, height - _QR_TOP - _QR_SIDE, _QR_SIDE))


def code(text: str) -> ImageReader:
    """Give the code as a grey image without alpha; a fixed mask is three times faster and reads as well."""
    address, mark, statement = text.partition("#")
    # What stands behind « # » is upper case and digits: in a segment of its own it takes a sixth less.
    parts: Any = [address + mark, statement] if statement else text
    matrix = segno.make(parts, error="m", micro=False, mask=3, boost_error=False).matrix
    dark, light = b"\x00" * _QR_PIXELS, b"\xff" * _QR_PIXELS
    rows = (b"".join(dark if module else light for module in row) * _QR_PIXELS for row in matrix)
    side = len(matrix) * _QR_PIXELS
    return ImageReader(Image.frombytes("L", (side, side), b"".join(rows)))


def draw_mark(canvas: Canvas, height: float) -> None:
    """Draw the product's mark: two lines of a register and a tick, on a grid of 28."""
    canvas.saveState()
    canvas.translate(_MARK_LEFT, height - _MARK_TOP - _MARK_SIDE)
    canvas.scale(_MARK_SIDE / 28, _MARK_SIDE / 28)
    canvas.setFillColor("#0c303b")
    canvas.roundRect(0, 0, 28, 28, 6, stroke=0, fill=1)
    canvas.setLineCap(1)
    canvas.setLineJoin(1)
    _draw_line(canvas, "#f3f8f9", 2.4, (7, 19.5), (21, 19.5))
    _draw_line(canvas, "#f3f8f9", 2.4, (7, 14), (12, 14))
    _draw_line(canvas, "#79c6da", 2.8, (9, 9.2), (12.3, 6.2), (21, 14.7))
    canvas.restoreState()


def _draw_line(canvas: Canvas, colour: str, width: float, *points: tuple[float, float]) -> None:
    canvas.setStrokeColor(colour)
    canvas.setLineWidth(width)
    path = canvas.beginPath()
    path.moveTo(*points[0])
    for point in points[1:]:
        path.lineTo(*point)
    canvas.drawPath(path)
