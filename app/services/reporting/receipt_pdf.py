"""The receipt as PDF: forty drivers on one A4 sheet, with the operator, the hour of what it tells, and page n/N.

Pure: a receipt in, bytes out. Names are data, never markup.
"""

from __future__ import annotations

import io
from datetime import datetime
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from flask import current_app
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from app.french.spaces import for_paper
from app.models.batch import MODES
from app.services.core.clock import PARIS
from app.services.paper import faces
from app.services.registration.receipts import Receipt, ReceiptLine

from .receipt_words import amount, left_out, lines_told, training

_INK, _ACCENT, _GREY, _SOFT = HexColor("#182226"), HexColor("#0b5a70"), HexColor("#526067"), HexColor("#eef4f5")
_LINE = HexColor("#d2cec3")
_SIDE, _TOP, _FOOT = 14 * mm, 11 * mm, 14 * mm
_WIDTH = A4[0] - 2 * _SIDE
#: What the library leaves free around each page's content.
_PADDING = 6
_END = (
    "Le récapitulatif reste 6 ans dans l’espace du conducteur, le certificat vaut 4 mois. Ce reçu ne vaut pas facture."
)


def render(receipt: Receipt, at: datetime) -> bytes:
    """Return a page of the receipt as PDF, as it stands at an instant."""
    out = io.BytesIO()
    number = str(receipt.batch.receipt_number)
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=_SIDE - _PADDING,
        rightMargin=_SIDE - _PADDING,
        topMargin=_TOP,
        bottomMargin=_FOOT,
        title=f"Reçu {number}",
        author=current_app.config["ISSUER"],
        lang="fr",
        invariant=1,
    )
    foot = f"Reçu {number}, édité le {at.astimezone(PARIS):%d/%m/%Y à %H:%M}"
    document.build([*_head(receipt, at), _table(receipt), *_end(receipt)], canvasmaker=_numbered(foot))
    return out.getvalue()


def _head(receipt: Receipt, at: datetime) -> list[Flowable]:
    batch, style = receipt.batch, _styles()
    centre = f"{escape(batch.centre.name)}<br/><font color='#526067'>SIRET {batch.centre.siret}</font>"
    top = Table(
        [[_p("<b>Registre CQC</b><br/>" + escape(current_app.config["ISSUER"]), "soft"), _p(centre, "right")]],
        colWidths=[_WIDTH * 0.55, _WIDTH * 0.45],
    )
    top.setStyle(
        TableStyle([*_BARE, ("LINEBELOW", (0, 0), (-1, -1), 1.5, _ACCENT), ("BOTTOMPADDING", (0, 0), (-1, -1), 4)])
    )
    by = batch.registered_by.full_name if batch.registered_by else ""
    when = batch.registered_at.astimezone(PARIS) if batch.registered_at else at
    parts = f" Lignes, partie {receipt.page} sur {receipt.page_count}." if receipt.page_count > 1 else ""
    replaces = f" Remplace {receipt.replaces}." if receipt.replaces else ""
    sub = f"Enregistré le {when:%d/%m/%Y à %H:%M:%S} par {escape(by)}, {MODES[batch.mode]}.{replaces}{parts}"
    orders, references = ", ".join(receipt.trace.order_numbers[:3]), ", ".join(receipt.trace.references[:3])
    facts = Table(
        [
            [_p(head, "soft") for head in ("Formation", "N° de commande", "Lignes", "Montant")],
            [
                _fact(*training(receipt)),
                _fact(orders, f"référence {references}" if references else "sans référence"),
                _fact(*lines_told(receipt)),
                _fact(*amount(receipt)),
            ],
        ],
        colWidths=[_WIDTH * part for part in (0.3, 0.2, 0.23, 0.27)],
    )
    facts.setStyle(TableStyle([*_BARE, ("RIGHTPADDING", (0, 0), (-1, -1), 8)]))
    state = f"État au {at.astimezone(PARIS):%d/%m/%Y à %H:%M}\u00a0: {for_paper(receipt.standing.sentence)}"
    said = Table([[Paragraph(escape(state), style["say"])]], colWidths=[_WIDTH])
    said.setStyle(TableStyle([("BACKGROUND", (0, 0), (-1, -1), _SOFT), ("TOPPADDING", (0, 0), (-1, -1), 3)]))
    title = Paragraph(f"Reçu {escape(str(batch.receipt_number))}", style["title"])
    return [top, title, _p(sub, "soft"), Spacer(1, 2 * mm), facts, Spacer(1, 2 * mm), said, Spacer(1, 2 * mm)]


def _fact(value: str, beside: str) -> Paragraph:
    return _p(f"<b>{escape(value)}</b><br/><font size='7' color='#526067'>{escape(beside)}</font>", "text")


def _table(receipt: Receipt) -> Table:
    several = len(receipt.trace.trainings) > 1
    heads = ["Ligne", "Stagiaire", "Naissance", "N° de permis", *(["Formation, fin"] if several else []), "Certificat"]
    parts = (0.06, 0.24, 0.1, 0.14, 0.25, 0.21) if several else (0.08, 0.36, 0.13, 0.18, 0.25)
    rows = [[_p(head, "head") for head in heads], *(_row(line, several) for line in receipt.lines)]
    table = Table(rows, colWidths=[_WIDTH * part for part in parts], repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("TOPPADDING", (0, 0), (-1, -1), 0.9),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1.6),
                ("LEFTPADDING", (0, 0), (-1, -1), 5),
                ("RIGHTPADDING", (0, 0), (-1, -1), 5),
                ("BACKGROUND", (0, 0), (-1, 0), _SOFT),
                ("LINEBELOW", (0, 0), (-1, 0), 0.75, _ACCENT),
                ("LINEBELOW", (0, 1), (-1, -1), 0.5, _LINE),
            ]
        )
    )
    return table


def _row(line: ReceiptLine, several: bool) -> list[Paragraph]:
    one = line.registration
    name = f"<b>{escape(one.last_name)}</b> {escape(one.first_name)}"
    cells = [
        str(one.line_number),
        f"<strike>{name}</strike>" if line.note else name,
        f"{one.identity.birth_date:%d/%m/%Y}",
        escape(one.identity.permit_number),
        *([f"{escape(one.training.full_label)}, {one.end_date:%d/%m/%Y}"] if several else []),
        escape(for_paper(line.told)),
    ]
    return [_p(cell, "text") for cell in cells]


def _end(receipt: Receipt) -> list[Flowable]:
    said = for_paper(left_out(receipt))
    return [Spacer(1, 2 * mm), *([_p(escape(said), "soft")] if said else []), _p(_END, "soft")]


def _numbered(foot: str) -> type[Canvas]:
    """Return a canvas that writes the foot of each page once it knows how many there are."""

    class Numbered(Canvas):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.kept: list[dict[str, Any]] = []

        def showPage(self) -> None:
            self.kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for at, page in enumerate(self.kept, 1):
                self.__dict__.update(page)
                self.setFont(faces.REGULAR, 7.5)
                self.setFillColor(_GREY)
                self.drawString(_SIDE, 8 * mm, foot)
                self.drawRightString(A4[0] - _SIDE, 8 * mm, f"Page {at}/{len(self.kept)}")
                super().showPage()
            super().save()

    return Numbered


_BARE = [
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("RIGHTPADDING", (0, 0), (-1, -1), 0),
    ("TOPPADDING", (0, 0), (-1, -1), 0),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
]


def _p(markup: str, style: str) -> Paragraph:
    return Paragraph(markup, _styles()[style])


@cache
def _styles() -> dict[str, ParagraphStyle]:
    faces.register()
    text = ParagraphStyle("text", fontName=faces.REGULAR, fontSize=8, leading=10, textColor=_INK, splitLongWords=1)
    return {
        "text": text,
        "soft": ParagraphStyle("soft", text, fontSize=7.5, leading=9.5, textColor=_GREY),
        "right": ParagraphStyle("right", text, alignment=2),
        "head": ParagraphStyle("head", text, fontName=faces.BOLD, fontSize=7.5, leading=9.5, textColor=_GREY),
        "say": ParagraphStyle("say", text, fontSize=8.5, leading=11),
        "title": ParagraphStyle(
            "title", text, fontName=faces.BOLD, fontSize=16, leading=19, textColor=_ACCENT, spaceBefore=8
        ),
    }
