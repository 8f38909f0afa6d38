"""A page laid out once per shape by xhtml2pdf, then filled with each document's values.

Reading the HTML and the styles is more than half of what a page costs and is the same for every document of one shape,
so a form keeps what xhtml2pdf made of its template and only exchanges the texts, as the library itself does for page
numbers between two passes over one story. It also means that a value never meets a parser: whatever a name holds is
drawn as text.
"""

import io
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from threading import RLock
from typing import Any

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Table
from xhtml2pdf.config.resources import ResourceAccessPolicy
from xhtml2pdf.context import pisaContext
from xhtml2pdf.default import DEFAULT_PAGE_NAME
from xhtml2pdf.document import pisaStory
from xhtml2pdf.util import reset_caches
from xhtml2pdf.xhtml2pdf_reportlab import PmlBaseDoc

from app.french.spaces import NARROW, WIDE
from app.french.templates import FrenchSpaces
from app.services.core import faces

from .pdfa import archive

_APP = Path(__file__).resolve().parents[2]
_TEMPLATES = _APP / "templates" / "documents"
_FONTS = _APP / "static" / "fonts"
# The names xhtml2pdf registers the two faces of document.css under.
_REGULAR, _BOLD = "noto sans_00", "noto sans_10"
_QR_SIDE = 31 * mm
_QR_LEFT, _QR_TOP = 18 * mm, 232 * mm
_QR_PIXELS = 8
_LOCK = RLock()


class RenderingError(RuntimeError):
    """A document does not come out as one whole page; nothing of it may be kept."""


@dataclass(frozen=True)
class Info:
    """What the file says of itself: title, author, and its creation date (aware)."""

    title: str
    author: str
    created_at: datetime


@dataclass(frozen=True)
class Shape:
    """What makes two documents differ in layout rather than in values.

    `given` names the parts that stand on the page, `long` the values in small type, `headline` the type of the label;
    `tight` takes less room for everything.
    """

    template: str
    given: frozenset[str]
    long: frozenset[str]
    headline: str = "big"
    tight: bool = False


class _Context(pisaContext):  # type: ignore[misc]
    """Remembers the fragments that hold the place of a value."""

    def __init__(self, path: str) -> None:
        self.slots: list[tuple[Any, str]] = []
        super().__init__(path)

    def _appendFrag(self, frag: Any) -> None:
        if isinstance(text := getattr(frag, "text", ""), str) and "{" in text:
            self.slots.append((frag, text))
        super()._appendFrag(frag)


class _Page(PmlBaseDoc):  # type: ignore[misc]
    """One document: sets what the file says of itself and draws the mark and the code, which are no text."""

    def __init__(self, out: io.BytesIO, info: Info, qr: ImageReader | None, page_size: tuple[float, float]) -> None:
        super().__init__(
            out,
            pagesize=page_size,
            title=info.title,
            author=info.author,
            creator="Registre CQC",
            lang="fr",
            subject="",
            initialFontName=_REGULAR,
            invariant=1,
        )
        self._info, self._qr = info, qr
        # A template that has been drawn before does not set it again.
        self._page_count = 1

    def beforePage(self) -> None:
        super().beforePage()
        stamp = f"{self._info.created_at:D:%Y%m%d%H%M%S%z}"
        self.canv.setDateFormatter(lambda *_: f"{stamp[:-2]}'{stamp[-2:]}'")

    def afterPage(self) -> None:
        height = self.pagesize[1]
        _draw_mark(self.canv, 18 * mm, height - 15 * mm - 26.5, 26)
        if self._qr is not None:
            self.canv.drawImage(self._qr, _QR_LEFT, height - _QR_TOP - _QR_SIDE, _QR_SIDE, _QR_SIDE)


class Form:
    """A laid out page with places for values; not to be filled by two threads at once (`fill` sees to it)."""

    def __init__(self, shape: Shape) -> None:
        html = (
            _environment()
            .get_template(shape.template)
            .render(given=shape.given, long=shape.long, headline=shape.headline, tight=shape.tight)
        )
        html = html.replace(NARROW, WIDE)  # the narrow one is white space to xhtml2pdf
        # The path says where url() starts from, and the policy that nothing outside may be read.
        context = _Context(str(_FONTS / "document.html"))
        policy = ResourceAccessPolicy.server(_FONTS, allow_remote=False)
        pisaStory(html, default_css=_css(), context=context, resource_policy=policy)
        self._slots = context.slots
        self._story = context.story
        for table in (flowable for flowable in self._story if isinstance(flowable, Table)):
            # Else each cell names Helvetica, which is not embedded.
            table.setStyle([("FONTNAME", (0, 0), (-1, -1), _REGULAR)])
        self._page_size = context.pageSize
        self._template = context.templateList[DEFAULT_PAGE_NAME]

    def fill(self, values: dict[str, str], info: Info, code: str | None) -> bytes:
        """Give the page as PDF with these values and, where there is one, the QR code of `code`.

        Raises RenderingError when they do not fit the page.
        """
        with _LOCK:
            try:
                return self._build(values, info, _qr(code) if code else None)
            except Exception:
                # A layout left half way may hold parts of this document.
                form.cache_clear()
                raise
            finally:
                reset_caches()

    def _build(self, values: dict[str, str], info: Info, qr: ImageReader | None) -> bytes:
        texts = {name: faces.drawable(value) for name, value in values.items()}
        for fragment, text in self._slots:
            fragment.text = text.format_map(texts)
        out = io.BytesIO()
        page = _Page(out, info, qr, self._page_size)
        page.addPageTemplates([self._template])
        page.pisaPositioned = []
        self._template._staticFrameWarned.clear()
        page.build(self._story[:])
        if page.page != 1 or self._template._staticFrameWarned:
            raise RenderingError("the values do not fit the page")
        return archive(out.getvalue(), info.title, info.author, info.created_at)


@lru_cache(maxsize=32)
def form(shape: Shape) -> Form:
    """Give the form of this shape, laid out at the first call."""
    with _LOCK:
        return Form(shape)


def draw(shape: Shape, values: dict[str, str], info: Info, code: str | None) -> bytes:
    """Give the document as one page, tightened where its values take more room than they usually do.

    Raises RenderingError when even that is not enough.
    """
    try:
        return form(shape).fill(values, info, code)
    except RenderingError:
        return form(replace(shape, tight=True)).fill(values, info, code)


def fits(text: str, size: float, width: float) -> bool:
    """Say whether the text in bold type of this size (points) stays on one line of this width (points)."""
    _register_fonts()
    return bool(pdfmetrics.stringWidth(text, _BOLD, size) <= width)


@cache
def _register_fonts() -> None:
    pdfmetrics.registerFont(TTFont(_REGULAR, _FONTS / "NotoSans-Regular.ttf"))
    pdfmetrics.registerFont(TTFont(_BOLD, _FONTS / "NotoSans-Bold.ttf"))


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        extensions=[FrenchSpaces],
    )


@cache
def _css() -> str:
    return (_TEMPLATES / "document.css").read_text(encoding="utf-8")


def _qr(text: str) -> ImageReader:
    """Give the code as a grey image without alpha; a fixed mask is three times faster and reads as well."""
    address, mark, statement = text.partition("#")
    # What stands behind « # » is upper case and digits: in a segment of its own it takes a sixth less.
    parts: Any = [address + mark, statement] if statement else text
    matrix = segno.make(parts, error="m", micro=False, mask=3, boost_error=False).matrix
    dark, light = b"\x00" * _QR_PIXELS, b"\xff" * _QR_PIXELS
    rows = (b"".join(dark if module else light for module in row) * _QR_PIXELS for row in matrix)
    side = len(matrix) * _QR_PIXELS
    return ImageReader(Image.frombytes("L", (side, side), b"".join(rows)))


def _draw_mark(canvas: Canvas, left: float, bottom: float, side: float) -> None:
    """Draw the product's mark: two lines of a register and a tick, on a grid of 28."""
    canvas.saveState()
    canvas.translate(left, bottom)
    canvas.scale(side / 28, side / 28)
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
