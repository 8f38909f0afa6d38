"""The sheet on which invoices are drawn: its measures, colours and type."""

from __future__ import annotations

from functools import cache

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth

from app.services.paper import faces
from app.services.paper.tree import Element
from app.services.paper.words import Words, plain

LEFT, BOTTOM, FOOT = 16 * mm, 18 * mm, 9 * mm
TOP = A4[1] - 15 * mm
WIDTH, HEIGHT = A4[0] - 2 * LEFT, TOP - BOTTOM
INK, ACCENT, DEEP, GREY = HexColor("#182226"), HexColor("#0b5a70"), HexColor("#0c303b"), HexColor("#526067")
PALE, LINE = HexColor("#eef4f5"), HexColor("#d2cec3")


@cache
def styles() -> dict[str, ParagraphStyle]:
    """Return the styles of texts by name, and make the faces known."""
    faces.register()
    text = ParagraphStyle("text", fontName=faces.REGULAR, fontSize=9, leading=12.6, textColor=INK, splitLongWords=1)
    right = ParagraphStyle("right", text, alignment=TA_RIGHT)
    return {
        "text": text,
        "strong": ParagraphStyle("strong", text, fontName=faces.BOLD),
        "soft": ParagraphStyle("soft", text, fontSize=8, leading=11, textColor=GREY),
        "small": ParagraphStyle("small", text, fontSize=7.5, leading=10.8, textColor=GREY, spaceBefore=2 * mm),
        "brand": ParagraphStyle("brand", text, fontName=faces.BOLD, fontSize=12, leading=15, textColor=DEEP),
        "kind": ParagraphStyle("kind", right, fontName=faces.BOLD, fontSize=24, leading=28, textColor=DEEP),
        "number": ParagraphStyle("number", right, fontName=faces.BOLD, fontSize=12, leading=16),
        "right": right,
        "heading": ParagraphStyle("heading", text, fontName=faces.BOLD, fontSize=8, leading=12, textColor=ACCENT),
        "label": ParagraphStyle("label", text, textColor=GREY),
        "order": ParagraphStyle("order", text, fontName=faces.BOLD, fontSize=13, leading=15.6),
        "long order": ParagraphStyle("long order", text, fontName=faces.BOLD, fontSize=10, leading=13),
        "head": ParagraphStyle("head", text, fontName=faces.BOLD, fontSize=8, leading=11, textColor=GREY),
        "head right": ParagraphStyle("head right", right, fontName=faces.BOLD, fontSize=8, leading=11, textColor=GREY),
        "total": ParagraphStyle("total", text, fontName=faces.BOLD, fontSize=12, leading=15),
        "total right": ParagraphStyle("total right", right, fontName=faces.BOLD, fontSize=12, leading=15),
        "due": ParagraphStyle("due", text, fontName=faces.BOLD, fontSize=17, leading=21, textColor=DEEP),
    }


def paragraph(text: str, element: Element, style: str = "text") -> Words:
    """Return a text as a paragraph; whatever it holds is drawn, none of it is markup."""
    return plain(text, styles()[style], element)


def figure(text: str, room: float, element: Element, style: str = "right") -> Words:
    """Return a figure that is never broken: one too wide for its room is set in smaller type."""
    wanted = styles()[style]
    width = stringWidth(text, wanted.fontName, wanted.fontSize)
    if width > room:
        size = wanted.fontSize * room / width * 0.99
        wanted = ParagraphStyle("narrow", wanted, fontSize=size)
    return plain(text, wanted, element)
