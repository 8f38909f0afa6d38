"""Slips to print and cut, « à remettre au stagiaire »: the code by which a trainee's account proves to be theirs.

Pure: values in, bytes out. Eight slips an A4 page; names are data, never markup.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from xml.sax.saxutils import escape

import segno
from flask import current_app
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Frame, KeepInFrame, Paragraph

from app.french.spaces import for_paper
from app.services.paper import faces

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


def render(slips: Sequence[Slip], centre: str, receipt: str) -> bytes:
    """Return the slips as PDF: for whom, the code, the address where it serves, and what to do."""
    address = f"{current_app.config['BASE_URL']}/inscription/"
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1, lang="fr")
    canvas.setTitle(f"Fiches à remettre aux stagiaires, reçu {receipt}")
    canvas.setAuthor(current_app.config["ISSUER"])
    qr = _qr(address)
    for at, slip in enumerate(slips):
        place = at % (_COLUMNS * _ROWS)
        if at and not place:
            canvas.showPage()
        if not place:
            _cuts(canvas)
        left, bottom = place % _COLUMNS * _WIDTH, A4[1] - (place // _COLUMNS + 1) * _HEIGHT
        canvas.drawImage(
            qr, left + _WIDTH - _MARGIN - _QR_SIDE, bottom + _HEIGHT - _MARGIN - _QR_SIDE, _QR_SIDE, _QR_SIDE
        )
        _fill(canvas, left, bottom, _texts(slip, centre, receipt, address))
    canvas.save()
    return out.getvalue()


def _fill(canvas: Canvas, left: float, bottom: float, texts: tuple[list[Paragraph], list[Paragraph]]) -> None:
    """Write the two halves of a slip: beside the QR code, and below it over the whole width; what is long is drawn smaller."""
    wide, inner = _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN
    upper = 24 * mm
    for story, width, height, low in (
        (texts[0], wide - _QR_SIDE - 2 * mm, upper, bottom + _HEIGHT - _MARGIN - upper),
        (texts[1], wide, inner - upper, bottom + _MARGIN),
    ):
        frame = Frame(left + _MARGIN, low, width, height, 0, 0, 0, 0)
        frame.addFromList([KeepInFrame(width, height, list(story), mode="shrink")], canvas)


def _texts(slip: Slip, centre: str, receipt: str, address: str) -> tuple[list[Paragraph], list[Paragraph]]:
    styles = _styles()
    return (
        [
            Paragraph("À remettre au stagiaire", styles["small"]),
            Paragraph(escape(slip.name), styles["name"]),
            Paragraph(f"{escape(centre)}, reçu {escape(receipt)}", styles["small"]),
        ],
        [
            Paragraph("Code d’activation", styles["small"]),
            Paragraph(escape(slip.code), styles["code"]),
            Paragraph(f"Votre espace de conducteur\u00a0: <b>{escape(address)}</b>", styles["text"]),
            Paragraph(
                for_paper(_HOW),
                styles["text"],
            ),
            Paragraph("Ce code vous est personnel et ne sert qu’une fois.", styles["text"]),
        ],
    )


def _cuts(canvas: Canvas) -> None:
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
