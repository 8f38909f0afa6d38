"""The page of an invoice or a credit note as people read it.

Pure: values in, bytes out; the same values give the same bytes. As many pages as its lines need, then the annex; its number and
« page x/y » stand on each.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Frame

from app.services.paper import faces

from ..content import Content, Detail
from . import parts, sheet
from .annex import Annex

#: Kept in the file's own words, as on the other documents.
_CREATOR = "Registre CQC"


def title(content: Content) -> str:
    """Return what names the document: « Facture F2026-000123 »."""
    return f"{content.kind.label} {content.number}"


def draw(content: Content, details: Sequence[Detail], notice: str, issued_at: datetime) -> bytes:
    """Return the pages as PDF; ``notice`` is what is said of the seal, ``issued_at`` is aware."""
    sheet.styles()  # and the faces registered
    annex = Annex(details)
    pages = 1
    while True:
        drawing = _Drawing(content, issued_at, pages + annex.pages)
        drawing.lay(parts.story(content, notice, with_annex=bool(details)))
        if drawing.page == pages:
            break
        pages = drawing.page  # its lines take more than one page: « page x/y » is known now
    annex.draw(drawing.canvas, drawing.end_page)
    return drawing.bytes()


class _Drawing:
    """A document being drawn: its canvas, and how many pages are ended."""

    def __init__(self, content: Content, issued_at: datetime, pages: int) -> None:
        self._out = io.BytesIO()
        self.canvas = canvas = Canvas(
            self._out, pagesize=A4, invariant=1, pageCompression=1, lang="fr", initialFontName=faces.REGULAR
        )
        canvas.setTitle(title(content))
        canvas.setAuthor(content.seller.name)
        canvas.setCreator(_CREATOR)
        stamp = f"{issued_at:D:%Y%m%d%H%M%S%z}"
        canvas.setDateFormatter(lambda *_: f"{stamp[:-2]}'{stamp[-2:]}'")
        self._name = f"{title(content)} du {content.issued_on:%d/%m/%Y}"
        self._pages = pages
        self.page = 0

    def lay(self, story: list[Any]) -> None:
        """Draw what flows, on as many pages as it takes."""
        while story:
            frame = Frame(sheet.LEFT, sheet.BOTTOM, sheet.WIDTH, sheet.HEIGHT, 0, 0, 0, 0)
            frame.addFromList(story, self.canvas)
            if story and (pieces := frame.split(story[0], self.canvas)):
                frame.add(pieces[0], self.canvas)
                story[:1] = pieces[1:]
            if frame._atTop:
                raise ValueError(f"what does not fit a page: {type(story[0]).__name__}")
            self.end_page()

    def end_page(self) -> None:
        """Write the foot and turn the page."""
        self.page += 1
        self.canvas.setFont(faces.REGULAR, 7.5)
        self.canvas.setFillColor(sheet.GREY)
        self.canvas.drawString(sheet.LEFT, sheet.FOOT, self._name)
        self.canvas.drawRightString(sheet.LEFT + sheet.WIDTH, sheet.FOOT, f"Page {self.page}/{self._pages}")
        self.canvas.showPage()

    def bytes(self) -> bytes:
        """Return the document."""
        self.canvas.save()
        return self._out.getvalue()
