"""Slips to print and cut, « à remettre au stagiaire »: the code by which a trainee's account proves to be theirs.

Pure: values in, bytes out. Eight slips an A4 page; names are data, never markup.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from xml.sax.saxutils import escape

import segno
from flask import current_app
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.platypus import Frame, KeepInFrame

from app.french.spaces import for_paper
from app.services.core.clock import PARIS
from app.services.paper import faces
from app.services.paper.marking import Info, Paper, Sheet
from app.services.paper.tree import Element
from app.services.paper.words import Words, plain, rich

from .receipts import Slip

_COLUMNS, _ROWS = 2, 4
_WIDTH, _HEIGHT = A4[0] / _COLUMNS, A4[1] / _ROWS
_MARGIN, _QR_SIDE = 8 * mm, 22 * mm
_HOW = (
    "Créez votre compte avec le nom, la date de naissance et le numéro de votre permis de conduire, puis ce code : "
    "vos formations, récapitulatifs et certificats vous y attendent. Vous avez déjà un compte ? Connectez-vous, "
    "puis « Prouver mon identité »."
)
_INK, _ACCENT, _CUT = HexColor("#182226"), HexColor("#0b5a70"), HexColor("#9aa5aa")


def render(slips: Sequence[Slip], centre: str, receipt: str, at: datetime) -> bytes:
    """Return the slips as PDF: for whom, the code, the address where it serves, and what to do; ``at``: now, aware."""
    address = f"{current_app.config['BASE_URL']}/inscription/"
    out = io.BytesIO()
    title = f"Fiches à remettre aux stagiaires, reçu {receipt}"
    sheet = Sheet(Info(title, current_app.config["ISSUER"], at.astimezone(PARIS)), sealed=False, outlined=True)
    canvas = sheet.canvas(out, pagesize=A4, invariant=1, lang="fr", initialFontName=faces.REGULAR)
    qr = _qr(address)
    for at_slip, slip in enumerate(slips):
        place = at_slip % (_COLUMNS * _ROWS)
        if at_slip and not place:
            canvas.showPage()
        if not place:
            _cuts(canvas)
        left, bottom = place % _COLUMNS * _WIDTH, A4[1] - (place // _COLUMNS + 1) * _HEIGHT
        section = sheet.root.add("Sect")
        _fill(canvas, left, bottom, _texts(slip, centre, receipt, address, section))
        picture = section.add("Figure", alt=f"Code QR de l’adresse : {address}")
        corner = (left + _WIDTH - _MARGIN - _QR_SIDE, bottom + _HEIGHT - _MARGIN - _QR_SIDE)
        canvas.figure(picture, qr, (*corner, _QR_SIDE))
    canvas.save()
    return sheet.finished(out.getvalue())


def _fill(canvas: Paper, left: float, bottom: float, texts: tuple[list[Words], list[Words]]) -> None:
    """Write the two halves of a slip: beside the QR code, and below it over the whole width; what is long is drawn smaller."""
    wide, inner = _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN
    upper = 24 * mm
    for story, width, height, low in (
        (texts[0], wide - _QR_SIDE - 2 * mm, upper, bottom + _HEIGHT - _MARGIN - upper),
        (texts[1], wide, inner - upper, bottom + _MARGIN),
    ):
        frame = Frame(left + _MARGIN, low, width, height, 0, 0, 0, 0)
        frame.addFromList([KeepInFrame(width, height, list(story), mode="shrink")], canvas)


def _texts(slip: Slip, centre: str, receipt: str, address: str, section: Element) -> tuple[list[Words], list[Words]]:
    def said(text: str, style: str, role: str = "P") -> Words:
        return plain(text, _styles()[style], section.add(role))

    above = [
        said("À remettre au stagiaire", "small"),
        said(slip.name, "name", "H1"),
        said(f"{centre}, reçu {receipt}", "small"),
    ]
    below = [
        said("Code d’activation", "small"),
        said(slip.code, "code"),
        _link(f"Votre espace de conducteur\u00a0: <b>{escape(address)}</b>", address, section.add("P").add("Link")),
        said(for_paper(_HOW), "text"),
        said("Ce code vous est personnel et ne sert qu’une fois.", "text"),
    ]
    return above, below


def _link(markup: str, address: str, element: Element) -> Words:
    words = rich(markup, _styles()["text"], element)
    words.address = address
    return words


def _cuts(canvas: Paper) -> None:
    canvas.saveState()
    canvas.setStrokeColor(_CUT)
    canvas.setLineWidth(0.5)
    canvas.setDash(3, 3)
    for column in range(1, _COLUMNS):
        canvas.line(column * _WIDTH, 0, column * _WIDTH, A4[1])
    for row in range(1, _ROWS):
        canvas.line(0, row * _HEIGHT, A4[0], row * _HEIGHT)
    canvas.restoreState()


def _qr(address: str) -> ImageReader:
    picture = io.BytesIO()
    segno.make(address, error="m", micro=False).save(picture, kind="png", scale=8, border=2)
    picture.seek(0)
    return ImageReader(picture)


@cache
def _styles() -> dict[str, ParagraphStyle]:
    faces.register()
    regular, bold = faces.REGULAR, faces.BOLD
    text = ParagraphStyle(
        "text", fontName=regular, fontSize=8.5, leading=11, textColor=_INK, spaceAfter=2, splitLongWords=1
    )
    return {
        "text": text,
        "small": ParagraphStyle("small", text, textColor=HexColor("#526067")),
        "name": ParagraphStyle("name", text, fontName=bold, fontSize=12, leading=15),
        "code": ParagraphStyle("code", text, fontName=bold, fontSize=22, leading=27, textColor=_ACCENT),
    }
