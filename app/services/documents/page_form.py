"""A page laid out once per shape by xhtml2pdf, then filled with each document's values.

Reading the HTML and the styles is more than half of what a page costs and is the same for every document of one shape,
so a form keeps what xhtml2pdf made of its template and only exchanges the texts, as the library itself does for page
numbers between two passes over one story. It also means that a value never meets a parser: whatever a name holds is
drawn as text.
"""

import io
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from pathlib import Path
from threading import RLock
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Table
from xhtml2pdf.config.resources import ResourceAccessPolicy
from xhtml2pdf.default import DEFAULT_PAGE_NAME
from xhtml2pdf.document import pisaStory
from xhtml2pdf.util import reset_caches
from xhtml2pdf.xhtml2pdf_reportlab import PmlBaseDoc

from app.french.spaces import NARROW, WIDE
from app.french.templates import FrenchSpaces
from app.services.paper import faces
from app.services.paper.marking import Info, Paper
from app.services.paper.tree import Element

from . import page_outline, page_signs
from .page_outline import FormSheet

_APP = Path(__file__).resolve().parents[2]
_TEMPLATES = _APP / "templates" / "documents"
_FONTS = _APP / "static" / "fonts"
# The names xhtml2pdf registers the two faces of document.css under.
_REGULAR, _BOLD = "noto sans_00", "noto sans_10"
_LOCK = RLock()
#: How much room everything takes on the page; the last one takes as many pages as it needs.
DENSITIES = USUAL, TIGHT, SMALL, PAGES = "usual", "tight", "tight small", "tight pages"


class RenderingError(RuntimeError):
    """A document does not come out as one whole page; nothing of it may be kept."""


@dataclass(frozen=True)
class Shape:
    """What makes two documents differ in layout rather than in values.

    `given` names the parts that stand on the page, `long` the values in small type, `headline` the type of the label;
    `density` is how much room everything takes, one of DENSITIES.
    """

    template: str
    given: frozenset[str]
    long: frozenset[str]
    headline: str = "big"
    density: str = USUAL


class _Page(PmlBaseDoc):  # type: ignore[misc]
    """One document: draws the mark and the code, which are no text."""

    def __init__(self, out: io.BytesIO, sheet: FormSheet, code: Element, page_size: tuple[float, float]) -> None:
        super().__init__(out, pagesize=page_size, **{**sheet.options, "initialFontName": _REGULAR})
        self._sheet, self._code = sheet, code
        self._picture = page_signs.code(sheet.code) if sheet.code else None
        # A template that has been drawn before does not set it again.
        self._page_count = 1

    def _makeCanvas(self, filename: Any = None, canvasmaker: Any = None) -> Paper:
        canvas: Paper = super(PmlBaseDoc, self)._makeCanvas(filename=filename, canvasmaker=self._sheet.canvas)
        return canvas

    def afterPage(self) -> None:
        height = self.pagesize[1]
        if self.page == 1:
            page_signs.draw_mark(self.canv, height)
        if self._picture is not None:
            page_signs.draw_code(self.canv, self._picture, self._code, height)


class Form:
    """A laid out page with places for values; not to be filled by two threads at once (`fill` sees to it)."""

    def __init__(self, shape: Shape) -> None:
        html = (
            _environment()
            .get_template(shape.template)
            .render(given=shape.given, long=shape.long, headline=shape.headline, density=shape.density)
        )
        html = html.replace(NARROW, WIDE)  # the narrow one is white space to xhtml2pdf
        # The path says where url() starts from, and the policy that nothing outside may be read.
        context = page_outline.Context(str(_FONTS / "document.html"))
        policy = ResourceAccessPolicy.server(_FONTS, allow_remote=False)
        pisaStory(html, default_css=_css(), context=context, resource_policy=policy)
        self._slots = context.slots
        self._story = context.story
        for table in (flowable for flowable in self._story if isinstance(flowable, Table)):
            # Else each cell names Helvetica, which is not embedded.
            table.setStyle([("FONTNAME", (0, 0), (-1, -1), _REGULAR)])
        self._page_size = context.pageSize
        self._template = context.templateList[DEFAULT_PAGE_NAME]
        assert context.outline is not None
        self._outline = context.outline
        self._pages = shape.density == PAGES
        self._texts = page_outline.mark([*self._story, *(one.pisaStaticStory for one in self._template.pisaStaticList)])

    def fill(self, values: dict[str, str], info: Info, code: str | None) -> bytes:
        """Give the page as PDF with these values and, where there is one, the QR code of `code`.

        Raises RenderingError when they do not fit the page, unless the form may take several.
        """
        with _LOCK:
            try:
                return self._build(values, info, code or "")
            except Exception:
                # A layout left half way may hold parts of this document.
                form.cache_clear()
                raise
            finally:
                reset_caches()

    def _build(self, values: dict[str, str], info: Info, code: str) -> bytes:
        address = code.partition("#")[0]  # the code may hold a statement behind it
        sheet = FormSheet(info, address=address, code=code)
        sheet.elements = self._outline.grow(sheet.root)
        picture = sheet.elements[self._outline.code]
        if code:
            picture.alt = f"Code QR de vérification : {address}"
        self._put(values, sheet)
        if self._pages:
            sheet.foot = partial(_foot, name=values["number"])
        out = io.BytesIO()
        page = _Page(out, sheet, picture, self._page_size)
        page.addPageTemplates([self._template])
        page.pisaPositioned = []
        self._template._staticFrameWarned.clear()
        page.build(self._story[:])
        if not self._pages and (page.page != 1 or self._template._staticFrameWarned):
            raise RenderingError("the values do not fit the page")
        return sheet.finished(out.getvalue())

    def _put(self, values: dict[str, str], sheet: FormSheet) -> None:
        """Put the values in their places; an element says in full what has no glyph to be drawn with."""
        texts = {name: faces.drawable(value) for name, value in values.items()}
        for fragment, text in self._slots:
            fragment.text = text.format_map(texts)
        true = {name: faces.one_line(value) for name, value in values.items()}
        if true != texts:
            for number, text in self._texts.items():
                if (meant := text.format_map(true)) != text.format_map(texts):
                    sheet.elements[number].actual = meant


def _foot(canvas: Paper, page: int, pages: int, name: str) -> None:
    """Say on each of several pages whose it is, and which."""
    if pages > 1:
        canvas.setFont(_REGULAR, 8)
        canvas.setFillColor("#526067")
        canvas.drawRightString(A4[0] - 18 * mm, 8 * mm, f"{name}, page {page}/{pages}")


@lru_cache(maxsize=32)
def form(shape: Shape) -> Form:
    """Give the form of this shape, laid out at the first call."""
    with _LOCK:
        return Form(shape)


def draw(shape: Shape, values: dict[str, str], info: Info, code: str | None) -> bytes:
    """Give the document as one page, tightened where its values take more room than they usually do, then in smaller type; on
    several pages where even that is not enough.

    Raises RenderingError for what no page can hold.
    """
    for density in DENSITIES[:-1]:
        with suppress(RenderingError):
            return form(replace(shape, density=density)).fill(values, info, code)
    return form(replace(shape, density=PAGES)).fill(values, info, code)


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
