"""The page of an invoice or a credit note as people read it.

Pure: values in, bytes out; the same values give the same bytes. As many pages as its lines need, then the annex; its number and
« page x/y » stand on each.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from reportlab.lib.pagesizes import A4
from reportlab.platypus import Frame

from app.services.paper import faces
from app.services.paper.marking import Info, Sheet

from ..content import Content, Detail
from . import parts, sheet
from .annex import Annex


def title(content: Content) -> str:
    """Return what names the document: « Facture F2026-000123 »."""
    return f"{content.kind.label} {content.number}"


class Drawn(NamedTuple):
    """Pages, as reportlab gives them, and what is known of them: what they say and where."""

    pages: bytes
    sheet: Sheet


def draw(content: Content, details: Sequence[Detail], notice: str, issued_at: datetime) -> Drawn:
    """Return the pages; ``notice`` is what is said of the seal, ``issued_at`` is aware."""
    sheet.styles()  # and the faces registered
    annex = Annex(details)
    pages = 1
    while True:
        drawing = _Drawing(content, issued_at, pages + annex.pages)
        drawing.lay(parts.story(content, notice, drawing.root, with_annex=bool(details)))
        if drawing.page == pages:
            break
        pages = drawing.page  # its lines take more than one page: « page x/y » is known now
    annex.draw(drawing.canvas, drawing.root, drawing.end_page)
    return drawing.finished()


class _Drawing:
    """A document being drawn: its canvas, and how many pages are ended."""

    def __init__(self, content: Content, issued_at: datetime, pages: int) -> None:
        self._out = io.BytesIO()
        self._sheet = Sheet(Info(title(content), content.seller.name, issued_at), outlined=True)
        self.root = self._sheet.root
        self.canvas = self._sheet.canvas(
            self._out, pagesize=A4, invariant=1, pageCompression=1, lang="fr", initialFontName=faces.REGULAR
        )
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
        with self.canvas.paginating():
            self.canvas.setFont(faces.REGULAR, 7.5)
            self.canvas.setFillColor(sheet.GREY)
            self.canvas.drawString(sheet.LEFT, sheet.FOOT, self._name)
            self.canvas.drawRightString(sheet.LEFT + sheet.WIDTH, sheet.FOOT, f"Page {self.page}/{self._pages}")
        self.canvas.showPage()

    def finished(self) -> Drawn:
        """Return the document."""
        self.canvas.save()
        return Drawn(self._out.getvalue(), self._sheet)
